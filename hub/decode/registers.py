"""From the registers that a poll has read to lines of line protocol. Pure: no clock, no logger, no socket."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hub.decode.fields import MAX_FAULTS
from hub.decode.register import Names, RegisterField, Value
from hub.errors import Fault, ProfileError
from hub.profiles.schema import OWN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hub.profiles.modbus import Group, ModbusSpec, TableName
    from hub.profiles.schema import Profile
    from hub.profiles.vocabulary import Reading, Vocabulary

Reported = dict[str, tuple[Value, int]]
"""What was last reported of each reading, and when, in ns: the memory of those with a dead band."""


class Taken(NamedTuple):
    """What words became: lines each ended by a newline, what was wrong, and the vital signs among the readings.

    `faults` come with the key of their reading, at most a handful. `vitals` stand in the order of the profile's, None
    where these words hold no reading.
    """

    lines: str
    faults: list[tuple[str, Fault]]
    vitals: tuple[Value | None, ...]


class RegisterGroup:
    """The readings of one table that are polled together."""

    def __init__(self, table: TableName, every_s: float, fields: list[RegisterField], vitals: tuple[str, ...]) -> None:
        self.table = table
        self.every_s = every_s
        self.fields = fields
        self._vitals = vitals

    def decode(self, tags: str, words: Mapping[int, int], time_ns: int, reported: Reported | None = None) -> Taken:
        """Turn what has been read of the table into lines; what has not been read is passed over.

        Args:
            tags: tag set of the device.
            words: address, as the profile counts, -> register or coil.
            time_ns: when they were read.
            reported: what was reported before; a reading with a dead band that did not move is then left out.
        """
        texts: dict[str, list[str]] = {}
        faults: list[tuple[str, Fault]] = []
        values: dict[str, Value] = {}
        for field, value in self._readings(words):
            if isinstance(value, Fault):
                faults.append((field.key, value))
                continue
            values[field.key] = value
            if reported is None or _is_news(field, value, time_ns, reported):
                texts.setdefault(field.measurement, []).append(field.text(value))
        lines = "".join(f"{measurement}{tags} {','.join(text)} {time_ns}\n" for measurement, text in texts.items())
        return Taken(lines, faults[:MAX_FAULTS], tuple(values.get(key) for key in self._vitals))

    def _readings(self, words: Mapping[int, int]) -> Iterator[tuple[RegisterField, Value | Fault]]:
        for field in self.fields:
            try:
                value = field.read([words[address] for address in field.span])
            except KeyError:
                continue
            if value is not None:
                yield field, value


def compile_modbus(profile: Profile, name: str, vocabulary: Vocabulary) -> tuple[RegisterGroup, ...]:
    """Compile what `profile` says of its registers; groups of the same table and interval are polled as one.

    Args:
        name: of the profile; the vendor's own readings are stored under it.

    Raises:
        ProfileError: a reading is neither in the vocabulary nor among the vendor's own.
    """
    if profile.modbus is None:
        return ()
    together: dict[tuple[TableName, float], list[RegisterField]] = {}
    for group in profile.modbus.groups.values():
        fields = together.setdefault((group.table, group.every_s), [])
        fields += _fields(profile, name, vocabulary, profile.modbus, group)
    return tuple(RegisterGroup(table, every_s, fields, profile.vitals) for (table, every_s), fields in together.items())


def _fields(
    profile: Profile, name: str, vocabulary: Vocabulary, spec: ModbusSpec, group: Group
) -> Iterator[RegisterField]:
    for measurement, registers in group.readings.items():
        for key, register in registers.items():
            place = f"{measurement}.{key}"
            reading = profile.own.get(key) if measurement == OWN else vocabulary.reading(measurement, key)
            stored = (f"{profile.kind}_ext", f"{name}_{key}") if measurement == OWN else (measurement, key)
            yield RegisterField(Names(place, *stored), register, _known(name, place, reading), spec.order)


def _known(profile: str, place: str, reading: Reading | None) -> Reading:
    if reading is None:
        raise ProfileError(f"{profile}: modbus: {place}: no such reading")
    return reading


def _is_news(field: RegisterField, value: Value, time_ns: int, reported: Reported) -> bool:
    """Tell whether a reading is due to be reported, and remember it if so."""
    if field.dead_band is None or field.silence_ns is None:
        return True
    last = reported.get(field.key)
    if last is not None and not _moved(last[0], value, field.dead_band) and 0 <= time_ns - last[1] < field.silence_ns:
        return False
    reported[field.key] = (value, time_ns)
    return True


def _moved(before: Value, now: Value, dead_band: float) -> bool:
    if isinstance(before, (bool, str)) or isinstance(now, (bool, str)):
        return before != now
    return abs(now - before) > dead_band
