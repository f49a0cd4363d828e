"""Lines for the history database: sums by hour and day, and what the month has cost so far. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.decode.line import tag_set
from hub.status.tariffs import bill

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hub.status.ledger import Page, Row, Use
    from hub.status.tariffs import Bill
    from provisioning.records import Uplink


def history_lines(page: Page, rows: Iterable[Row]) -> str:
    """Return `bandwidth_hour`, `bandwidth_day`, `uplink_hour`, `uplink_day`: a point where the period begins."""
    return "".join(f"{row.measurement}_{page.period}{row.tags} {_fields(row)} {page.start_ns}\n" for row in rows)


def bills(uplinks: Iterable[Uplink], uses: Iterable[Use]) -> dict[str, Bill]:
    """Return uplink -> its bill, shared out among agencies; devices that belong to none are under an empty name."""
    measured: dict[str, int] = {}
    used: dict[str, dict[str, int]] = {}
    for use in uses:
        if use.measurement == "uplink":
            measured[use.uplink] = measured.get(use.uplink, 0) + use.bytes
        else:
            used.setdefault(use.uplink, {})[use.agency] = use.bytes
    return {one.id: bill(one, _known(one, measured), used.get(one.id, {})) for one in uplinks}


def cost_lines(
    uplinks: Mapping[str, Uplink], billed: Mapping[str, Bill], uses: Iterable[Use], month: str, at_ns: int
) -> str:
    """Return the `cost` lines of a month so far.

    One an agency and uplink, and one an uplink, without an agency, for what no device accounts for and for devices
    that belong to no agency.
    """
    amounts = {(use.uplink, use.agency): use.bytes for use in uses if use.measurement == "bandwidth"}
    lines: list[str] = []
    for name, one in billed.items():
        shares = {agency: (amounts[name, agency], rupiah) for agency, rupiah in one.shares.items()}
        nobodys = shares.get("", (0, 0))
        shares[""] = (nobodys[0] + max(one.unattributed, 0), nobodys[1] + one.unattributed_rupiah)
        for agency, (amount, rupiah) in shares.items():
            tags = tag_set([("agency", agency), ("uplink", name), ("site", uplinks[name].site)])
            lines.append(f'cost{tags} bytes={amount}i,rupiah={rupiah}i,month="{month}" {at_ns}\n')
    return "".join(lines)


def _known(uplink: Uplink, measured: Mapping[str, int]) -> int | None:
    """An uplink with a router has carried what that counted, be it nothing; without one nobody knows."""
    return None if uplink.router is None else measured.get(uplink.id, 0)


def _fields(row: Row) -> str:
    sums = row.sums
    if row.attributed is None:
        return f"rx_bytes={sums.rx}i,tx_bytes={sums.tx}i,local_bytes={sums.local}i,estimated_bytes={sums.estimated}i"
    rest = sums.rx + sums.tx - row.attributed
    return (
        f"rx_bytes={sums.rx}i,tx_bytes={sums.tx}i,peak_bps={sums.peak_bps!r},"
        f"attributed_bytes={row.attributed}i,unattributed_bytes={rest}i,estimated_bytes={sums.estimated}i"
    )
