"""`cityhub init` and `cityhub up` as a newcomer, an operator and a power cut do it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import time
from typing import TYPE_CHECKING

import pytest

from hub.cli.heard import last_heard
from hub.web.snapshot import Health
from provisioning.database import open_engine
from provisioning.kept_keys import KeptKeys
from provisioning.registry import Registry
from tests.integration.one_box import LOOPBACK, OneBox, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SERVERS = {"influxd", "mosquitto"}


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OneBox]:
    """A hub that runs while the tests that leave it running do."""
    made = OneBox(tmp_path_factory.mktemp("shared") / "hub")
    made.start()
    yield made
    made.end()


@pytest.fixture
def own(tmp_path: Path) -> Iterator[OneBox]:
    """A hub of the test's own, which is not started."""
    made = OneBox(tmp_path / "hub")
    yield made
    made.end()


# --- it runs ---


def test_it_comes_up_with_its_servers_and_says_that_it_is_well(hub: OneBox) -> None:
    assert set(hub.children()) == SERVERS
    assert hub.run("status").stdout.split()[:2] == ["hub", "well"]
    health = Health.model_validate_json(hub.run("status", "--json").stdout)
    assert (health.problems, health.broker_connected) == ([], True)


def test_a_device_that_is_added_while_it_runs_is_served(hub: OneBox) -> None:
    before = hub.until(lambda _: True).devices
    began = time.monotonic()
    hub.run("device", "add", "cam-late", "--profile", "generic_ipcamera", "--zone", "traffic")
    took = time.monotonic() - began
    hub.until(lambda health: health.devices == before + 1)
    print(f"served {time.monotonic() - began:.2f} s after the command began, which took {took:.2f} s itself")


def test_a_device_publishes_with_its_bundle_and_a_query_finds_it(hub: OneBox) -> None:
    bundle = hub.bundle("cam-1")
    found = "SELECT bitrate_bps, profile FROM cctv WHERE device = 'cam-1'"

    said = hub.publish("devices/cam-1/telemetry", '{"bitrate_bps": 4000000}', bundle)

    assert "received PUBACK" in said
    wait_until(lambda: hub.query(found))
    assert [row[1:] for row in hub.query(found)] == [[4_000_000, "generic_ipcamera"]]


def test_a_key_made_by_the_hub_is_gone_once_its_device_is_heard(hub: OneBox) -> None:
    bundle = hub.bundle("cam-kept")
    engine = open_engine(hub.settings.registry_url)
    keys = KeptKeys(engine, time.time_ns)
    assert "cam-kept" in keys.since()

    hub.publish("devices/cam-kept/telemetry", '{"bitrate_bps": 1}', bundle)

    wait_until(lambda: "cam-kept" not in keys.since())
    engine.dispose()
    again = hub.run("device", "bundle", "cam-kept", "--out", "again.zip")
    assert again.stdout.startswith("Wrote again.zip.")


def test_what_a_device_may_not_do_is_refused(hub: OneBox) -> None:
    bundle = hub.bundle("cam-2")
    before = hub.until(lambda _: True).messages

    assert "Not authorized" in hub.publish("devices/cam-1/telemetry", "{}", bundle)
    assert "Not authorized" in hub.publish("devices/cam-2/desired", "{}", bundle)
    assert "CONNACK (0)" not in hub.publish("devices/cam-2/telemetry", "{}", bundle, certificate=False)
    assert hub.until(lambda _: True).messages == before


def test_rubbish_is_listed_with_its_reason(hub: OneBox) -> None:
    bundle = hub.bundle("cam-3")
    hub.publish("devices/cam-3/telemetry", "{rubbish", bundle)
    wait_until(lambda: any(letter["device"] == "cam-3" for letter in hub.rejects()))

    (letter,) = [letter for letter in hub.rejects() if letter["device"] == "cam-3"]
    assert (letter["topic"], letter["payload"]) == ("devices/cam-3/telemetry", "{rubbish")
    assert letter["reason"] == "bad_payload"
    assert letter["detail"]


