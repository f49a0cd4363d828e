"""The generated code that leaves behind what else is known of a sample: its vital signs, and where a tracker was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hub.decode.position import implausible
from hub.decode.time_rule import SECOND
from hub.decode.watch import MANY
from hub.errors import Rejected
from hub.profiles.carried import GROWING, newest_tells_all
from hub.profiles.mqtt import SKEW

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hub.profiles.mqtt import MessageSpec
    from hub.profiles.schema import Profile

_FOLLOWED: Final = GROWING | {"boot"}
_POSITION: Final = ("gps.lat", "gps.lon")


class Traces:
    """Writes it for one kind of message; the time of the sample stands in `t`.

    Attributes:
        names: objects that the code refers to.
    """

    names: Final = {"implausible": implausible, "Rejected": Rejected}

    def __init__(self, profile: Profile, kept: Mapping[str, str], skewed: str) -> None:
        """Take what the code knows.

        Args:
            profile: whose message it is.
            kept: what is `wanted` -> the variable that holds its value, or None.
            skewed: the expression that tells whether the device's clock was wrong.
        """
        self._profile = profile
        self._kept = kept
        self._skewed = skewed

    def believed(self) -> list[str]:
        """A position that the tracker cannot be at costs the whole sample; `faults` are those that it has already."""
        lat, lon = (self._kept.get(name, "None") for name in _POSITION)
        if self._profile.kind != "gps" or "None" in {lat, lon}:
            return []
        return [
            f"if {lat} is not None and {lon} is not None:",
            f"    if (fault := implausible(watch, t, {lat}, {lon})) is not None:",
            "        raise Rejected([*faults, fault])",
            "    if not retained:",
            f"        watch.fix = t, {lat}, {lon}",
        ]

    def left(self) -> list[str]:
        """Keep the vital signs of a sample that is sure to be stored; none if the message has none."""
        vitals = self._profile.vitals
        if not any(name in self._kept for name in vitals):
            return []
        values = [self._kept.get(name, self._skewed if name.endswith(SKEW) else "None") for name in vitals]
        return [f"kept = t, received_ns, {', '.join(values)}", *self._keeping()]

    def _keeping(self) -> list[str]:
        """Of many samples in one second, one that only goes on from the one before takes its place.

        Who looks at them learns the same, and a flood of samples does not fill the processor's caches. The last of
        MANY + 1 is sure to go on from the one before. One that does not is kept twice, which nobody minds: then there
        are more, and all are kept until somebody has looked.
        """
        if not newest_tells_all(self._profile):
            return ["watch.keep(kept)"]
        places = enumerate(self._profile.vitals, 2)
        going_on = [self._goes_on(f"last[{place}]", name) for place, name in places if _stem(name) in _FOLLOWED]
        asked = [f"t - {SECOND} < samples[0][0]", "(last := samples[-1])[0] < t", *going_on]
        return [
            f"if {MANY} <= (n := len(samples := watch.samples)) <= {MANY + 1} and {' and '.join(asked)}:",
            f"    if n > {MANY}:",
            "        samples[-1] = kept",
            "    else:",
            "        samples.append(kept)",
            f"elif n == {MANY}:",
            "    samples += kept, kept",
            "else:",
            "    watch.keep(kept)",
        ]

    def _goes_on(self, last: str, name: str) -> str:
        new = self._kept.get(name, "None")
        if _stem(name) not in GROWING or new == "None":
            return f"{last} == {new}"
        return f"({new} is not None and {last} is not None and {last} <= {new} or {last} is {new})"


def wanted(profile: Profile, spec: MessageSpec) -> list[str]:
    """Return the readings of a message whose values are needed once more, after they were written."""
    names = dict.fromkeys([*profile.vitals, *_POSITION] if profile.kind == "gps" else profile.vitals)
    parts = ((name, *name.split(".", 1)) for name in names)
    return [name for name, measurement, reading in parts if reading in spec.readings.get(measurement, {})]


def _stem(vital: str) -> str:
    return vital.partition(".")[2]
