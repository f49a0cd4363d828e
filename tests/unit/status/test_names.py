"""What the status rooms look for is what the vocabulary calls it: a name that no profile gives is never seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from hub.profiles.carried import COUNTERS, LOSS, LOST, RATES
from hub.profiles.loader import load_profiles
from hub.status.gauges import gauge_of
from hub.status.signs import RULES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hub.profiles.vocabulary import Reading

VOCABULARY, PROFILES = load_profiles()
BOOT: Final = ("uptime_s", "boot")
LOSES: Final = ("mikrotik_router", "generic_router")


def readings(names: Iterable[str]) -> dict[str, list[Reading]]:
    """Return what the measurements hold under each of these names."""
    every = (VOCABULARY.common, *VOCABULARY.measurements.values())
    return {name: [held[name] for held in every if name in held] for name in names}


@pytest.mark.parametrize(
    "names", [RULES, COUNTERS, RATES, LOST, (LOSS,), BOOT], ids=["rules", "counters", "rates", "lost", "loss", "boot"]
)
def test_every_name_is_a_reading_of_the_vocabulary(names: Iterable[str]) -> None:
    assert [name for name, found in readings(names).items() if not found] == []


def test_counters_are_whole_numbers_of_bytes_or_packets_and_rates_bits_a_second() -> None:
    units = {
        name: {(one.type, one.unit) for one in found} for name, found in readings([*COUNTERS, *RATES, *LOST]).items()
    }

    assert all(units[name] == {("int", "By")} for name in COUNTERS)
    assert all(units[name] == {("int", "bit/s")} for name in RATES)
    assert all(units[name] == {("int", "1")} for name in LOST)


@pytest.mark.parametrize("name", LOSES)
def test_the_losses_that_a_router_reports_are_looked_at(name: str) -> None:
    gauge = gauge_of(PROFILES[name])

    assert gauge is not None
    assert len(gauge.lost) == len(LOST)
    assert (gauge.loss is not None) == (name == "generic_router")


def test_what_counts_since_its_boot_tells_of_its_boots() -> None:
    """But not a RUT, whose counters are those of the day: a reboot would count the day once more."""
    gauges = {name: gauge_of(profile) for name, profile in PROFILES.items()}
    silent = {name for name, one in gauges.items() if one and one.counters and one.uptime is None and one.boot is None}

    assert silent == {"teltonika_rut"}
