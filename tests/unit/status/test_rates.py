"""What flows over all links at this moment, for the wall."""

from __future__ import annotations

from hub.status.uplinks import Carried, Uplinks
from provisioning.records import Uplink

SECOND = 10**9
HALF_A_MINUTE = Carried(rx=3_000_000, rx_ns=30 * SECOND, tx=6_000_000, tx_ns=30 * SECOND)


def _links() -> Uplinks:
    links = Uplinks()
    links.update([_uplink("up-1"), _uplink("up-2")], {})
    return links


def _uplink(name: str) -> Uplink:
    return Uplink(id=name, site="pasar", capacity_bps=20_000_000)


def test_nobody_knows_before_a_router_was_heard() -> None:
    assert _links().rates() is None


def test_the_rates_of_all_links_that_are_known_are_added_up() -> None:
    links = _links()
    for link in links.links.values():
        link.judge(HALF_A_MINUTE, SECOND)
    assert links.rates() == (1_600_000.0, 3_200_000.0)


def test_a_link_whose_router_fell_silent_is_left_out() -> None:
    links = _links()
    for link in links.links.values():
        link.judge(HALF_A_MINUTE, SECOND)
    links.links["up-2"].miss(2 * SECOND)
    assert links.rates() == (800_000.0, 1_600_000.0)
