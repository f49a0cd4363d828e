"""One decoder for each way in which payloads are made: they turn bytes into documents, and those into lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from reprlib import repr as brief
from typing import TYPE_CHECKING, Any

import orjson

from hub.decode.fields import MAX_FAULTS, same
from hub.decode.lookup import at, layout_size
from hub.decode.senml import resolve
from hub.decode.watch import Watch
from hub.errors import Fault, Reason, Rejected

if TYPE_CHECKING:
    from hub.decode.compiler import Sample
    from hub.decode.quick import Shapes
    from hub.decode.senml_units import Expected
    from hub.profiles.mqtt import MessageSpec

Decoder = Callable[[str, bytes, int, bool, Watch], str]
"""(tag set, payload, time of receipt in ns, retained, watch) -> lines, each ended by a newline; raises only Rejected.

A live message, also one that is rejected, moves the watch's `heard_ns`.
"""


def decoder_of(spec: MessageSpec, shapes: Shapes, units: Expected) -> Decoder:
    """Return the decoder of the payloads that `spec` describes.

    Args:
        spec: what the profile says of them.
        shapes: what decodes the documents in a payload.
        units: in which the numbers of SenML records may be.
    """
    decode = _made(spec, shapes, units)
    return _forgiving(spec, decode) if spec.retained == "ignore" or spec.empty == "ignored" else decode


def _made(spec: MessageSpec, shapes: Shapes, units: Expected) -> Decoder:
    match spec.format:
        case "json":
            return _selecting(spec, shapes.careful) if spec.when or spec.samples else _plain(shapes)
        case "senml":
            return _senml(units, shapes.careful)
        case "text":
            return _text(shapes.careful)
        case "binary":
            return _binary(spec, shapes.careful)


def together(decoders: Sequence[Decoder]) -> Decoder:
    """Return a decoder of a topic on which several kinds of messages come; a payload may hold more than one."""
    if len(decoders) == 1:
        return decoders[0]

    def decode(tags: str, payload: bytes, received_ns: int, retained: bool, watch: Watch) -> str:  # noqa: FBT001 - as every decoder
        lines: list[str] = []
        faults: list[Fault] = []
        for one in decoders:
            try:
                lines.append(one(tags, payload, received_ns, retained, watch))
            except Rejected as rejected:
                lines.append(rejected.kept)
                faults += rejected.faults
        if faults:
            raise Rejected(list(dict.fromkeys(faults))[:MAX_FAULTS], "".join(lines))
        return "".join(lines)

    return decode


def _forgiving(spec: MessageSpec, decode: Decoder) -> Decoder:
    """Wrap a decoder so that it says nothing to what the profile ignores."""
    ignores_retained, ignores_empty = spec.retained == "ignore", spec.empty == "ignored"

    def forgive(tags: str, payload: bytes, received_ns: int, retained: bool, watch: Watch) -> str:  # noqa: FBT001 - as every decoder
        if retained and ignores_retained:
            return ""
        if payload or not ignores_empty:
            return decode(tags, payload, received_ns, retained, watch)
        if not retained:
            watch.heard_ns = received_ns
        return ""

    return forgive


def _plain(shapes: Shapes) -> Decoder:
    """Payloads that are one JSON object, or an array of them."""
    careful, quick, meet = shapes.careful, shapes.quick, shapes.meet

    def decode(tags: str, payload: bytes, received_ns: int, retained: bool, watch: Watch) -> str:  # noqa: FBT001 - as every decoder
        if not retained:
            watch.heard_ns = received_ns
        try:
            doc = orjson.loads(payload)
        except orjson.JSONDecodeError as error:
            raise Rejected([Fault(Reason.BAD_PAYLOAD, f"not JSON: {error}")]) from None
        if type(doc) is dict:
            keys = tuple(doc)
            sample = quick.get(keys) or meet(keys)
            return sample(tags, doc, received_ns, retained, True, watch)  # noqa: FBT003 - hot path
        if type(doc) is list and doc:
            return _each(careful, tags, doc, received_ns, watch, retained=retained)
        raise Rejected([Fault(Reason.WRONG_TYPE, "is neither a JSON object nor an array of them")])

    return decode


def _selecting(spec: MessageSpec, sample: Sample) -> Decoder:
    """Payloads of which only some are meant, or whose samples stand deeper inside."""

    def decode(tags: str, payload: bytes, received_ns: int, retained: bool, watch: Watch) -> str:  # noqa: FBT001 - as every decoder
        if not retained:
            watch.heard_ns = received_ns
        try:
            docs = _selected(spec, orjson.loads(payload))
        except orjson.JSONDecodeError as error:
            raise Rejected([Fault(Reason.BAD_PAYLOAD, f"not JSON: {error}")]) from None
        return _each(sample, tags, docs, received_ns, watch, retained=retained)

    return decode


def _selected(spec: MessageSpec, doc: object) -> list[object]:
    """Return the samples of a document that is meant."""
    roots = doc if isinstance(doc, list) else [doc]
    if not roots or not all(isinstance(root, dict) for root in roots):
        raise Rejected([Fault(Reason.WRONG_TYPE, "is neither a JSON object nor an array of them")])
    meant = [root for root in roots if all(same(at(root, path), value) for path, value in spec.when.items())]
    return [one for root in meant for one in _inner(spec, root)]


def _inner(spec: MessageSpec, root: object) -> Iterable[object]:
    if spec.samples is None:
        return [root]
    inner = at(root, spec.samples)
    if inner is None and spec.partial:
        return []
    if not isinstance(inner, list):
        raise Rejected([Fault(Reason.WRONG_TYPE, f"{spec.samples}: is {brief(inner)}, expected an array")])
    return inner


def _senml(units: Expected, sample: Sample) -> Decoder:
    def decode(tags: str, payload: bytes, received_ns: int, retained: bool, watch: Watch) -> str:  # noqa: FBT001 - as every decoder
        if not retained:
            watch.heard_ns = received_ns
        docs = resolve(payload, received_ns, units, retained=retained)
        return _each(sample, tags, docs, received_ns, watch, retained=retained)

    return decode


def _text(sample: Sample) -> Decoder:
    def decode(tags: str, payload: bytes, received_ns: int, retained: bool, watch: Watch) -> str:  # noqa: FBT001 - as every decoder
        if not retained:
            watch.heard_ns = received_ns
        try:
            text = payload.decode().strip()
        except UnicodeDecodeError:
            raise Rejected([Fault(Reason.BAD_PAYLOAD, "is no text in UTF-8")]) from None
        return sample(tags, text, received_ns, retained, True, watch)  # noqa: FBT003 - alone in its message

    return decode


def _binary(spec: MessageSpec, sample: Sample) -> Decoder:
    size = layout_size(spec)

    def decode(tags: str, payload: bytes, received_ns: int, retained: bool, watch: Watch) -> str:  # noqa: FBT001 - as every decoder
        if not retained:
            watch.heard_ns = received_ns
        if len(payload) < size:
            raise Rejected([Fault(Reason.BAD_PAYLOAD, f"{len(payload)} bytes, the layout takes {size}")])
        return sample(tags, payload, received_ns, retained, True, watch)  # noqa: FBT003 - alone in its message

    return decode


def _each(  # noqa: PLR0913 - as the decoder was called
    sample: Sample, tags: str, docs: list[Any], received_ns: int, watch: Watch, *, retained: bool
) -> str:
    """Decode several documents; one that is bad costs only itself."""
    lines: list[str] = []
    faults: list[Fault] = []
    for index, doc in enumerate(docs):
        try:
            lines.append(sample(tags, _object(doc), received_ns, retained, len(docs) == 1, watch))
        except Rejected as rejected:
            lines.append(rejected.kept)
            if len(faults) < MAX_FAULTS:
                faults += [Fault(fault.reason, f"sample {index}: {fault.detail}") for fault in rejected.faults]
    if faults:
        raise Rejected(faults[:MAX_FAULTS], "".join(lines))
    return "".join(lines)


def _object(doc: object) -> dict[str, Any]:
    if type(doc) is not dict:
        raise Rejected([Fault(Reason.WRONG_TYPE, "is not a JSON object")])
    return doc
