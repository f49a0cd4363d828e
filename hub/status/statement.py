"""A month's statement: what each agency, site, zone, device or uplink carried, and what that cost. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from hub.status.tariffs import bill

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from provisioning.records import Uplink

By = Literal["agency", "site", "zone", "device", "uplink"]
UNATTRIBUTED: Final = "(unattributed)"
COLUMNS: Final = ("rx_bytes", "tx_bytes", "local_bytes", "estimated_bytes")


@dataclass(slots=True)
class Entry:
    """One row.

    Attributes:
        name: of whom; empty: of devices that have none, e.g. belong to no zone.
        bytes: over an uplink or another network, both directions; of the unattributed row what no device accounts
            for, which is negative when devices account for more than was carried.
        local_bytes: kept by a recorder at the site, and in no other sum.
        estimated_bytes: of `bytes` and `local_bytes`, what is only known by its rate.
        rupiah: the share of the uplinks' bills.
    """

    name: str
    rx_bytes: int = 0
    tx_bytes: int = 0
    local_bytes: int = 0
    estimated_bytes: int = 0
    bytes: int = 0
    rupiah: int = 0


@dataclass(frozen=True, slots=True)
class Used:
    """Bytes of one name over one uplink; an empty uplink: over none that is known."""

    uplink: str
    name: str
    rx_bytes: int
    tx_bytes: int
    local_bytes: int
    estimated_bytes: int


def statement(by: By, used: Iterable[Used], measured: Mapping[str, int], uplinks: Iterable[Uplink]) -> list[Entry]:
    """Return the rows, the largest first, and after them what no device accounts for.

    Args:
        by: with `uplink`, each uplink's remainder is a row of its own.
        used: by the devices' own counters.
        measured: uplink -> bytes that its router counted.
        uplinks: with their tariffs.
    """
    rows: dict[str, Entry] = {}
    shares: dict[str, dict[str, int]] = {}
    for one in used:
        row = rows.setdefault(one.name, Entry(one.name))
        for column in COLUMNS:
            setattr(row, column, getattr(row, column) + getattr(one, column))
        amount = one.rx_bytes + one.tx_bytes
        row.bytes += amount
        shares.setdefault(one.uplink, {})[one.name] = amount
    rests: dict[str, Entry] = {}
    for uplink in uplinks:
        counted = None if uplink.router is None else measured.get(uplink.id, 0)
        billed = bill(uplink, counted, shares.get(uplink.id, {}))
        for name, rupiah in billed.shares.items():
            rows[name].rupiah += rupiah
        name = f"{uplink.id} {UNATTRIBUTED}" if by == "uplink" else UNATTRIBUTED
        rest = rests.setdefault(name, Entry(name))
        rest.bytes += billed.unattributed
        rest.rupiah += billed.unattributed_rupiah
    return [*sorted(rows.values(), key=lambda row: (-row.bytes, row.name)), *rests.values()]


def total(rows: Iterable[Entry]) -> Entry:
    """Return the sum of all rows: what was carried, and all bills."""
    result = Entry("total")
    for row in rows:
        for column in (*COLUMNS, "bytes", "rupiah"):
            setattr(result, column, getattr(result, column) + getattr(row, column))
    return result
