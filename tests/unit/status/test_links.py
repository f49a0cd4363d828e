"""The minute's lines, and the state of each link."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hub.status.bandwidth import Bandwidth
from hub.status.base import Cause, Trouble
from hub.status.counters import SECOND
from hub.status.uplinks import Uplinks
from tests.unit.status.city import City, Place, profile
from tests.unit.status.devices import Counter
from tests.unit.status.hubs import AGENCIES, CITY, JAKARTA, MIDNIGHT, UPLINKS, Hub, counter

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.status.city import Fields


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    return Hub(tmp_path / "ledger.db")


def test_a_line_a_minute_says_what_came_since_the_last(hub: Hub) -> None:
    device = Counter(now_ns=MIDNIGHT)
    for step in range(200):
        hub.now_ns = MIDNIGHT + step * SECOND
        if step % 20 == 0:
            hub.hear("bus-1", counter(device))
            device.run(20, 20_000)
        hub.tick()
    points = [fields for _, fields in sorted(hub.lines.at("bandwidth", device="bus-1").items())]
    assert sum(int(point["tx_bytes"]) for point in points) == 180_000
    assert len(points) == 3
    assert {point["tx_bps"] for point in points} == {8_000.0}


def test_a_missed_poll_is_an_average_and_no_spike(hub: Hub) -> None:
    device = Counter(now_ns=MIDNIGHT)
    for step in range(1201):
        hub.now_ns = MIDNIGHT + step * SECOND
        device.now_ns = hub.now_ns
        device.count += 1_000
        if step in {0, 60, 1200}:
            hub.hear("bus-1", counter(device))
        hub.tick()
    for _ in range(60):
        hub.now_ns += SECOND
        hub.tick()
    rates = [fields["tx_bps"] for fields in hub.lines.at("bandwidth", device="bus-1").values()]
    assert set(rates) == {8_000.0}


def test_a_hundred_devices_do_not_speak_in_one_second(tmp_path: Path) -> None:
    entries = {f"cam-{number}": Place(f"cam-{number}") for number in range(120)}
    hub = Hub(tmp_path / "ledger.db", City(entries, CITY.profiles))
    devices = {name: Counter(now_ns=MIDNIGHT) for name in entries}
    most = 0
    for step in range(180):
        hub.now_ns = MIDNIGHT + step * SECOND
        for name, device in devices.items():
            if step % 60 == 0:
                hub.hear(name, counter(device))
                device.run(60, 60)
        most = max(most, hub.tick().count("\n") if step >= 60 else 0)
    assert most <= 2 + len(UPLINKS)


def uplink(hub: Hub, name: str) -> list[Fields]:
    return [fields for _, fields in sorted(hub.lines.at("uplink", uplink=name).items())]


def flow(hub: Hub, minutes: int, rx_bps: float, tx_bps: float, *, seen: bool = True) -> None:
    """Let the router of the pasar's fibre count for some minutes."""
    for _ in range(minutes):
        hub.now_ns += 60 * SECOND
        rx, tx = hub.counters
        hub.counters = rx + round(rx_bps * 60 / 8), tx + round(tx_bps * 60 / 8)
        if seen:
            hub.hear("gw-pasar", (hub.now_ns, hub.now_ns, *hub.counters, None, 1))
        hub.tick()


@pytest.fixture
def link(hub: Hub) -> Hub:
    hub.now_ns = MIDNIGHT
    hub.counters = (0, 0)
    flow(hub, 1, 0, 0)
    return hub


def states(hub: Hub) -> list[object]:
    return [point["state"] for point in uplink(hub, "fiber-pasar")]


def test_the_routers_counters_are_the_truth_and_the_remainder_is_shown(link: Hub) -> None:
    camera = Counter(now_ns=link.now_ns)
    link.hear("cam-1", counter(camera))
    camera.run(60, 50_000)
    link.hear("cam-1", counter(camera))
    flow(link, 1, 8_000, 16_000)
    point = uplink(link, "fiber-pasar")[-1]
    assert (point["rx_bytes"], point["tx_bytes"]) == (60_000, 120_000)
    assert (point["rx_bps"], point["tx_bps"]) == (8_000.0, 16_000.0)
    assert (point["attributed_bytes"], point["unattributed_bytes"]) == (50_000, 130_000)
    assert point["used_percent"] == pytest.approx(0.016)
    assert point["state"] == "ok"


