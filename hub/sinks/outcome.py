"""What a database's answer to a write means for the lines that were sent. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

import orjson

from hub.errors import Refused, Retryable, SinkError, TooLarge

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_RETRY_AFTER_S = 3600.0
"""The longest wish of a server that is believed: a wrong date must not silence a hub for years."""

_MAX_WORDS = 300
# 201 is how InfluxDB 3's managed clusters reported a partial write before 2024: some of the lines were dropped.
_REFUSED = (HTTPStatus.CREATED, HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY)


def outcome(status: int, headers: Mapping[str, str], body: bytes) -> SinkError | None:
    """Judge the answer to a write; None when it confirms every line.

    Only the status decides: 204 confirms; 201, 400 and 422 condemn something in the lines; 413 asks for smaller
    requests; all else (credentials, a missing database, overload, a proxy's page) is no fault of the lines.

    Args:
        status: the HTTP status.
        headers: the answer's headers, looked up as `Retry-After` and `Date`.
        body: the body or its beginning; may be anything.
    """
    if status == HTTPStatus.NO_CONTENT:
        return None
    said = f"InfluxDB answered {status}: {words(body)}"
    if status in _REFUSED:
        return Refused(said)
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return TooLarge(said)
    return Retryable(said + _remedy(status), retry_after(headers))


def _remedy(status: int) -> str:
    match status:
        case 401 | 403:
            return "; check user name and password, or the token, and its right to this database"
        case 404:
            return "; create the database (bucket), or correct its name, `org` or `version` in the settings"
        case 500:
            return "; see InfluxDB's log (1.x: the database may lack a default retention policy, then create one)"
        case 408 | 429 | 502 | 503 | 504:
            return ""
        case _:
            return "; InfluxDB does not answer so, but a proxy or a login page may: check `url`"


def words(body: bytes) -> str:
    """Return the server's own explanation as one short printable line.

    Reads `{"error"}` of 1.x, `{"message"}` of 2.x and `{"error", "data"}` of 3.x; other bodies are shown as text.
    """
    text = _explanation(body) or body.decode(errors="replace")
    printable = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(printable.split())[:_MAX_WORDS] or "no reason given"


def _explanation(body: bytes) -> str:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""
    match document:
        case {"error": str(error), "data": [{"error_message": str(detail)}, *_]}:
            return f"{error}: {detail}"
        case {"error": str(error), "data": {"error_message": str(detail)}}:
            return f"{error}: {detail}"
        case {"error": str(error)} | {"message": str(error)}:
            return error
    return ""


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a server asks to be left alone, at most an hour; None without a readable wish.

    A date (RFC 9110, 10.2.3) counts from the answer's own `Date`, so that the two clocks need not agree.
    """
    wish = headers.get("Retry-After", "").strip()
    if wish.isascii() and wish.isdigit():
        return min(float(wish), MAX_RETRY_AFTER_S)
    try:
        seconds = (_http_date(wish) - _http_date(headers.get("Date", ""))).total_seconds()
    except ValueError:
        return None
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_S)


def _http_date(text: str) -> datetime:
    moment = parsedate_to_datetime(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
