"""How a device on Modbus answers, in words: asked of the running hub over loopback."""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from hub.web.polled import PolledView
from provisioning.clock import utc

if TYPE_CHECKING:
    from hub.settings import Settings

TIMEOUT_S: Final = 5
NO_HUB: Final = "not polled: the hub does not run"
NOT_YET: Final = "not polled: the hub does not know it yet"


def polled_words(settings: Settings, device: str) -> str:
    """Return how a device answers, as far as the hub that runs with `settings` knows."""
    connection = http.client.HTTPConnection(settings.web.host, settings.web.port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", f"/devices/{device}/modbus")
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException):
        return NO_HUB
    finally:
        connection.close()
    if answer.status == http.client.NOT_FOUND:
        return NOT_YET
    try:
        return _words(PolledView.model_validate_json(body))
    except ValidationError:
        return NO_HUB


def _words(state: PolledView) -> str:
    last = f"last answer {_time(state.answered_ns)}" if state.answered_ns else "no answer yet"
    return f"{state.fault}; {last}" if state.fault else f"answers; {last}" if state.answered_ns else last


def _time(ns: int) -> str:
    return f"{utc(ns):%Y-%m-%d %H:%M:%S} UTC"