def test_ninety_percent_for_five_minutes_is_saturated(link: Hub) -> None:
    flow(link, 4, 95e6, 5e6)
    assert states(link)[-1] == "ok"
    flow(link, 1, 95e6, 5e6)
    assert states(link)[-1] == "saturated"
    assert link.bandwidth.uplinks.links["fiber-pasar"].since_ns == link.now_ns
    flow(link, 1, 80e6, 5e6)
    assert states(link)[-1] == "ok"


def test_one_busy_minute_is_no_saturation(link: Hub) -> None:
    for _ in range(5):
        flow(link, 3, 95e6, 5e6)
        flow(link, 1, 10e6, 5e6)
    assert set(states(link)) <= {"ok", "unknown"}


def test_a_missed_poll_does_not_make_a_link_saturated(link: Hub) -> None:
    """Ten minutes of traffic in one reading are ten minutes, not one."""
    flow(link, 9, 60e6, 1e6, seen=False)
    flow(link, 8, 60e6, 1e6)
    assert "saturated" not in states(link)


def test_a_link_that_answers_in_one_direction_only_is_asymmetric(link: Hub) -> None:
    flow(link, 5, 20e6, 100)
    assert states(link)[-1] == "asymmetric"


def test_video_with_its_acknowledgements_is_not(link: Hub) -> None:
    flow(link, 10, 200e3, 40e6)
    assert states(link)[-1] == "ok"


def test_a_router_that_is_not_heard_leaves_its_link_unknown(link: Hub) -> None:
    flow(link, 3, 1e6, 1e6)
    flow(link, 30, 1e6, 1e6, seen=False)
    assert states(link)[-1] == "unknown"
    assert "rx_bytes" not in uplink(link, "fiber-pasar")[-1]
    flow(link, 1, 1e6, 1e6)
    assert states(link)[-1] == "ok"


def test_a_router_that_throws_packets_away_drops(tmp_path: Path) -> None:
    vitals = ("rx_bytes", "tx_bytes", "rx_dropped", "tx_dropped", "loss_percent")
    city = City(CITY.entries, CITY.profiles | {"router": profile("gateway", *vitals)})
    hub = Hub(tmp_path / "ledger.db", city)
    hub.now_ns = MIDNIGHT
    for minute in range(14):
        hub.now_ns += 60 * SECOND
        lost = 100 * min(minute, 6)
        hub.hear("gw-pasar", (hub.now_ns, hub.now_ns, minute * 10**6, minute * 10**6, lost, 0, 3.5 * (minute > 8)))
        hub.tick()
    assert states(hub) == ["ok"] * 4 + ["dropping"] * 2 + ["ok"] * 6 + ["dropping"]


class Alarm:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.open: dict[tuple[Cause, str], str] = {}

    def raised(self, trouble: Trouble, now_ns: int) -> None:  # noqa: ARG002 - see Alarms
        self.open[trouble.cause, trouble.subject] = trouble.text

    def cleared(self, cause: Cause, subject: str, now_ns: int) -> None:  # noqa: ARG002 - see Alarms
        self.open.pop((cause, subject), None)


def test_a_saturated_link_is_an_alarm_until_it_is_well(link: Hub) -> None:
    alarm = Alarm()
    link.bandwidth = Bandwidth(link.city, JAKARTA, {}, alarm)
    link.bandwidth.uplinks.update(UPLINKS, AGENCIES)
    key = (Cause.UPLINK_SATURATED, "uplink/fiber-pasar")
    alarm.open[key] = "as it was before the hub started"
    flow(link, 5, 95e6, 5e6)
    assert alarm.open == {key: "as it was before the hub started"}  # not known to be over, nor to go on
    flow(link, 2, 95e6, 5e6)
    assert alarm.open == {key: "uplink fiber-pasar of pasar is over 90 % full"}
    flow(link, 1, 10e6, 5e6)
    assert alarm.open == {}


def test_of_several_uplinks_at_a_site_the_largest_carries_the_devices() -> None:
    links = Uplinks()
    links.update(UPLINKS, AGENCIES)
    found = {name: link.uplink.id for name, entry in CITY.entries.items() if (link := links.of(entry)) is not None}
    assert found["cam-3"] == "radio-kota"
    assert found["cam-gw"] == "fiber-pasar"  # its gateway's, wherever it stands
    assert "bus-1" not in found


def test_a_link_keeps_its_state_when_another_one_changes() -> None:
    links = Uplinks()
    links.update(UPLINKS, AGENCIES)
    links.links["fiber-pasar"].state = "saturated"
    version = links.version
    links.update(UPLINKS, AGENCIES)
    assert links.version == version
    links.update(UPLINKS[:2], AGENCIES)
    assert links.version == version + 1
    assert links.links["fiber-pasar"].state == "saturated"
    assert "spare-kota" not in links.links
