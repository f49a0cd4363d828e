"""Who is watched: the devices by their indices, what they hang on together, and which are under maintenance."""

from __future__ import annotations

from array import array
from enum import IntEnum
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from hub.directory import Entry as Served
from hub.status.fleet import Ear

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from hub.decode.watch import Watch
    from hub.status.fleet import Fleet

_ALWAYS: Final = 2**63 - 1


class Entry(Served, Protocol):
    """What status needs of a registered device; the registry's own rows have this shape."""

    @property
    def lifecycle(self) -> str: ...  # noqa: D102
    @property
    def maintenance_until_ns(self) -> int: ...  # noqa: D102


class Kind(IntEnum):
    """What devices hang on together, the widest first.

    A site's devices share its uplink and its power, a gateway's the gateway or the bus, all over MQTT the broker.
    """

    LISTENER = 0
    SITE = 1
    GATEWAY = 2


class Group(NamedTuple):
    """One of them, by its id."""

    kind: Kind
    name: str


BROKER: Final = Group(Kind.LISTENER, "mqtt")


class Roster:
    """Follows the registry's changes, for itself and for the fleet.

    Args:
        fleet: learns whom to follow.
        watches: device -> its watch, as the directory has them.
        interval_ns: profile -> how often its devices speak; None: this hub has no such profile.
    """

    def __init__(self, fleet: Fleet, watches: Mapping[str, Watch], interval_ns: Callable[[str], int | None]) -> None:
        self.entries: list[Entry | None] = []
        self.index: dict[str, int] = {}
        self._fleet = fleet
        self._watches = watches
        self._interval_ns = interval_ns
        self._members: dict[Group, set[int]] = {}
        self._quiet_until = array("q")

    def update(self, entries: Iterable[Entry], changed: Collection[str] = ()) -> None:
        """Take in `entries` as they are now; a device of `changed` that is not among them is forgotten."""
        found = {entry.device: entry for entry in entries}
        for device in changed:
            if device not in found:
                self._forget(device)
        for entry in found.values():
            self._learn(entry)

    def members(self, group: Group) -> set[int]:
        """Return the indices of those that hang on `group`, a gateway's own included."""
        members = self._members.get(group, set())
        own = self.index.get(group.name) if group.kind is Kind.GATEWAY else None
        return members if own is None else members | {own}

    def groups(self, index: int) -> list[Group]:
        """Return what a device hangs on, the widest first."""
        entry = self.entries[index]
        if entry is None:
            return []
        own = Group(Kind.GATEWAY, entry.device)
        return [*_groups(entry), *([own] if own in self._members else [])]

    def quiet(self, index: int, now_ns: int) -> bool:
        """Whether a device is under maintenance, so that nothing about it is an alarm."""
        return self._quiet_until[index] > now_ns

    def lifecycle(self, index: int, now_ns: int) -> str:
        """Return where a device stands in its life, with the maintenance of its site."""
        entry = self.entries[index]
        return "maintenance" if entry is None or self.quiet(index, now_ns) else entry.lifecycle

    def _learn(self, entry: Entry) -> None:
        watch, interval_ns = self._watches.get(entry.device), self._interval_ns(entry.profile)
        if watch is None or interval_ns is None:
            self._forget(entry.device)
            return
        if self.index.get(entry.device, watch.index) != watch.index:
            self._move(entry.device, watch)
        self._place(watch.index, entry)
        self._fleet.learn(watch, interval_ns, _ear(entry), entry.parent)

    def _place(self, index: int, entry: Entry) -> None:
        missing = index + 1 - len(self.entries)
        self.entries.extend([None] * missing)
        self._quiet_until.extend([0] * missing)
        before = self.entries[index]
        if before is not None and before.device != entry.device:
            self._forget(before.device)
        self._leave(index)
        self.entries[index] = entry
        self.index[entry.device] = index
        self._quiet_until[index] = _ALWAYS if entry.lifecycle == "maintenance" else entry.maintenance_until_ns
        for group in _groups(entry):
            self._members.setdefault(group, set()).add(index)

    def _move(self, device: str, watch: Watch) -> None:
        """The directory has given the device another watch: how it stands goes along."""
        standing = self._fleet.standing(self.index[device])
        self._forget(device)
        self._fleet.learn(watch, 1, Ear.MQTT)
        self._fleet.restore(watch.index, standing)

    def _forget(self, device: str) -> None:
        index = self.index.pop(device, None)
        if index is not None:
            self._leave(index)
            self.entries[index] = None
            self._fleet.forget(index)

    def _leave(self, index: int) -> None:
        entry = self.entries[index]
        for group in [] if entry is None else _groups(entry):
            self._members[group].discard(index)
            if not self._members[group]:
                del self._members[group]


def _ear(entry: Entry) -> Ear:
    return Ear.MODBUS if entry.modbus else Ear.MQTT


def _groups(entry: Entry) -> list[Group]:
    bus = entry.parent or entry.modbus
    found = [] if entry.modbus else [BROKER]
    if entry.site:
        found.append(Group(Kind.SITE, entry.site))
    if bus:
        found.append(Group(Kind.GATEWAY, bus))
    return found
