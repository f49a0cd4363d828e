"""What is wrong with a device by its vital signs: one rule a sign, by its name in the vocabulary. Pure.

Thresholds are `hub.status.options.HealthOptions`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from hub.status.base import Cause, Severity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hub.decode.watch import Vitals
    from hub.status.options import HealthOptions, LevelOptions, PromiseOptions


_SHOWN: Final = 60
"""Characters of a version that a reason shows."""


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


Find = Callable[[Any, Subject, bool], Finding | None]
"""(value, whose it is, whether something was wrong with it before) -> what is wrong."""


class Rule(NamedTuple):
    """How a sign is judged.

    Attributes:
        find: says what is wrong ...
        suspect: ... and is only asked when this holds of the value `v`: an expression of Python in which names of
            HealthOptions stand for their values, `half_fps` and `half_bps` for half of what was promised, and
            `firmware` for the version that was.
    """

    find: Find
    suspect: str


def _when_true(*finding: Any) -> Rule:  # noqa: ANN401 - the fields of a finding
    found = Finding(*finding)
    return Rule(lambda value, _subject, _before: found if value is True else None, "v is True")


def _when_false(*finding: Any) -> Rule:  # noqa: ANN401 - the fields of a finding
    found = Finding(*finding)
    return Rule(lambda value, _subject, _before: found if value is False else None, "v is False")


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


def _firmware(value: str, subject: Subject, *_: bool) -> Finding | None:
    promised = subject.promise.firmware if subject.promise else None
    behind = promised is not None and [] != _version(value) < _version(promised)
    return Finding(10, f"firmware {value[:_SHOWN]} is behind {promised}") if behind else None


def _version(text: str) -> list[int]:
    """Return the numbers of a version, which vendors join by whatever they like; they come in order of weight."""
    return [int(number) for number in re.findall(r"\d+", text, re.ASCII)]


def _level(value: float, subject: Subject, before: bool) -> Finding | None:  # noqa: FBT001 - see Rule
    """A river over its threshold is no fault of the gauge: no points off, but an incident.

    Gauges are few and each has its own thresholds: all their values are looked at.
    """
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


_BATTERY: Final = Rule(_battery, "v <= battery_low_percent or v <= battery_empty_percent")
RULES: Final[Mapping[str, Rule]] = {
    "video_loss": _when_true(60, "video loss", Cause.CAMERA_NO_VIDEO),
    "tampering": _when_true(40, "tampering", Cause.TAMPERING),
    "recording": _when_false(20, "not recording"),
    "storage_failure": _when_true(40, "storage failure", Cause.STORAGE),
    "storage_used_percent": Rule(_storage, "v >= storage_full_percent"),
    "fps": Rule(_fps, "v == 0 or v < half_fps"),
    "bitrate_bps": Rule(_bitrate, "v == 0 or v < half_bps"),
    "on_battery": _when_true(30, "on battery", Cause.UPS_ON_BATTERY),
    "on_battery_s": Rule(_on_battery, "v > 0"),
    "battery_percent": _BATTERY,
    "charge_percent": _BATTERY,
    "replace_battery": _when_true(20, "its batteries need to be replaced"),
    "fault": _when_true(40, "broken, by its own judgement"),
    "device_temperature_c": Rule(_temperature, "v >= warm_c or v >= hot_c"),
    "firmware": Rule(_firmware, "v != firmware and firmware is not None"),
    "clock_skew": _when_true(10, "clock is wrong"),
    "water_level_m": Rule(_level, "True"),
}
"""Reading -> its rule; a sign that stands in several measurements has the same name and meaning in all of them."""


def rules_of(signs: Sequence[str]) -> list[tuple[int, str, Rule]]:
    """Return (place in a sample, sign, rule) of those of a profile's vitals that there are rules for."""
    places = enumerate(signs, 2)
    return [(place, sign, rule) for place, sign in places if (rule := RULES.get(sign.rpartition(".")[2])) is not None]


def glance(
    rules: Sequence[tuple[int, str, Rule]], options: HealthOptions, promise: PromiseOptions | None
) -> Callable[[Vitals], bool]:
    """Return what tells whether anything in a sample may be wrong, without saying what.

    Nearly all samples are well, and to ask each rule takes several microseconds; one expression of all of them takes
    less than one.
    """
    half_fps, half_bps = ((promise.fps or 0) / 2, (promise.bitrate_bps or 0) / 2) if promise else (0, 0)
    promised = {"half_fps": half_fps, "half_bps": half_bps, "firmware": promise.firmware if promise else None}
    known = {**options.model_dump(exclude={"promises", "devices", "river"}), **promised}
    asked = [f"((v := sample[{place}]) is not None and ({rule.suspect}))" for place, _, rule in rules]
    # S307: what is evaluated are the rules of this file and places in a sample; settings only give names their values.
    return cast("Callable[[Vitals], bool]", eval(f"lambda sample: {' or '.join(asked) or 'False'}", known))  # noqa: S307
