"""What an answer of Grafana means. Pure.

https://grafana.com/docs/grafana/latest/developer-resources/api-reference/http-api/
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import orjson

from hub.grafana.errors import Away, Conflict, Denied, GrafanaError, Refused
from hub.sinks.outcome import retry_after, words

if TYPE_CHECKING:
    from collections.abc import Mapping

_REDIRECTS = range(300, 400)
_BROKEN = 500
_REMEDIES: Final[dict[int, tuple[type[GrafanaError], str]]] = {
    401: (Denied, "the token is wrong or expired, `cityhub grafana token` makes a new one"),
    403: (Denied, "the service account needs the role Editor, and Admin for data sources"),
    404: (Refused, "this needs Grafana 11 or newer, and what it belongs to must be there"),
    409: (Conflict, "something else in Grafana has that name or uid: rename it there"),
    412: (Conflict, "somebody saved it at the same moment: look at it, then push again"),
}


def problem(status: int, headers: Mapping[str, str], body: bytes, address: str) -> GrafanaError | None:
    """Judge an answer; None when Grafana did as it was asked.

    Args:
        status: the HTTP status.
        headers: looked up as Content-Type, Location, Retry-After and Date.
        body: the body or its beginning; may be anything.
        address: where Grafana is, for messages.
    """
    if status in _REDIRECTS:
        return Refused(
            f"{address} redirects to {headers.get('Location', 'elsewhere')}; set grafana.url to that address"
        )
    if body and not is_json(body):
        return _stranger(status, headers, address)
    if status < _REDIRECTS.start:
        return None
    return _error(status, headers, f"Grafana at {address} answered {status}: {words(body)}")


def is_json(body: bytes) -> bool:
    """Tell whether a body is a JSON document, as every answer of Grafana's API is."""
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    return True


def _stranger(status: int, headers: Mapping[str, str], address: str) -> GrafanaError:
    """An answer that is not Grafana's own: a proxy's, while Grafana is away, or another program's."""
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= _BROKEN:
        return Away(f"Grafana at {address} is not there: what stands before it answered {status}", retry_after(headers))
    return Refused(f"what answers at {address} is not a Grafana (status {status}); check grafana.url, with its path")


def _error(status: int, headers: Mapping[str, str], said: str) -> GrafanaError:
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Away(f"{said}; Grafana limits requests, trying again helps", retry_after(headers))
    if status >= _BROKEN:
        return Away(f"{said}; Grafana's own log says more", retry_after(headers))
    kind, remedy = _REMEDIES.get(status, (Refused, ""))
    return kind(f"{said}; {remedy}" if remedy else said)
