"""Device models made up for a test: a message's spec becomes a decoder, and what it leaves behind can be looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hub.decode.messages import compile_profile
from hub.decode.watch import Watch
from hub.errors import Fault, Rejected
from hub.profiles.schema import Profile
from hub.profiles.vocabulary import Vocabulary
from tests.unit.decode.line_protocol import Point, parse_lines
from tests.unit.decode.strategies import KEEP, NOW

if TYPE_CHECKING:
    from hub.decode.formats import Decoder

VOCABULARY = Vocabulary.model_validate(
    {
        "common": {"firmware": {"type": "string", "about": "Version"}},
        "measurements": {
            "energy": {
                "power_w": {"type": "float", "unit": "W", "min": -1000, "max": 1000, "about": "Power"},
                "energy_wh": {"type": "int", "unit": "W.h", "min": 0, "max": 10**12, "about": "Energy"},
                "on": {"type": "bool", "about": "Switched on"},
                "state": {"type": "string", "about": "State"},
            },
            "cctv": {
                "tx_bytes": {"type": "int", "unit": "By", "min": 0, "max": 10**12, "about": "Sent since boot"},
                "uptime_s": {"type": "int", "unit": "s", "min": 0, "max": 10**9, "about": "Since the start"},
                "boot": {"type": "int", "unit": "1", "min": 0, "max": 100, "about": "Number of the boot"},
                "fps": {"type": "int", "unit": "1", "min": 0, "max": 100, "about": "Frames a second"},
            },
            "gps": {
                "lat": {"type": "float", "unit": "deg", "min": -90, "max": 90, "about": "Latitude"},
                "lon": {"type": "float", "unit": "deg", "min": -180, "max": 180, "about": "Longitude"},
            },
        },
    }
)


def profile_of(spec: dict[str, Any], **more: Any) -> Profile:  # noqa: ANN401 - whatever a profile may say
    """Return a profile with one message, `telemetry`, whose readings may be those of `energy` alone."""
    readings = spec["readings"]
    nested = readings if all(isinstance(one, dict) and name in MEASURED for name, one in readings.items()) else None
    said = {
        "vendor": "V",
        "model": "M",
        "kind": "meter",
        "about": "A meter",
        "interval_s": 60,
        "manual": {"title": "T", "edition": "1"},
        "mqtt": {"telemetry": {**spec, "readings": nested or {"energy": readings}}},
        **more,
    }
    return Profile.model_validate(said)


MEASURED = {*VOCABULARY.measurements, "own"}


class Model:
    """The decoder of a model's one message and the watch of its one device."""

    def __init__(self, spec: dict[str, Any], **more: Any) -> None:  # noqa: ANN401 - whatever a profile may say
        self.profile = profile_of(spec, **more)
        self.inlet = compile_profile(self.profile, "v_m", VOCABULARY, KEEP)["telemetry"]
        self.watch = Watch("d", 0)

    def decoder(self, topic: str = "devices/d/telemetry") -> Decoder:
        """Return the decoder of what arrives on a topic."""
        return self.inlet.bind(topic)

    def outcome(
        self,
        payload: bytes | str,
        *,
        topic: str = "devices/d/telemetry",
        retained: bool = False,
        received_ns: int = NOW,
    ) -> tuple[list[Point], list[Fault]]:
        """Return the points that are kept and what was wrong; anything but a rejection escapes."""
        sent = payload.encode() if isinstance(payload, str) else payload
        try:
            return parse_lines(self.decoder(topic)("", sent, received_ns, retained, self.watch)), []
        except Rejected as rejected:
            return parse_lines(rejected.kept), rejected.faults

    def fields(self, payload: bytes | str, **how: Any) -> dict[str, Any]:  # noqa: ANN401 - as `outcome` takes it
        """Return the fields of the one point that a good payload makes."""
        points, faults = self.outcome(payload, **how)
        assert faults == []
        (point,) = points
        return point.fields

    def reasons(self, payload: bytes | str, **how: Any) -> list[str]:  # noqa: ANN401 - as `outcome` takes it
        """Return why a payload, or a part of it, is rejected."""
        return [str(fault.reason) for fault in self.outcome(payload, **how)[1]]
