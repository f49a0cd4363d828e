"""What a broken device sends, by kind. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from hub.sim.units import Sample, Unit


class Rubbish(StrEnum):
    """Ways in which a sample is spoiled."""

    BAD_JSON = "bad_json"
    WRONG_TYPE = "wrong_type"
    OUT_OF_RANGE = "out_of_range"
    UNSET_CLOCK = "unset_clock"  # a hub may still store it, at the time of receipt
    NO_READINGS = "no_readings"


def spoil(kind: Rubbish, sample: Sample, unit: Unit) -> bytes:
    """Return a payload in which `sample` is spoiled in one way."""
    reading, absurd = unit.absurd
    match kind:
        case Rubbish.BAD_JSON:
            return orjson.dumps(sample)[:-2]
        case Rubbish.WRONG_TYPE:
            return orjson.dumps(sample | {reading: "rusak"})
        case Rubbish.OUT_OF_RANGE:
            return orjson.dumps(sample | {reading: absurd})
        case Rubbish.UNSET_CLOCK:
            return orjson.dumps(sample | {"ts": 1000 * (unit.rng.randrange(3600))})
        case Rubbish.NO_READINGS:
            return orjson.dumps({"ts": sample["ts"], "pesan": "halo"})
