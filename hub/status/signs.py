"""What is wrong with a device by its vital signs: one rule a sign, by its name in the vocabulary. Pure.

Thresholds are `hub.status.options.HealthOptions`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from hub.status.base import Cause, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hub.status.options import HealthOptions, LevelOptions, PromiseOptions


class Finding(NamedTuple):
    """Something wrong with a device: points off its health, a reason in words, and whether it is an incident."""

    points: int
    reason: str
    cause: Cause | None = None
    severity: Severity = Severity.WARNING


class Subject(NamedTuple):
    """What was promised or set for the device whose signs they are."""

    options: HealthOptions
    promise: PromiseOptions | None
    level: LevelOptions | None


Rule = Callable[[Any, Subject, bool], Finding | None]
"""(value, whose it is, whether something was wrong with it before) -> what is wrong."""


def _when_true(*finding: Any) -> Rule:  # noqa: ANN401 - the fields of a finding
    found = Finding(*finding)
    return lambda value, _subject, _before: found if value is True else None


def _when_false(*finding: Any) -> Rule:  # noqa: ANN401 - the fields of a finding
    found = Finding(*finding)
    return lambda value, _subject, _before: found if value is False else None


def _fps(value: float, subject: Subject, *_: bool) -> Finding | None:
    if value == 0:
        return Finding(60, "no stream: 0 frames a second", Cause.CAMERA_NO_VIDEO)
    promised = subject.promise.fps if subject.promise else None
    if promised and value < promised / 2:
        return Finding(20, f"{value:g} of {promised:g} frames a second")
    return None


def _bitrate(value: int, subject: Subject, *_: bool) -> Finding | None:
    if value == 0:
        return Finding(60, "no stream: 0 bit/s", Cause.CAMERA_NO_VIDEO)
    promised = subject.promise.bitrate_bps if subject.promise else None
    if promised and value < promised / 2:
        return Finding(20, f"{value / 1e6:.1f} of {promised / 1e6:.1f} Mbit/s")
    return None


def _battery(value: float, subject: Subject, *_: bool) -> Finding | None:
    if value <= subject.options.battery_empty_percent:
        return Finding(40, f"battery {value:.0f} %")
    return Finding(20, f"battery {value:.0f} %") if value <= subject.options.battery_low_percent else None


def _on_battery(value: int, *_: object) -> Finding | None:
    return Finding(30, "on battery", Cause.UPS_ON_BATTERY) if value > 0 else None


def _storage(value: float, subject: Subject, *_: bool) -> Finding | None:
    full = value >= subject.options.storage_full_percent
    return Finding(20, f"storage {value:.0f} % full", Cause.STORAGE) if full else None


def _temperature(value: float, subject: Subject, *_: bool) -> Finding | None:
    if value >= subject.options.hot_c:
        return Finding(30, f"hot: {value:.0f} °C inside")
    return Finding(10, f"warm: {value:.0f} °C inside") if value >= subject.options.warm_c else None


def _level(value: float, subject: Subject, before: bool) -> Finding | None:  # noqa: FBT001 - see Rule
    """A river over its threshold is no fault of the gauge: no points off, but an incident."""
    level = subject.level
    if level is None:
        return None
    release = level.release_m if before else 0.0
    if value >= level.critical_m:
        return Finding(0, f"water at {value:.2f} m, critical is {level.critical_m:.2f} m", Cause.RIVER_LEVEL,
                       Severity.CRITICAL)  # fmt: skip
    if value >= level.warning_m - release:
        return Finding(0, f"water at {value:.2f} m, warning is {level.warning_m:.2f} m", Cause.RIVER_LEVEL)
    return None


RULES: Final[Mapping[str, Rule]] = {
    "video_loss": _when_true(60, "video loss", Cause.CAMERA_NO_VIDEO),
    "tampering": _when_true(40, "tampering", Cause.TAMPERING),
    "recording": _when_false(20, "not recording"),
    "storage_failure": _when_true(40, "storage failure", Cause.STORAGE),
    "storage_used_percent": _storage,
    "fps": _fps,
    "bitrate_bps": _bitrate,
    "on_battery": _when_true(30, "on battery", Cause.UPS_ON_BATTERY),
    "on_battery_s": _on_battery,
    "battery_percent": _battery,
    "charge_percent": _battery,
    "replace_battery": _when_true(20, "its batteries need to be replaced"),
    "fault": _when_true(40, "broken, by its own judgement"),
    "device_temperature_c": _temperature,
    "clock_skew": _when_true(10, "clock is wrong"),
    "water_level_m": _level,
}
"""Reading -> its rule; a sign that stands in several measurements has the same name and meaning in all of them."""


def rules_of(signs: Sequence[str]) -> Iterator[tuple[int, str, Rule]]:
    """Yield (place in a sample, sign, rule) of those of a profile's vitals that there are rules for."""
    for number, sign in enumerate(signs):
        rule = RULES.get(sign.rpartition(".")[2])
        if rule is not None:
            yield number + 2, sign, rule
