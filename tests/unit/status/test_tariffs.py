"""Bills of the three tariffs, and shares that sum to them."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.status.tariffs import GIGABYTE, Bill, bill, price, shared_out
from provisioning.records import Tariff, Uplink

FLAT = Uplink("fiber", "pasar", 1, Tariff.MONTHLY, 1_500_000)
VOLUME = Uplink("4g", "pasar", 1, Tariff.PER_GIGABYTE, 12_000)
QUOTA = Uplink("lte", "pasar", 1, Tariff.QUOTA, 250_000, quota_bytes=100 * GIGABYTE, overage_rupiah=5_000)

BYTES = st.integers(0, 10**16)
USES = st.dictionaries(st.sampled_from(["dishub", "dinkes", "bpbd", "polres", "satpol", "dlh"]), BYTES)
UPLINKS = st.one_of(
    st.builds(lambda rupiah: Uplink("u", "s", 1, Tariff.MONTHLY, rupiah), st.integers(0, 10**10)),
    st.builds(lambda rupiah: Uplink("u", "s", 1, Tariff.PER_GIGABYTE, rupiah), st.integers(0, 10**6)),
    st.builds(
        lambda rupiah, quota, over: Uplink("u", "s", 1, Tariff.QUOTA, rupiah, quota_bytes=quota, overage_rupiah=over),
        st.integers(0, 10**10), BYTES, st.integers(0, 10**6),
    ),
)  # fmt: skip


@pytest.mark.parametrize(
    ("uplink", "carried", "rupiah"),
    [
        (FLAT, 0, 1_500_000),
        (FLAT, 10**15, 1_500_000),
        (VOLUME, 0, 0),
        (VOLUME, GIGABYTE, 12_000),
        (VOLUME, GIGABYTE // 2, 6_000),
        (VOLUME, 41_666, 0),  # 0.49999 rupiah
        (VOLUME, 41_667, 1),  # 0.500004
        (QUOTA, 0, 250_000),
        (QUOTA, 100 * GIGABYTE, 250_000),
        (QUOTA, 101 * GIGABYTE, 255_000),
        (QUOTA, 300 * GIGABYTE, 1_250_000),
    ],
)
def test_a_month_costs(uplink: Uplink, carried: int, rupiah: int) -> None:
    assert price(uplink, carried) == rupiah


def test_a_flat_price_is_shared_out_by_use() -> None:
    assert bill(FLAT, 100, {"dishub": 50, "dinkes": 25}) == Bill(
        100, 1_500_000, {"dishub": 750_000, "dinkes": 375_000}, 25, 375_000
    )


def test_what_no_device_accounts_for_is_a_row_of_its_own() -> None:
    assert bill(VOLUME, 10 * GIGABYTE, {"dishub": 4 * GIGABYTE}) == Bill(
        10 * GIGABYTE, 120_000, {"dishub": 48_000}, 6 * GIGABYTE, 72_000
    )


def test_devices_that_claim_more_than_was_carried_share_what_was() -> None:
    assert bill(VOLUME, GIGABYTE, {"dishub": 3 * GIGABYTE, "dinkes": GIGABYTE}) == Bill(
        GIGABYTE, 12_000, {"dishub": 9_000, "dinkes": 3_000}, -3 * GIGABYTE, 0
    )


def test_without_a_router_the_devices_own_counters_are_charged() -> None:
    assert bill(VOLUME, None, {"dishub": GIGABYTE}) == Bill(GIGABYTE, 12_000, {"dishub": 12_000}, 0, 0)


def test_a_month_without_use_is_nobodys_in_particular() -> None:
    assert bill(FLAT, 0, {"dishub": 0}) == Bill(0, 1_500_000, {"dishub": 0}, 0, 1_500_000)


def test_the_odd_rupiah_goes_to_the_largest_remainder() -> None:
    assert shared_out(100, [1, 1, 1]) == [34, 33, 33]
    assert shared_out(10, [6, 3, 2]) == [5, 3, 2]  # 5.45, 2.73, 1.82


@given(UPLINKS, st.none() | BYTES, USES)
def test_shares_sum_exactly_to_the_bill(uplink: Uplink, measured: int | None, used: dict[str, int]) -> None:
    result = bill(uplink, measured, used)
    assert sum(result.shares.values()) + result.unattributed_rupiah == result.rupiah
    assert sum(used.values()) + result.unattributed == result.carried
    assert all(share >= 0 for share in [*result.shares.values(), result.unattributed_rupiah])
    assert result.shares.keys() == used.keys()


@given(st.integers(0, 10**12), st.lists(st.integers(0, 10**15), min_size=1, max_size=50))
def test_no_share_is_a_whole_unit_off(amount: int, uses: list[int]) -> None:
    shares = shared_out(amount, uses)
    assert sum(shares) == amount
    for share, use in zip(shares, uses, strict=True):
        if total := sum(uses):
            assert abs(share - Fraction(amount * use, total)) < 1


@given(UPLINKS, BYTES, BYTES)
def test_more_use_never_costs_less(uplink: Uplink, one: int, other: int) -> None:
    assert price(uplink, min(one, other)) <= price(uplink, max(one, other))
