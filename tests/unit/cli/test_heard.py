"""Who counts as heard."""

from __future__ import annotations

from hub.cli.heard import measurements_of, with_gateways
from provisioning.records import Device, Lifecycle
from tests.shipped import PROFILES


def _device(name: str, parent: str | None = None) -> Device:
    return Device(
        id=name, profile="x", parent=parent, lifecycle=Lifecycle.REGISTERED, created_ns=0, updated_ns=0
    )  # fmt: skip


def test_a_gateway_is_heard_with_those_that_it_speaks_for() -> None:
    devices = [_device("gw"), _device("a", "gw"), _device("b", "gw"), _device("c", "silent"), _device("own")]
    heard = {"a": 1, "b": 3, "own": 2}
    assert with_gateways(heard, devices) == {"a": 1, "b": 3, "own": 2, "gw": 3}


def test_what_devices_write_by_mqtt_is_a_sign_of_life() -> None:
    assert {"cctv", "gps", "weather", "level", "event"} <= set(measurements_of(PROFILES))
