"""What is wrong with the broker's protection, as sentences: what lasts, and what was found and repaired of late."""

from __future__ import annotations

import logging
from typing import Final

ALARM_NS: Final = 600 * 1_000_000_000
"""How long an alarm stands after the repair: long enough to be seen by those who look now and then."""

log = logging.getLogger(__name__)


class Problems:
    """Logs each once when it comes, and once when it is over."""

    def __init__(self) -> None:
        self._lasting: dict[str, str] = {}
        self._alarms: dict[str, int] = {}

    def state(self, kind: str, sentence: str) -> None:
        """Say how it stands with one kind of problem; nothing means well."""
        before = self._lasting.pop(kind, "")
        if sentence:
            self._lasting[kind] = sentence
        if sentence and not before:
            log.warning("%s", sentence)
        elif before and not sentence:
            log.info("no longer: %s", before)

    def stands(self, kind: str) -> bool:
        """Tell whether there is a lasting problem of this kind."""
        return kind in self._lasting

    def alarm(self, sentence: str, now_ns: int) -> None:
        """Report something that must not happen, whether it is repaired or not."""
        if sentence not in self._alarms:
            log.error("%s", sentence)
        self._alarms[sentence] = now_ns

    def sentences(self, now_ns: int) -> list[str]:
        """Return what is wrong now, and the alarms of the last minutes."""
        self._alarms = {sentence: since for sentence, since in self._alarms.items() if now_ns - since < ALARM_NS}
        return [*self._lasting.values(), *self._alarms]
