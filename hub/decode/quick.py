r"""A quicker way for JSON that holds the same keys in the same order, as what a device sends nearly always does.

Such documents are taken apart at once, asked whether all of their values are plainly right, and written in one go. A
document in which anything is not goes the careful way of `hub/decode/compiler.py`, which leads to the same lines:

    def sample(tags, doc, received_ns, retained, alone, watch):
        d0, d1 = doc.values()
        if (type(d0) is int and 2020 <= (t := d0 * 1000000) and received_ns - KEEP <= t <= received_ns + AHEAD
                and (type(d1) is float or type(d1) is int) and 0 <= d1 <= 480):
            line = f"cctv{tags} fps={d1!r} {t}\n"
            if not retained:
                watch.keep((t, received_ns, d1))
            return line
        return careful(tags, doc, received_ns, retained, alone, watch)

For six keys of a profile of twelve that was measured at two thirds of the careful way's time, parsing included.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from hub.decode import inline
from hub.decode.fields import field_of
from hub.decode.time_rule import FACTOR
from hub.decode.traces import Traces, wanted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hub.decode.compiler import Sample
    from hub.decode.fields import Field
    from hub.decode.time_rule import TimeRule
    from hub.profiles.mqtt import MessageSpec, Source
    from hub.profiles.terms import Terms

Keys = tuple[str, ...]
Write = Callable[["Sample", Keys], "Sample | None"]
"""(what decodes any document, keys) -> what decodes documents of these keys more quickly, if anything does."""

OFTEN: Final = 100
"""Keys are worth a function of their own once they came so many times: to compile one takes a millisecond."""
MOST: Final = 64
"""Functions kept of one kind of message."""
MOST_MET: Final = 256
"""Keys that are counted at a time; whoever sends others each time has them all counted anew."""
LONGEST: Final = 1000
"""Characters in keys that are worth it."""


class Shapes:
    """Finds what decodes a document by its keys.

    Attributes:
        careful: what decodes any document.
        quick: keys -> what decodes documents that hold them in this order.
    """

    __slots__ = ("_met", "_write", "careful", "quick")

    def __init__(self, careful: Sample, write: Write) -> None:
        self.careful = careful
        self.quick: dict[Keys, Sample] = {}
        self._write = write
        self._met: dict[Keys, int] = {}

    def meet(self, keys: Keys) -> Sample:
        """Return what decodes a document with keys that have no function of their own yet."""
        if len(self.quick) < MOST and sum(map(len, keys)) <= LONGEST:
            self._count(keys)
        return self.careful

    def _count(self, keys: Keys) -> None:
        met = self._met.pop(keys, 0) + 1
        if met >= OFTEN:
            self.quick[keys] = self._write(self.careful, keys) or self.careful
            return
        if len(self._met) >= MOST_MET:
            self._met.clear()
        self._met[keys] = met


def write_quick(spec: MessageSpec, terms: Terms, rule: TimeRule, careful: Sample, keys: Keys) -> Sample | None:
    """Compile the quick way for documents of these keys; None when there is none.

    Args:
        spec: what a profile says of the message; not of events, which have a time that their content decides.
        terms: of the profile.
        rule: about time.
        careful: where documents go of which anything is not plainly right.
        keys: of the document, in their order.
    """
    writer = _Quick(spec, terms, rule, keys)
    if not writer.is_possible():
        return None
    names = {**writer.names, **Traces.names, "careful": careful}
    # S102: a profile becomes code on purpose, as in hub/decode/compiler.py; no key enters the source.
    exec(compile(writer.source(), "<keys of a device>", "exec"), names)  # noqa: S102
    return cast("Sample", names["sample"])


class _Value(NamedTuple):
    """A reading of the document, and the variables in which it stands: raw, and scaled."""

    measurement: str
    name: str
    source: Source
    field: Field
    v: str
    w: str


class _Quick:
    """Writes the source for one order of keys; the value of key number 3 stands in `d3`, or scaled in `w3`."""

    def __init__(self, spec: MessageSpec, terms: Terms, rule: TimeRule, keys: Keys) -> None:
        self._spec = spec
        self._terms = terms
        self._rule = rule
        self._at = {key: index for index, key in enumerate(keys)}
        self._values = [self._value(*one) for one in spec.mapped if one[2].path in self._at]
        self.names = {f"a{index}": value.source.absent for index, value in enumerate(self._values)}

    def _value(self, measurement: str, name: str, source: Source) -> _Value:
        field, index = field_of(self._terms, measurement, name, source), self._at[source.path or ""]
        return _Value(measurement, name, source, field, f"d{index}", f"w{index}")

    def is_possible(self) -> bool:
        """Whether nothing stands deeper, counts though it is missing, or must be looked at with care in any case."""
        time, sources = self._spec.time, self._spec.sources
        paths = [*(source.path for source in sources), *([] if time is None else [time.path])]
        plain = all(source.part is None and not source.numeral and source.default is None for source in sources)
        timed = time is None or time.unit in FACTOR
        flat = not any(path is None or "." in path for path in paths)
        return (
            plain and timed and flat and bool(self._values) and all(inline.is_direct(one.field) for one in self._values)
        )

    def source(self) -> str:
        inner = "".join(f"        {line}\n" for line in self._body())
        return (
            "def sample(tags, doc, received_ns, retained, alone, watch):\n"
            f"    {''.join(f'd{index}, ' for index in self._at.values())}= doc.values()\n"
            f"    if {self._conditions()}:\n{inner}"
            "    return careful(tags, doc, received_ns, retained, alone, watch)\n"
        )

    def _conditions(self) -> str:
        absent = [f"a{index}" if one.source.absent else "" for index, one in enumerate(self._values)]
        plain = [inline.plain(one.field, a, one.v, one.w) for one, a in zip(self._values, absent, strict=True)]
        return " and ".join([self._timely(), *plain])

    def _timely(self) -> str:
        """Without a time of its own a sample has that of its receipt, unless nobody knows how long it was retained."""
        time = self._spec.time
        if time is None or time.path not in self._at:
            return "not retained and (t := received_ns)"
        return inline.timely(time.unit, self._rule.keep_ns, f"d{self._at[time.path]}")

    def _body(self) -> list[str]:
        known = {f"{one.measurement}.{one.name}": inline.value(one.field, one.v, one.w) for one in self._values}
        kept = {name: known.get(name, "None") for name in wanted(self._terms.profile, self._spec)}
        traces = Traces(self._terms.profile, kept, "False")
        believed, left = traces.believed(), traces.left()
        return [
            *(["faults = ()", *believed] if believed else []),
            f"line = {' '.join(self._lines())}",
            *(["if not retained:", *(f"    {line}" for line in left)] if left else []),
            "return line",
        ]

    def _lines(self) -> Iterator[str]:
        for measurement, values in groupby(self._values, lambda one: one.measurement):
            fields = ",".join(inline.text(one.field, one.v, one.w) for one in values)
            yield f'f"{self._terms.measurement(measurement)}{{tags}} {fields} {{t}}\\n"'
