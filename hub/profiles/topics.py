"""MQTT topic filters with placeholders: `tele/{device}/SENSOR`, `+/{imei}/data`, `{serial}/event/#`. Pure.

A placeholder stands for what the registry knows of one device, within one level. `+` and `#` are MQTT's own (MQTT 5,
4.7.1). A filter must tell devices apart, and must not reach into the hub's own tree, where another would be heard.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

PLACEHOLDERS: Final = ("device", "serial", "imei")
ROOT: Final = "devices"
"""Where the hub's own tree begins."""

_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")
_LEAVES: Final = ("telemetry", "events", "status", "reported", "replies", "desired", "acks", "commands/x")
_NATIVE: Final = [f"{ROOT}/x/{above}{leaf}" for above in ("", "children/y/") for leaf in _LEAVES]
_LONGEST: Final = 200


class Identity(Protocol):
    """What placeholders stand for; the registry's entries have this shape."""

    @property
    def device(self) -> str: ...  # noqa: D102
    @property
    def serial(self) -> str | None: ...  # noqa: D102
    @property
    def imei(self) -> str | None: ...  # noqa: D102


def problem(topic: str) -> str:
    """Return what is wrong with a filter of a profile; empty when it can be used."""
    levels = topic.split("/")
    names = _PLACEHOLDER.findall(topic)
    if not topic or len(topic) > _LONGEST or not topic.isprintable():
        return f"is 1 to {_LONGEST} printable characters"
    if unknown := sorted(set(names) - set(PLACEHOLDERS)):
        return f"there is no placeholder {{{unknown[0]}}}; use {{device}}, {{serial}} or {{imei}}"
    if any(sign in _PLACEHOLDER.sub("", topic) for sign in "{}"):
        return "has a brace that belongs to no placeholder"
    if "#" in levels[:-1] or any(len(level) > 1 and ("#" in level or "+" in level) for level in levels):
        return "is no MQTT filter: + stands alone in its level, # alone in the last"
    if not names:
        return "holds none of {device}, {serial} and {imei}: two devices would share it"
    return _reach(topic, levels)


def _reach(topic: str, levels: list[str]) -> str:
    if topic.startswith(("$", f"{ROOT}/")):
        return "begins with $, the broker's own, or with devices/, the hub's own"
    if set(subscription(topic).split("/")) <= {"+", "#"}:
        return "has no level that is fixed: the hub would have to hear everything"
    begins = "vendor" if "{serial}" in levels[0] or "{imei}" in levels[0] else levels[0]  # `fill` sees to those
    pattern = matcher("/".join([begins, *levels[1:]]))
    if reached := next((native for native in _NATIVE if pattern.fullmatch(native)), None):
        return f"reaches into the hub's own topics, such as {reached}"
    return ""


def fill(topic: str, identity: Identity) -> str | None:
    """Return a filter with the device's own in place of the placeholders.

    None when the registry lacks what it needs, or when that would lead into the hub's own tree.
    """
    values = {"device": identity.device, "serial": identity.serial, "imei": identity.imei}
    if any(not values[name] for name in _PLACEHOLDER.findall(topic)):
        return None
    filled = _PLACEHOLDER.sub(lambda found: values[found[1]] or "", topic)
    return None if filled.startswith(f"{ROOT}/") else filled


def subscription(topic: str) -> str:
    """Return the filter by which the hub hears all devices: a level with a placeholder becomes `+`."""
    return "/".join("+" if _PLACEHOLDER.search(level) else level for level in topic.split("/"))


def matcher(topic: str) -> re.Pattern[str]:
    """Return what matches the topics of a filter, each placeholder being a group of its name."""
    seen: set[str] = set()
    text = "".join(_level(level, seen, first=index == 0) for index, level in enumerate(topic.split("/")))
    return re.compile(text)


def is_exact(topic: str) -> bool:
    """Return whether a filter names a single topic."""
    return not {"+", "#"} & set(topic.split("/"))


def _level(level: str, seen: set[str], *, first: bool) -> str:
    slash = "" if first else "/"
    match level:
        case "#":
            return f"({slash}.*)?" if slash else ".*"
        case "+":
            return f"{slash}[^/]*"
        case _:
            return slash + "".join(_piece(piece, seen) for piece in _pieces(level))


def _pieces(level: str) -> Iterator[str]:
    return (piece for piece in re.split(r"(\{[^{}]*\})", level) if piece)


def _piece(piece: str, seen: set[str]) -> str:
    found = _PLACEHOLDER.fullmatch(piece)
    if found is None:
        return re.escape(piece)
    if found[1] in seen:
        return f"(?P={found[1]})"
    seen.add(found[1])
    return f"(?P<{found[1]}>[^/]+)"
