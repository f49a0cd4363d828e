"""A device's own word on whether it is connected, and its last will: no line, but a word for its watch."""

from __future__ import annotations

from reprlib import repr as brief
from typing import TYPE_CHECKING

import orjson

from hub.decode.fields import as_text
from hub.decode.lookup import at
from hub.decode.watch import Word, keep
from hub.errors import Fault, Reason, Rejected

if TYPE_CHECKING:
    from collections.abc import Callable

    from hub.decode.watch import Watch
    from hub.profiles.mqtt import Presence


def word_decoder(presence: Presence) -> Callable[[str, bytes, int, bool, Watch], str]:
    """Return a decoder of presence words.

    A will is the broker's message: it is no sign that the device lives, so only "online" moves `heard_ns`. A payload
    of no bytes deletes what the broker had retained, and says nothing.
    """
    words = dict.fromkeys(presence.offline, False) | dict.fromkeys(presence.online, True)

    def decode(_tags: str, payload: bytes, received_ns: int, retained: bool, watch: Watch) -> str:  # noqa: FBT001 - as every decoder
        if not payload:
            return ""
        word = _word(payload, presence.path)
        online = words.get(word)
        if online is None:
            raise Rejected([Fault(Reason.OUT_OF_RANGE, f"presence: {brief(word)} is none of {', '.join(words)}"[:200])])
        if online and not retained:
            watch.heard_ns = received_ns
        keep(watch.words, Word(received_ns, online, retained))
        return ""

    return decode


def _word(payload: bytes, path: str | None) -> str:
    """Return the word in a payload; nothing when there is none."""
    if path is None:
        return payload.decode(errors="replace").strip()
    try:
        return as_text(at(orjson.loads(payload), path))
    except orjson.JSONDecodeError as error:
        raise Rejected([Fault(Reason.BAD_PAYLOAD, f"not JSON: {error}")]) from None
