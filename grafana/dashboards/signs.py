"""Words, symbols and colours. No state is told by a colour alone: each has a symbol and a word in both languages."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.models.dashboard import (
    DashboardRangeMapOptions,
    DashboardSpecialValueMapOptions,
    RangeMap,
    SpecialValueMap,
    SpecialValueMatch,
    Threshold,
    ThresholdsConfig,
    ThresholdsMode,
    ValueMap,
    ValueMappingResult,
)

GOOD: Final = "green"
NOTICE: Final = "yellow"
WARN: Final = "orange"
BAD: Final = "red"
CALM: Final = "blue"
DIM: Final = "#8e8e8e"

STALE: Final = "✖ BASI · STALE"
NOTHING: Final = "— tidak ada · none"

Mapping = ValueMap | SpecialValueMap | RangeMap


def both(indonesian: str, english: str) -> str:
    """Return a text in both languages; once, where they share the word."""
    return indonesian if indonesian == english else f"{indonesian} · {english}"


def steps(base: str, *further: tuple[float, str]) -> ThresholdsConfig:
    """Return thresholds: the colour from the bottom, then (value, colour) upwards."""
    levels = [Threshold(value=value, color=color) for value, color in further]
    return ThresholdsConfig(mode=ThresholdsMode.ABSOLUTE, steps=[Threshold(value=None, color=base), *levels])


def words(**meanings: tuple[str, str]) -> list[Mapping]:
    """Return mappings from a stored word to (text, colour)."""
    return [ValueMap(options=_results(meanings))]


def switch(yes: tuple[str, str], no: tuple[str, str]) -> list[Mapping]:
    """Return mappings of a truth value, stored as true and false or as 1 and 0."""
    special = [
        SpecialValueMap(
            options=DashboardSpecialValueMapOptions(
                match=match, result=ValueMappingResult(text=text, color=color, index=index)
            )
        )
        for index, (match, (text, color)) in enumerate([(SpecialValueMatch.TRUE, yes), (SpecialValueMatch.FALSE, no)])
    ]
    return [*special, ValueMap(options=_results({"1": yes, "0": no, "true": yes, "false": no}, start=2))]


def within(low: float, high: float, text: str, color: str) -> Mapping:
    """Return the mapping of a range of numbers to a text."""
    result = ValueMappingResult(text=text, color=color, index=0)
    return RangeMap(options=DashboardRangeMapOptions(from_val=low, to=high, result=result))


def _results(meanings: dict[str, tuple[str, str]], start: int = 0) -> dict[str, ValueMappingResult]:
    return {
        word: ValueMappingResult(text=text, color=color, index=index)
        for index, (word, (text, color)) in enumerate(meanings.items(), start)
    }


PRESENCE: Final = words(
    online=("● daring · online", GOOD),
    stale=("◐ basi · stale", NOTICE),
    offline=("✖ luring · offline", BAD),
    never_seen=("○ belum pernah · never seen", CALM),
    unknown=("? tak diketahui · unknown", DIM),
)
SEVERITY: Final = words(
    critical=("‼ kritis · critical", BAD),
    warning=("! peringatan · warning", WARN),
    info=("i info", CALM),
)
INCIDENT: Final = words(
    open=("✖ terbuka · open", BAD),
    acknowledged=("◐ ditangani · acknowledged", NOTICE),
    closed=("● selesai · closed", GOOD),
)
UPLINK: Final = words(
    ok=("● baik · ok", GOOD),
    saturated=("▲ penuh · saturated", BAD),
    asymmetric=("◧ timpang · asymmetric", WARN),
    dropping=("▼ paket hilang · dropping", BAD),
    unknown=("? tak diketahui · unknown", DIM),
)
WELL: Final = switch(("● sehat · well", GOOD), ("✖ bermasalah · unwell", BAD))
TROUBLE: Final = switch(("✖ ya · yes", BAD), ("● tidak · no", GOOD))
WANTED: Final = switch(("● ya · yes", GOOD), ("✖ tidak · no", BAD))

USE: Final = steps(GOOD, (70, WARN), (90, BAD))
"""Percent of something that runs out: uplinks, storage, load."""
LEFT: Final = steps(BAD, (20, WARN), (50, GOOD))
"""Percent of something that should stay: batteries."""
HEALTH: Final = steps(BAD, (50, WARN), (80, GOOD))
ONLINE: Final = steps(BAD, (80, WARN), (95, GOOD))
NONE_WANTED: Final = steps(GOOD, (1, BAD))
FEW_WANTED: Final = steps(GOOD, (1, WARN))
SOME_WANTED: Final = steps(BAD, (1, GOOD))
PLAIN: Final = steps(CALM)
