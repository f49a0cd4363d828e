"""Whether what Grafana has is what we want: Grafana adds defaults of its own, so only what we set is compared. Pure."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST: Final = 12
"""Differences that are told; a person reads them."""
_EMPTY: Final[tuple[object, ...]] = (None, "", [], {}, False)
"""Grafana leaves such values out, and puts them in."""


def differences(theirs: object, ours: object) -> list[str]:
    """Return where `theirs` is not what `ours` asks for, a line each, a bounded number of them."""
    found = list(_differences(theirs, ours, ""))
    return found[:MOST] + ([f"… and {len(found) - MOST} more"] if len(found) > MOST else [])


def fingerprint(content: object) -> str:
    """Return a short digest of JSON content, the same for the same content."""
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


def _differences(theirs: Any, ours: Any, path: str) -> Iterator[str]:  # noqa: ANN401 - JSON of any shape
    match theirs, ours:
        case dict(), dict():
            for key, value in ours.items():
                yield from _differences(theirs.get(key), value, f"{path}.{key}" if path else key)
        case list(), list() if len(theirs) == len(ours):
            for index, (their, our) in enumerate(zip(theirs, ours, strict=True)):
                yield from _differences(their, our, f"{path}[{index}]")
        case _ if theirs != ours and not (theirs in _EMPTY and ours in _EMPTY):
            yield f"{path}: {_short(theirs)} -> {_short(ours)}"


def _short(value: object) -> str:
    text = orjson.dumps(value).decode()
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 - so that a line holds both
