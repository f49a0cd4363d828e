"""What an uplink's month costs, and whose cost it is. Pure; whole rupiah, and shares that sum exactly to the bill.

Prices hold for a calendar month in the city's time zone. A gigabyte is 10^9 bytes; bytes are charged one by one, and
the sum is rounded to the nearest rupiah. Both directions count. A month's price is due in full from its first day.

=============  ===============================================================================
tariff         the bill
=============  ===============================================================================
monthly        `rupiah`, whatever is carried
per_gigabyte   `rupiah` for each gigabyte
quota          `rupiah`, and `overage_rupiah` for each gigabyte beyond `quota_bytes`
=============  ===============================================================================

A bill is shared out by use. What the router counted and no device did is a use of its own, and so is a month in which
nobody used anything: that share is nobody's in particular, and whoever owns the site will have to bear it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, assert_never

from provisioning.records import Tariff

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provisioning.records import Uplink

GIGABYTE: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Bill:
    """What one uplink costs.

    Attributes:
        carried: bytes in both directions, by the router's counters; without a router, what the devices sent.
        rupiah: for all of it.
        shares: who used it -> rupiah.
        unattributed: bytes that no device accounts for; negative when devices account for more than was carried.
        unattributed_rupiah: what these cost; with the shares, exactly `rupiah`.
    """

    carried: int
    rupiah: int
    shares: dict[str, int]
    unattributed: int
    unattributed_rupiah: int


def bill(uplink: Uplink, measured: int | None, used: Mapping[str, int]) -> Bill:
    """Return the bill of an uplink and its shares.

    Args:
        uplink: with its tariff.
        measured: bytes of the month that its router counted; None: nobody did.
        used: who used it -> bytes, by the devices' own counters.
    """
    attributed = sum(used.values())
    carried = attributed if measured is None else measured
    rupiah = price(uplink, carried)
    remainder = carried - attributed
    *shares, rest = shared_out(rupiah, [*used.values(), max(remainder, 0)])
    return Bill(carried, rupiah, dict(zip(used, shares, strict=True)), remainder, rest)


def price(uplink: Uplink, carried: int) -> int:
    """Return what an uplink costs in a month in which it carried so many bytes, in rupiah."""
    match uplink.tariff:
        case Tariff.MONTHLY:
            return uplink.rupiah
        case Tariff.PER_GIGABYTE:
            return _by_volume(carried, uplink.rupiah)
        case Tariff.QUOTA:
            beyond = max(carried - (uplink.quota_bytes or 0), 0)
            return uplink.rupiah + _by_volume(beyond, uplink.overage_rupiah or 0)
        case _:
            assert_never(uplink.tariff)


def shared_out(amount: int, uses: list[int]) -> list[int]:
    """Share an amount out in proportion to uses, in whole units that sum to it: the largest remainders are rounded up.

    Equal remainders go by place, the first one first. When there is no use at all, the last one bears the whole.
    """
    total = sum(uses)
    if total == 0:
        return [*[0] * (len(uses) - 1), amount]
    shares, remainders = zip(*(divmod(amount * use, total) for use in uses), strict=True)
    result = list(shares)
    by_remainder = sorted(range(len(uses)), key=lambda place: -remainders[place])
    for place in by_remainder[: amount - sum(shares)]:
        result[place] += 1
    return result


def _by_volume(carried: int, rupiah: int) -> int:
    return (carried * rupiah + GIGABYTE // 2) // GIGABYTE
