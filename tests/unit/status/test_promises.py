"""A camera is held to what it is set to itself, and where nothing is said of it, to what its profile's cameras are."""

from __future__ import annotations

import pytest

from hub.decode.watch import Watch
from hub.status.core import Model, Status
from hub.status.fleet import Ear
from hub.status.options import HealthOptions, LevelOptions, PromiseOptions, StatusOptions
from hub.status.presence import SECOND
from tests.unit.status.night import MIDNIGHT, ZONE, Entry

SIGNS = ("cctv.fps", "cctv.bitrate_bps", "level.water_level_m", "cctv.firmware")
OPTIONS = HealthOptions(
    promises={"camera": PromiseOptions(fps=25, bitrate_bps=4_000_000)},
    devices={
        "yard": PromiseOptions(firmware="V5.7.3 build 220112"),
        "parking": PromiseOptions(fps=5),
        "gate": PromiseOptions(fps=50, bitrate_bps=8_000_000),
    },
    river={"parking": LevelOptions(warning_m=1, critical_m=2)},
)


def health(device: str, fps: float, bitrate_bps: int, level_m: float | None = None, firmware: str | None = None) -> str:
    """Return the reasons in words once a device has reported this."""
    watch = Watch(device, 0)
    status = Status({device: watch}, {"camera": Model("cctv", 30 * SECOND, SIGNS)}, StatusOptions(), OPTIONS, ZONE)
    status.update([Entry(device)], (), MIDNIGHT)
    for ear in Ear:
        status.hear(ear, MIDNIGHT)
    watch.heard_ns = MIDNIGHT + SECOND
    watch.keep((watch.heard_ns, watch.heard_ns, fps, bitrate_bps, level_m, firmware))
    status.tick(watch.heard_ns)
    return status.health.of(0)[1]


@pytest.mark.parametrize(
    ("device", "fps", "bitrate_bps", "reasons"),
    [
        ("street", 25, 4_000_000, ""),
        ("street", 4, 1_000_000, "4 of 25 frames a second; 1.0 of 4.0 Mbit/s"),
        ("parking", 4, 1_000_000, ""),
        ("parking", 2, 1_000_000, "2 of 5 frames a second"),
        ("gate", 24, 3_000_000, "24 of 50 frames a second; 3.0 of 8.0 Mbit/s"),
    ],
)
def test_a_device_may_be_set_otherwise_than_its_profile(
    device: str, fps: float, bitrate_bps: int, reasons: str
) -> None:
    assert health(device, fps, bitrate_bps) == reasons


def test_a_gauge_with_a_camera_is_held_to_both() -> None:
    assert health("parking", 2, 1, 1.5) == "2 of 5 frames a second; water at 1.50 m, warning is 1.00 m"


@pytest.mark.parametrize(
    ("firmware", "reason"),
    [
        ("V5.7.3 build 220112", ""),
        ("V5.7.3 build 211101", "firmware V5.7.3 build 211101 is behind V5.7.3 build 220112"),
        ("V5.7.10", ""),
        ("5.6", "firmware 5.6 is behind V5.7.3 build 220112"),
        ("V6", ""),
        ("", ""),
        ("beta", ""),
        ("1." * 512, f"firmware {'1.' * 30} is behind V5.7.3 build 220112"),
        (None, ""),
    ],
)
def test_a_firmware_is_behind_when_its_numbers_are(firmware: str | None, reason: str) -> None:
    assert health("yard", 25, 4_000_000, firmware=firmware) == reason


def test_where_no_firmware_is_promised_none_is_behind() -> None:
    assert health("street", 25, 4_000_000, firmware="0.1") == ""
