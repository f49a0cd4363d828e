"""A device's own word on whether it is connected, and its last will: no line, but a word for its watch."""

from __future__ import annotations

from reprlib import repr as brief
from typing import TYPE_CHECKING

import orjson

from hub.decode.fields import as_text
from hub.decode.lookup import at
from hub.decode.watch import Word
from hub.errors import Fault, Reason, Rejected

if TYPE_CHECKING:
    from hub.decode.formats import Decoder
    from hub.decode.watch import Watch
    from hub.profiles.mqtt import Presence


class Words:
    """What a profile's devices call online and offline."""

    def __init__(self, presence: Presence) -> None:
        self._path = presence.path
        self._words = dict.fromkeys(presence.offline, False) | dict.fromkeys(presence.online, True)

    def decode(self, tags: str, payload: bytes, received_ns: int, retained: bool, watch: Watch) -> str:  # noqa: ARG002, FBT001 - as every decoder
        """Take a word; a payload of no bytes deletes what the broker had retained, and says nothing."""
        if payload:
            online = self.online(payload)
            if online is None:
                what = f"presence: {brief(payload)} is none of {', '.join(self._words)}"
                raise Rejected([Fault(Reason.OUT_OF_RANGE, what[:200])])
            note(watch, received_ns, online=online, retained=retained)
        return ""

    def online(self, payload: bytes) -> bool | None:
        """Return what a payload says; None when it is no word of these."""
        if self._path is None:
            return self._words.get(payload.decode(errors="replace").strip())
        try:
            return self._words.get(as_text(at(orjson.loads(payload), self._path)))
        except orjson.JSONDecodeError:
            return None


def note(watch: Watch, received_ns: int, *, online: bool, retained: bool) -> None:
    """Keep a word. It does not move `heard_ns`: a will is the broker's message, and a greeting is no reading."""
    watch.say(Word(received_ns, online, retained))


def listening(words: Words, decode: Decoder) -> Decoder:
    """Return a decoder for a topic on which telemetry and presence words come alike (OwnTracks)."""

    def either(tags: str, payload: bytes, received_ns: int, retained: bool, watch: Watch) -> str:  # noqa: FBT001 - as every decoder
        online = words.online(payload)
        if online is not None:
            note(watch, received_ns, online=online, retained=retained)
        return "" if online is False else decode(tags, payload, received_ns, retained, watch)

    return either