def test_the_report_about_certificates_knows_who_was_heard(hub: OneBox) -> None:
    bundle = hub.bundle("cam-4")
    hub.run("device", "add", "gps-child", "--profile", "generic_tracker", "--gateway", "cam-4")
    hub.publish("devices/cam-4/telemetry", '{"bitrate_bps": 1}', bundle)
    wait_until(lambda: hub.query("SELECT bitrate_bps FROM cctv WHERE device = 'cam-4'"))

    registry = Registry(open_engine(hub.settings.registry_url), time.time_ns)
    seen = last_heard(hub.settings, registry.devices(), time.time_ns())
    report = hub.run("certs", "audit")

    assert "cam-4" in seen.latest
    assert "gps-child" not in seen.latest
    assert report.stderr == ""


def test_a_second_hub_on_the_same_folder_is_refused_at_once(hub: OneBox) -> None:
    result = hub.run("up", code=1)

    said = f"cityhub: another hub is using the spool {hub.folder}/state/spool.db: stop it first"
    assert result.stderr.splitlines()[-1] == said
    assert "Traceback" not in result.stderr
    assert set(hub.children()) == SERVERS
    hub.run("status")


def test_two_hubs_live_side_by_side(hub: OneBox, own: OneBox) -> None:
    own.start()
    own.run("device", "add", "cam-own", "--profile", "generic_ipcamera")
    own.until(lambda health: health.devices == 1)

    assert "cam-own" not in hub.run("device", "list").stdout
    assert own.stop() == 0
    hub.run("status")


# --- it stops ---


def test_it_stops_in_order_and_goes_on_with_the_same_data(own: OneBox) -> None:
    own.start()
    bundle = own.bundle("cam-1")
    own.publish("devices/cam-1/telemetry", '{"bitrate_bps": 1}', bundle)
    found = "SELECT bitrate_bps FROM cctv WHERE device = 'cam-1'"
    wait_until(lambda: own.query(found))
    assert own.stop() == 0
    assert own.children() == {}
    assert "no hub answers at" in own.run("status", code=3).stderr

    own.start()
    own.publish("devices/cam-1/telemetry", '{"bitrate_bps": 2}', bundle)
    wait_until(lambda: len(own.query(found)) > 1)
    assert [row[1] for row in own.query(found)] == [1, 2]
    assert own.stop(signal.SIGINT) == 0
    assert "Traceback" not in own.log.read_text()


def test_killed_it_leaves_no_child_and_comes_back(own: OneBox) -> None:
    own.start()
    assert own.stop(signal.SIGKILL) == -signal.SIGKILL
    wait_until(lambda: own.children() == {})
    own.start()
    own.run("status")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_it_starts_is_heard(own: OneBox, number: signal.Signals) -> None:
    own.start(wait=False)
    wait_until(own.children)
    assert own.stop(number) == 0
    assert own.children() == {}
    assert "ready:" not in own.log.read_text()


# --- it is unwell ---


def test_a_database_that_stays_down_makes_it_unwell_and_its_return_makes_it_well(own: OneBox) -> None:
    own.start()
    address = (LOOPBACK, own.settings.local_influxdb.port)
    os.kill(own.children()["influxd"], signal.SIGKILL)
    with _taken(address):
        own.until(lambda health: any("influxd" in problem for problem in health.problems))
        unwell = own.run("status", code=3)
        assert "unwell" in unwell.stdout
        assert "influxd is " in unwell.stdout
    own.until(lambda health: not health.problems)
    own.run("status")


# --- it does not come up ---


def test_a_port_that_is_taken_is_named(own: OneBox) -> None:
    port = own.settings.local_influxdb.port
    with socket.create_server((LOOPBACK, port)):
        result = own.run("up", code=1)

    assert f"Port {port} on {LOOPBACK}, which influxd needs, is in use by another program." in result.stderr
    assert "Traceback" not in result.stderr


def test_a_missing_authority_is_named(own: OneBox) -> None:
    shutil.rmtree(own.settings.pki_dir)

    result = own.run("up", code=1)

    last = result.stderr.splitlines()[-1]
    assert last.startswith("cityhub: ")
    assert str(own.settings.pki_dir) in last
    assert "Traceback" not in result.stderr
    assert own.children() == {}


def _taken(address: tuple[str, int]) -> socket.socket:
    """Take a port as soon as its owner is dead, before anybody else can."""
    while True:
        try:
            return socket.create_server(address)
        except OSError:
            time.sleep(0.001)
