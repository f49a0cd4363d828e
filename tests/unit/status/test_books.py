"""Totals to the byte: days of counters that reset, wrap and are missed, across restarts, against sums made apart."""

from __future__ import annotations

import random
import sqlite3
from typing import TYPE_CHECKING

import pytest

from hub.errors import CityhubError
from hub.status.counters import SECOND
from hub.status.gauges import gauge_of
from hub.status.history import bills, cost_lines
from hub.status.ledger import Ledger, Use
from tests.unit.status.city import City, History, Place, profile
from tests.unit.status.devices import Counter
from tests.unit.status.hubs import CITY, DAY, HOUR, JAKARTA, MIDNIGHT, UPLINKS, Hub, counter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hub.status.counters import Width


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    return Hub(tmp_path / "ledger.db")


class Device:
    """A device with a counter each way; they reboot together."""

    def __init__(self, chance: random.Random, width: Width, *, boot: bool) -> None:
        self.chance = chance
        start = 2**32 - 10**8 if width == 32 else chance.randrange(10**13)
        self.rx = Counter(width, start, boot=boot)
        self.tx = Counter(width, start // 2, boot=boot)

    def run(self, seconds: int) -> None:
        self.rx.run(seconds, self.chance.randrange(20_000_000))
        self.tx.run(seconds, self.chance.randrange(300_000_000))

    def reboot(self) -> None:
        self.rx.reboot()
        self.tx.reboot()

    def sample(self, received_ns: int) -> tuple[object, ...]:
        rx, tx = self.rx.poll(received_ns), self.tx.poll(received_ns)
        return rx.time_ns, received_ns, rx.value, tx.value, rx.uptime_s, rx.boot

    def marks(self) -> tuple[int, int]:
        return len(self.rx.heard), len(self.tx.heard)

    def forget_since(self, marks: tuple[int, int]) -> None:
        """What a killed hub had heard and not written down, it never heard."""
        del self.rx.heard[marks[0] :]
        del self.tx.heard[marks[1] :]


def fleet(chance: random.Random) -> dict[str, Device]:
    widths: dict[str, Width] = {"router32": 32, "camera32": 32}
    return {
        name: Device(chance, widths.get(entry.profile, 64), boot=name in {"cam-1", "cam-4"})
        for name, entry in CITY.entries.items()
    }


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_days_of_mishaps_sum_to_the_devices_own_counters_to_the_byte(hub: Hub, seed: int) -> None:
    chance = random.Random(seed)
    devices = fleet(chance)
    written = {name: one.marks() for name, one in devices.items()}
    for step in range(2 * 288):
        hub.now_ns += 300 * SECOND
        for name, one in devices.items():
            one.run(300)
            match chance.randrange(40):
                case 0:
                    one.reboot()
                case 1 | 2 | 3:
                    continue  # a missed poll
            hub.hear(name, *[one.sample(hub.now_ns)] * chance.choice([1, 1, 1, 2]))
        hub.tick()
        if step % 7 == 0:
            hub.book()
            written = {name: one.marks() for name, one in devices.items()}
        if step % 97 == 0:
            hub.publish()
            written = {name: one.marks() for name, one in devices.items()}
        if step % 150 == 149:
            hub.stop()
            hub.start()
            written = {name: one.marks() for name, one in devices.items()}
        if step % 150 == 75:
            hub.kill()
            hub.start()
            for name, one in devices.items():
                one.forget_since(written[name])
    hub.publish()
    check(hub.history, devices)


def check(history: History, devices: dict[str, Device]) -> None:
    sent = {name: one.rx.visible + one.tx.visible for name, one in devices.items()}
    rows = {name: entry for name, entry in CITY.entries.items() if not name.startswith("gw-")}
    assert history.total("bandwidth_day", "device", "rx_bytes", "tx_bytes") == {
        name: 0 if entry.local_recording else sent[name] for name, entry in rows.items()
    }
    assert history.total("bandwidth_day", "device", "local_bytes")["cam-nvr"] == sent["cam-nvr"]
    for measurement in ("bandwidth_day", "bandwidth_hour"):
        for tag, of in GROUPINGS.items():
            expected: dict[str, int] = {}
            for name, entry in rows.items():
                if not entry.local_recording:
                    expected[of(entry)] = expected.get(of(entry), 0) + sent[name]
            assert history.total(measurement, tag, "rx_bytes", "tx_bytes") == expected
    for measurement in ("uplink_day", "uplink_hour"):
        for direction in ("rx", "tx"):
            assert history.total(measurement, "uplink", f"{direction}_bytes") == {
                "fiber-pasar": getattr(devices["gw-pasar"], direction).visible,
                "radio-kota": getattr(devices["gw-kota"], direction).visible,
            }
        assert history.total(measurement, "uplink", "attributed_bytes") == {
            "fiber-pasar": sent["cam-1"] + sent["cam-2"] + sent["cam-gw"],
            "radio-kota": sent["cam-3"] + sent["cam-4"],
        }
        assert history.total(measurement, "uplink", "attributed_bytes", "unattributed_bytes") == {
            "fiber-pasar": sent["gw-pasar"],
            "radio-kota": sent["gw-kota"],
        }


BEHIND = {"cam-1": "fiber-pasar", "cam-2": "fiber-pasar", "cam-gw": "fiber-pasar", "bus-1": ""}
GROUPINGS: dict[str, Callable[[Place], str]] = {
    "agency": lambda entry: entry.agency or "",
    "site": lambda entry: entry.site or "",
    "zone": lambda entry: "+".join(entry.zones),
    "uplink": lambda entry: BEHIND.get(entry.device, "radio-kota"),
}


# Hours


def sent(history: History, measurement: str, **tags: str) -> dict[int, float]:
    return {time: fields["tx_bytes"] for time, fields in sorted(history.at(measurement, **tags).items())}  # type: ignore[misc]


def test_a_missed_poll_is_spread_over_the_hours_that_it_covers(hub: Hub) -> None:
    device = Counter(now_ns=MIDNIGHT - HOUR // 2)
    hub.now_ns = device.now_ns
    hub.hear("bus-1", counter(device))
    device.run(7200, 7_200_000)
    hub.now_ns = device.now_ns
    hub.hear("bus-1", counter(device))
    hub.publish()
    assert sent(hub.history, "bandwidth_hour", agency="dishub") == {
        MIDNIGHT - HOUR: 1_800_000, MIDNIGHT: 3_600_000, MIDNIGHT + HOUR: 1_800_000,
    }  # fmt: skip
    assert sent(hub.history, "bandwidth_day", device="bus-1") == {MIDNIGHT - DAY: 1_800_000, MIDNIGHT: 5_400_000}


def test_a_backlog_moves_bytes_into_the_hours_in_which_they_were_sent(hub: Hub) -> None:
    """The live reading comes first; the hours it was spread over are then written again with what was true."""
    device = Counter(now_ns=MIDNIGHT)
    first = counter(device, MIDNIGHT)
    device.run(3600, 1_000)
    one = counter(device, MIDNIGHT + 3 * HOUR)
    device.run(3600, 9_000)
    other = counter(device, MIDNIGHT + 3 * HOUR)
    device.run(3600, 500)
    live = counter(device, MIDNIGHT + 3 * HOUR)
    hub.now_ns = MIDNIGHT
    hub.hear("bus-1", first)
    hub.now_ns = MIDNIGHT + 3 * HOUR
    hub.hear("bus-1", live)
    hub.publish()
    assert sent(hub.history, "bandwidth_hour", agency="dishub") == {MIDNIGHT + n * HOUR: 3_500 for n in range(3)}
    hub.stop()
    hub.start()
    hub.hear("bus-1", other, one)
    hub.publish()
    assert sent(hub.history, "bandwidth_hour", agency="dishub") == {
        MIDNIGHT: 1_000, MIDNIGHT + HOUR: 9_000, MIDNIGHT + 2 * HOUR: 500,
    }  # fmt: skip
    assert sent(hub.history, "bandwidth_day", device="bus-1") == {MIDNIGHT: 10_500}


@pytest.mark.slow
def test_an_hour_of_yesterday_is_written_again_with_its_whole_sum(hub: Hub) -> None:
    device = Counter(now_ns=MIDNIGHT)
    samples = []
    for _ in range(30):
        samples.append(counter(device))
        device.run(3600, 100)
    for sample in samples[:3] + samples[5:]:
        hub.now_ns = max(hub.now_ns, int(str(sample[1])))
        hub.hear("bus-1", sample)
        hub.publish()
    late = samples[4][0], hub.now_ns, *samples[4][2:]
    hub.hear("bus-1", late)
    hub.publish()
    assert sum(sent(hub.history, "bandwidth_hour", agency="dishub").values()) == 2_900


def test_a_device_that_moves_leaves_its_bytes_where_they_were_sent(hub: Hub) -> None:
    hub.city = City(dict(CITY.entries), CITY.profiles)
    hub.stop()
    hub.start()
    device = Counter(now_ns=MIDNIGHT)
    for step in range(4):
        hub.now_ns = device.now_ns
        if step == 2:
            hub.city.entries["cam-1"] = Place("cam-1", "camera", "polres", "kota", ("crime",))
        hub.hear("cam-1", counter(device))
        device.run(600, 1_000)
        hub.publish()
    assert hub.history.total("bandwidth_day", "site", "tx_bytes") == {"pasar": 1_000, "kota": 2_000}
    assert hub.history.total("bandwidth_day", "uplink", "tx_bytes") == {"fiber-pasar": 1_000, "radio-kota": 2_000}


def test_a_restart_in_the_middle_of_an_hour_changes_nothing(hub: Hub) -> None:
    device = Counter(now_ns=MIDNIGHT)
    for step in range(12):
        hub.now_ns = device.now_ns
        hub.hear("cam-1", counter(device))
        device.run(300, 1_000)
        if step == 5:
            hub.stop()
            hub.start()
    hub.publish()
    assert sent(hub.history, "bandwidth_hour", site="pasar") == {MIDNIGHT: 11_000}


def test_what_a_killed_hub_had_not_written_down_is_read_from_the_counters_again(hub: Hub) -> None:
    device = Counter(now_ns=MIDNIGHT)
    for step in range(12):
        hub.now_ns = device.now_ns
        hub.hear("cam-1", counter(device))
        if step == 2:
            hub.book()
        device.run(300, 1_000)
        if step == 5:
            hub.kill()
            hub.start()
    hub.publish()
    assert sent(hub.history, "bandwidth_hour", site="pasar") == {MIDNIGHT: 11_000}


def test_a_booking_that_fails_is_not_half_written(hub: Hub) -> None:
    device = Counter(now_ns=MIDNIGHT)
    hub.hear("cam-1", counter(device))
    hub.book()
    device.run(300, 1_000)
    hub.hear("cam-1", counter(device))
    bookings = hub.bandwidth.take_bookings()
    bookings.states["part", "device"] = object()  # type: ignore[assignment]
    with pytest.raises(sqlite3.Error):
        hub.ledger.book(bookings, hub.now_ns)
    del bookings.states["part", "device"]
    hub.ledger.book(bookings, hub.now_ns)
    hub.publish()
    assert hub.history.total("bandwidth_day", "device", "tx_bytes") == {"cam-1": 1_000}


def test_the_ledger_forgets_what_can_no_longer_change(hub: Hub) -> None:
    device = Counter(now_ns=MIDNIGHT)
    for _ in range(3):
        hub.now_ns = device.now_ns
        hub.hear("cam-1", counter(device))
        device.run(300, 1_000)
    hub.publish()
    hub.ledger.prune(MIDNIGHT + 5 * DAY)
    assert hub.ledger.uses(JAKARTA.start("month", MIDNIGHT)) == [Use("bandwidth", "fiber-pasar", "dishub", 2_000)]
    hub.now_ns = device.now_ns
    hub.hear("cam-1", counter(device))
    hub.publish()
    assert hub.ledger.uses(JAKARTA.start("month", MIDNIGHT)) == [Use("bandwidth", "fiber-pasar", "dishub", 3_000)]
    hub.ledger.prune(MIDNIGHT + 80 * DAY)
    assert hub.ledger.uses(JAKARTA.start("month", MIDNIGHT)) == []
    assert hub.ledger.meters() == {}


def test_a_ledger_of_another_version_is_refused(hub: Hub) -> None:
    hub.kill()
    with sqlite3.connect(hub.file) as other:
        other.execute("PRAGMA user_version = 99")
    with pytest.raises(CityhubError, match="another version"):
        Ledger(hub.file, JAKARTA)


# Rates, where there is no counter


def test_a_rate_is_integrated_and_marked_as_an_estimate(hub: Hub) -> None:
    hub.city = City({"cam-1": CITY.entries["cam-1"]}, {"camera": profile("cctv", "bitrate_bps", interval_s=30)})
    hub.stop()
    hub.start()
    for step in range(5):
        hub.now_ns = MIDNIGHT + step * 30 * SECOND
        hub.hear("cam-1", (hub.now_ns, hub.now_ns, 8_000_000))
    hub.publish()
    (point,) = hub.history.at("bandwidth_day", device="cam-1").values()
    assert point["tx_bytes"] == point["estimated_bytes"] == 120_000_000


def test_a_counter_wins_over_a_rate(hub: Hub) -> None:
    hub.city = City({"cam-1": CITY.entries["cam-1"]}, {"camera": profile("cctv", "bitrate_bps", "tx_bytes")})
    hub.stop()
    hub.start()
    for step in range(5):
        hub.now_ns = MIDNIGHT + step * 300 * SECOND
        hub.hear("cam-1", (hub.now_ns, hub.now_ns, 8_000_000, 1_000 * step))
        hub.hear("cam-1", (hub.now_ns + 1, hub.now_ns, 8_000_000, None))
    hub.publish()
    (point,) = hub.history.at("bandwidth_day", device="cam-1").values()
    assert (point["tx_bytes"], point["estimated_bytes"]) == (4_000, 0)


# Costs


def test_the_months_cost_is_shared_out_by_agency(hub: Hub) -> None:
    devices = {name: Counter(now_ns=MIDNIGHT) for name in ("gw-kota", "cam-3", "cam-4", "cam-nvr")}
    sent = {"gw-kota": 10 * 10**9, "cam-3": 4 * 10**9, "cam-4": 3 * 10**9, "cam-nvr": 50 * 10**9}
    for name, device in devices.items():
        device.width = 64
        hub.now_ns = device.now_ns
        one = counter(device)
        device.run(3600, sent[name] if not name.endswith("4") else 3 * 10**9)
        hub.hear(name, one, counter(device))
    hub.publish()
    uses = hub.ledger.uses(JAKARTA.start("month", MIDNIGHT))
    billed = bills(UPLINKS, uses)
    assert billed["radio-kota"].carried == 10 * 10**9
    assert billed["radio-kota"].rupiah == 90_000
    assert billed["radio-kota"].shares == {"polres": 63_000}
    assert (billed["radio-kota"].unattributed, billed["radio-kota"].unattributed_rupiah) == (3 * 10**9, 27_000)
    hub.history.write(cost_lines({one.id: one for one in UPLINKS}, billed, uses, "2026-09", MIDNIGHT))
    assert hub.history.total("cost", "uplink", "rupiah") == {
        "fiber-pasar": 1_500_000, "radio-kota": 90_000, "spare-kota": 0,
    }  # fmt: skip
    assert hub.history.total("cost", "agency", "bytes") == {"polres": 7 * 10**9, "": 3 * 10**9}


def test_a_routers_way_out_counts_and_not_its_other_side() -> None:
    gauge = gauge_of(profile("gateway", "rx_bytes", "wan_rx_bytes", "wan_tx_bytes", "uptime_s"))
    assert gauge is not None
    assert gauge.counters == {"rx": 3, "tx": 4}


def test_a_counter_that_begins_anew_every_day_is_no_wrap(hub: Hub) -> None:
    hub.city = City({"cam-1": CITY.entries["cam-1"]}, {"camera": profile("cctv", "tx_bytes", "uptime_s")})
    hub.stop()
    hub.start()
    for step, value in enumerate((10**9, 10**9 + 500, 200, 700)):
        hub.now_ns = MIDNIGHT + step * 300 * SECOND
        hub.hear("cam-1", (hub.now_ns, hub.now_ns, value, 10_000 + 300 * step))
    hub.publish()
    assert hub.history.total("bandwidth_day", "device", "tx_bytes") == {"cam-1": 1_200}
