"""A month's statement: bytes and rupiah, and the remainder in a row of its own."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hub.status.statement import Entry, Used, statement, total
from provisioning.records import Tariff, Uplink

GB = 10**9
FIBER = Uplink("fiber", "pasar", 1, Tariff.MONTHLY, 1_500_000, router="gw")
RADIO = Uplink("radio", "kota", 1, Tariff.PER_GIGABYTE, 10_000, router="gw-2")
PLAIN = Uplink("plain", "desa", 1, Tariff.PER_GIGABYTE, 10_000)


def test_each_name_gets_its_bytes_and_its_share_of_every_bill() -> None:
    rows = statement(
        "agency",
        [
            Used("fiber", "dishub", GB, 2 * GB, 0, 0),
            Used("fiber", "polres", 0, GB, 0, GB),
            Used("radio", "polres", GB, 0, 5 * GB, 0),
            Used("", "dishub", 7, 0, 0, 0),
        ],
        {"fiber": 6 * GB, "radio": GB},
        [FIBER, RADIO],
    )
    assert rows == [
        Entry("dishub", GB + 7, 2 * GB, 0, 0, 3 * GB + 7, 750_000),
        Entry("polres", GB, GB, 5 * GB, GB, 2 * GB, 250_000 + 10_000),
        Entry("(unattributed)", bytes=2 * GB, rupiah=500_000),
    ]
    assert (total(rows).bytes, total(rows).rupiah) == (7 * GB + 7, 1_510_000)


def test_by_uplink_each_has_its_own_remainder() -> None:
    rows = statement("uplink", [Used("fiber", "fiber", 0, GB, 0, 0)], {"fiber": 4 * GB}, [FIBER, PLAIN])
    assert [(row.name, row.bytes, row.rupiah) for row in rows] == [
        ("fiber", GB, 375_000),
        ("fiber (unattributed)", 3 * GB, 1_125_000),
        ("plain (unattributed)", 0, 0),
    ]


AMOUNTS = st.integers(0, 10**15)
USES = st.lists(
    st.builds(
        Used, st.sampled_from(["fiber", "radio", "plain"]), st.sampled_from(["a", "b", "c"]),
        AMOUNTS, AMOUNTS, AMOUNTS, AMOUNTS,
    ),
    unique_by=lambda used: (used.uplink, used.name),
)  # fmt: skip


@given(USES, st.dictionaries(st.sampled_from(["fiber", "radio"]), AMOUNTS))
def test_the_total_is_what_was_carried_and_all_bills(used: list[Used], measured: dict[str, int]) -> None:
    uplinks = [FIBER, RADIO, PLAIN]
    rows = statement("agency", used, measured, uplinks)
    plain = sum(one.rx_bytes + one.tx_bytes for one in used if one.uplink == "plain")
    assert total(rows).bytes == sum(measured.values()) + plain
    bills = [1_500_000, *((amount * 10_000 + GB // 2) // GB for amount in (measured.get("radio", 0), plain))]
    assert total(rows).rupiah == sum(bills)
