"""What a message may not say in its format. Pure: every check yields the place within it, and what is wrong there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from hub.profiles.conversions import misfit
from hub.profiles.mqtt import TOPIC

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hub.profiles.document import Place
    from hub.profiles.mqtt import Format, MessageSpec, Source
    from hub.profiles.vocabulary import Reading

_LEVEL: Final = re.compile(re.escape(TOPIC) + r"\d{1,2}")
_FLOATS: Final = {"float16", "float32", "float64"}


def message_problems(spec: MessageSpec) -> Iterator[tuple[Place, str]]:
    """Yield what is wrong with a message as a whole."""
    if spec.format != "json":
        for key in sorted({"samples", "when"} & spec.model_fields_set):
            yield (key,), f"belongs to JSON, and the format is {spec.format}"
    if spec.time is not None and spec.format != "json":
        own = "SenML has times of its own" if spec.format == "senml" else f"a {spec.format} holds no time"
        yield ("time",), own
    yield from _nowhere_in_the_topic(spec)
    if spec.format == "text" and len(whole := [one for one in _sources(spec) if one.part is None]) > 1:
        yield ("readings",), f"a text is one value, and {len(whole)} readings take it whole; cut it with part"
    if spec.looks_at_topic and not spec.topics:
        yield ("topics",), "what stands in the native topic is the device, which is a tag"


def _nowhere_in_the_topic(spec: MessageSpec) -> Iterator[tuple[Place, str]]:
    places: dict[Place, str | None] = {("when", path): path for path in spec.when}
    places |= {("time", "from"): spec.time.path if spec.time else None, ("samples",): spec.samples}
    for place, path in places.items():
        if path is not None and path.startswith(TOPIC):
            yield place, "only readings may stand in the topic"


def source_problems(spec: MessageSpec, reading: Reading, source: Source) -> Iterator[tuple[Place, str]]:
    """Yield what is wrong with the place of one reading, given its type."""
    path = source.path or ""
    if path.startswith(TOPIC):
        yield from _in_topic(spec, path)
    else:
        yield from _in_payload(spec.format, reading, source)
    if "separator" in source.model_fields_set and (source.part is None or not source.separator):
        yield ("separator",), "is what a text is cut at to get a part"
    yield from _unit(spec, reading, source)
    if source.default is not None and (what := _default(reading, source)):
        yield ("default",), what


def _in_topic(spec: MessageSpec, path: str) -> Iterator[tuple[Place, str]]:
    if not _LEVEL.fullmatch(path):
        yield ("from",), f"a level of the topic is {TOPIC}0, {TOPIC}1, and so on"
        return
    level = int(path.removeprefix(TOPIC))
    if not any(topic.endswith("#") or level < len(topic.split("/")) for topic in spec.topics):
        yield ("from",), f"no topic of this message has a level {level}; they are counted from 0"


def _in_payload(form: Format, reading: Reading, source: Source) -> Iterator[tuple[Place, str]]:
    keyed, placed = form in {"json", "senml"}, form == "binary"
    if keyed != (source.path is not None):
        yield ("from",), "is missing" if keyed else f"has no meaning in a {form}"
    for key in ("at", "type"):
        if placed != (getattr(source, key) is not None):
            yield (key,), "is missing" if placed else f"belongs to binary, and the format is {form}"
    if source.little and not placed:
        yield ("little",), f"belongs to binary, and the format is {form}"
    if placed and (source.part is not None or source.numeral):
        yield ("part" if source.part is not None else "numeral",), "belongs to texts"
    if source.map is not None or source.bit is not None:
        if source.bit is not None and source.type in _FLOATS:
            yield ("bit",), f"there are no bits in a {source.type}"
    elif (form == "text" or source.part is not None or placed) and reading.type == "bool":
        yield (), "needs a map or a bit to become true or false"
    elif placed and reading.type == "string":
        yield (), "needs a map to become a text"


def _unit(spec: MessageSpec, reading: Reading, source: Source) -> Iterator[tuple[Place, str]]:
    """A record names its unit, which can be compared only when it is known what the scaling begins with."""
    number = reading.type in {"int", "float"} and source.map is None and not (source.path or "").startswith(TOPIC)
    if source.unit is not None and (spec.format != "senml" or not number):
        yield ("unit",), "belongs to the numbers of SenML records"
    elif source.unit is None and spec.format == "senml" and number and source.renamed:
        yield ("unit",), "is missing: the number is scaled, so say in which unit its records are"


def _default(reading: Reading, source: Source) -> str:
    """Return what is wrong with a default, which is a raw value."""
    value = source.default
    if value is None or source.bit is not None or source.map is not None:
        return "" if source.map is None or str(value) in source.map else f"{value!r} is not in the map"
    if reading.type in {"int", "float"} and isinstance(value, (int, float)) and not isinstance(value, bool):
        scaled = value * source.scale + source.offset
        return misfit(reading, round(scaled) if reading.type == "int" else scaled)
    return misfit(reading, value)


def _sources(spec: MessageSpec) -> list[Source]:
    """Return where the readings stand that are not in the topic."""
    return [source for source in spec.sources if not (source.path or "").startswith(TOPIC)]
