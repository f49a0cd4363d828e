"""Vital signs become a score, reasons and incidents."""

from __future__ import annotations

from typing import Any

import pytest

from hub.decode.watch import Watch
from hub.status.base import Cause, Severity
from hub.status.core import Model, Status
from hub.status.fleet import Ear
from hub.status.options import HealthOptions, LevelOptions, PromiseOptions, StatusOptions
from hub.status.presence import SECOND
from hub.status.signs import RULES
from hub.status.wording import Names
from tests.unit.status.night import MIDNIGHT, ZONE, Entry

SIGNS = tuple(f"x.{name}" for name in RULES)
OPTIONS = HealthOptions(
    settle_s=10,
    promises={"camera": PromiseOptions(fps=25, bitrate_bps=4_000_000)},
    river={"dev": LevelOptions(warning_m=2.0, critical_m=3.0)},
)


class Patient:
    """One device with every sign there is a rule for."""

    def __init__(self, *, maintained: bool = False) -> None:
        self.watch = Watch("dev", 0)
        models = {"camera": Model("cctv", 30 * SECOND, SIGNS)}
        self.status = Status({"dev": self.watch}, models, StatusOptions(), OPTIONS, ZONE)
        until = MIDNIGHT + 3600 * SECOND if maintained else 0
        self.status.update([Entry("dev", site="pasar", maintenance_until_ns=until)], (), MIDNIGHT)
        self.now = MIDNIGHT
        for ear in Ear:
            self.status.hear(ear, self.now)

    def report(self, seconds: int = 1, **signs: Any) -> tuple[int, str]:  # noqa: ANN401 - of any type
        """Report these signs, every second for a while; return the health then."""
        for _ in range(seconds):
            self.now += SECOND
            self.watch.heard_ns = self.now
            self.watch.keep((self.now, self.now, *(signs.get(name) for name in RULES)))
            self.status.tick(self.now)
        return self.status.health.of(0)

    def open(self) -> list[tuple[Cause, Severity, str]]:
        return [(one.cause, one.severity, one.text) for one in self.status.incidents.open()]


@pytest.mark.parametrize(
    ("signs", "score", "reason"),
    [
        ({"video_loss": True}, 40, "video loss"),
        ({"video_loss": False, "recording": True, "fps": 25.0}, 100, ""),
        ({"tampering": True}, 60, "tampering"),
        ({"recording": False}, 80, "not recording"),
        ({"storage_failure": True}, 60, "storage failure"),
        ({"storage_used_percent": 97.9}, 100, ""),
        ({"storage_used_percent": 98.0}, 80, "storage 98 % full"),
        ({"fps": 12.5}, 100, ""),
        ({"fps": 12.0}, 80, "12 of 25 frames a second"),
        ({"fps": 0}, 40, "no stream: 0 frames a second"),
        ({"bitrate_bps": 1_500_000}, 80, "1.5 of 4.0 Mbit/s"),
        ({"bitrate_bps": 0}, 40, "no stream: 0 bit/s"),
        ({"on_battery": True}, 70, "on battery"),
        ({"battery_percent": 21.0}, 100, ""),
        ({"battery_percent": 20.0}, 80, "battery 20 %"),
        ({"battery_percent": 4.0}, 60, "battery 4 %"),
        ({"on_battery_s": 0}, 100, ""),
        ({"on_battery_s": 12}, 70, "on battery"),
        ({"charge_percent": 15.0}, 80, "battery 15 %"),
        ({"replace_battery": True}, 80, "its batteries need to be replaced"),
        ({"fault": True}, 60, "broken, by its own judgement"),
        ({"device_temperature_c": 70.0}, 90, "warm: 70 °C inside"),
        ({"device_temperature_c": 86.0}, 70, "hot: 86 °C inside"),
        ({"clock_skew": True}, 90, "clock is wrong"),
        ({"water_level_m": 2.5}, 100, "water at 2.50 m, warning is 2.00 m"),
        ({"video_loss": True, "tampering": True, "fps": 0}, 0, None),
    ],
)
def test_a_sign(signs: dict[str, Any], score: int, reason: str | None) -> None:
    found = Patient().report(**signs)
    assert found[0] == score
    if reason is not None:
        assert found[1] == reason


def test_a_sample_without_a_sign_says_nothing_of_it() -> None:
    patient = Patient()
    patient.report(video_loss=True)
    assert patient.report(fps=25.0) == (40, "video loss")
    assert patient.report(video_loss=False) == (100, "")


def test_a_bad_sign_is_an_incident_when_it_lasts_and_ends_with_it() -> None:
    patient = Patient()
    patient.report(5, video_loss=True)
    patient.report(1, video_loss=False)
    patient.report(5, video_loss=True)
    assert patient.open() == []
    patient.report(8, video_loss=True)
    assert patient.open() == [(Cause.CAMERA_NO_VIDEO, Severity.WARNING, "dev: video loss")]
    patient.report(1, video_loss=True, fps=0)
    assert patient.open() == [
        (Cause.CAMERA_NO_VIDEO, Severity.WARNING, "dev: video loss; no stream: 0 frames a second")
    ]
    patient.report(1, video_loss=False, fps=25)
    assert patient.open() == []


def test_a_river_rises_falls_and_is_not_told_at_every_wave() -> None:
    patient = Patient()
    patient.report(12, water_level_m=2.05)
    assert [one[:2] for one in patient.open()] == [(Cause.RIVER_LEVEL, Severity.WARNING)]
    patient.report(1, water_level_m=1.95)
    assert [one[:2] for one in patient.open()] == [(Cause.RIVER_LEVEL, Severity.WARNING)]
    patient.report(1, water_level_m=3.2)
    assert [one[:2] for one in patient.open()] == [(Cause.RIVER_LEVEL, Severity.CRITICAL)]
    patient.report(1, water_level_m=1.85)
    assert patient.open() == []


def test_maintenance_silences_but_the_reason_is_shown() -> None:
    patient = Patient(maintained=True)
    assert patient.report(60, tampering=True) == (60, "tampering")
    assert patient.open() == []


def test_a_certificate_that_runs_out_is_told_and_its_renewal_ends_it() -> None:
    patient = Patient()
    patient.report()
    ends = patient.now + 5 * 86_400 * SECOND
    patient.status.name(Names(expiring={"dev": ends, "other": ends}), patient.now)
    assert patient.report(12) == (80, "certificate ends in 5 days")
    assert [one[0] for one in patient.open()] == [Cause.CERTIFICATE_EXPIRING]
    patient.status.name(Names(), patient.now)
    assert patient.report() == (100, "")
    assert patient.open() == []


def test_one_that_has_lasted_long_enough_is_well() -> None:
    patient = Patient()
    patient.report()
    patient.status.name(Names(expiring={"dev": patient.now + 20 * 86_400 * SECOND}), patient.now)
    assert patient.report() == (100, "")
    patient.status.name(Names(expiring={"dev": patient.now - SECOND}), patient.now)
    assert patient.report() == (60, "certificate has ended")


def test_what_was_never_seen_or_is_silent_is_not_well() -> None:
    patient = Patient()
    assert patient.status.health.of(0) == (0, "never seen")
    patient.report(video_loss=True)
    for _ in range(50):
        patient.now += SECOND
        patient.status.tick(patient.now)
    assert patient.status.health.of(0) == (10, "silent for longer than it promises; video loss")
