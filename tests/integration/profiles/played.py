"""Every case of every profile, played by a device of its own: who it is, what it publishes, what its registers hold."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from hub.profiles.loader import load_cases, load_profiles, profiles_folder
from hub.profiles.mqtt import NATIVE
from hub.sim.city import imei
from provisioning.records import NewDevice
from tests.unit.decode.line_protocol import parse_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hub.profiles.schema import Case, Profile

Fields = dict[str, bool | float | int | str]


@dataclass(frozen=True)
class Played:
    """A case and the device that plays it.

    Attributes:
        name: profile and file, for people.
        topic: where it publishes; the identity in the case's topic is replaced by the device's own.
    """

    name: str
    profile: Profile
    case: Case
    record: NewDevice
    topic: str

    @property
    def payload(self) -> bytes:
        """What it publishes."""
        return bytes.fromhex(self.case.payload_hex) if self.case.payload_hex else (self.case.payload or "").encode()

    def expected(self) -> dict[tuple[str, int], Fields]:
        """Return the fields by measurement and time, as the database holds them."""
        points: dict[tuple[str, int], Fields] = {}
        for line in self.case.lines:
            point = parse_line(line)
            points.setdefault((point.measurement, point.time), {}).update(point.fields)
        return points


def all_cases() -> Iterator[Played]:
    """Yield the cases of all profiles that ship with the hub."""
    _, profiles = load_profiles()
    numbers = count(1)
    for name, profile in profiles.items():
        for file, case in load_cases(profiles_folder() / name).items():
            yield _played(f"{name}/{file}", name, profile, case, next(numbers))


def _played(about: str, profile_name: str, profile: Profile, case: Case, number: int) -> Played:
    own = {
        "device": f"case-{number:04}",
        "serial": f"{case.identity.get('serial', 'SER')[:12]}{number:04}",
        "imei": imei(number),
    }
    topic = case.topic or NATIVE.get(case.message, "").replace("{device}", own["device"])
    for what, value in case.identity.items():
        topic = topic.replace(value, own[what])
    record = NewDevice(id=own["device"], profile=profile_name, serial=own["serial"], imei=own["imei"])
    return Played(about, profile, case, record, topic)
