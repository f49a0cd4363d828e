"""Says in plain words what pydantic found wrong, with the key that was probably meant."""

from __future__ import annotations

from difflib import get_close_matches
from reprlib import repr as brief
from typing import TYPE_CHECKING, Any, get_args, get_origin

from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic_core import ErrorDetails

    from hub.profiles.document import Place

_TAGS = {"[key]", "bool", "int", "float", "str"}
"""What pydantic puts into a place that is no key of the file: the arms of a union, and the mark of a wrong key."""


def place_of(error: ErrorDetails) -> Place:
    """Return the place in the file that an error is about."""
    place = error["loc"]
    while place and place[-1] in _TAGS:
        place = place[:-1]
    return place


def sentence(error: ErrorDetails, model: type[BaseModel]) -> str:
    """Return what is wrong, and what to do where that is known."""
    match error["type"]:
        case "extra_forbidden":
            return f"there is no such key{hint(str(error['loc'][-1]), _keys(model, error['loc'][:-1]))}"
        case "missing":
            return "is missing"
        case "string_type" if isinstance(error["input"], (bool, int, float)):
            return f"needs quotes: YAML reads it as {brief(error['input'])}"
        case "string_pattern_mismatch" if error["loc"][-1] == "[key]":
            return "is no name: use small letters, digits and _, beginning with a letter"
        case _:
            return error["msg"].removeprefix("Value error, ")


def hint(word: str, known: Iterable[str]) -> str:
    """Return the nearest of the words that are known; nothing when none is near."""
    near = get_close_matches(word, list(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _keys(model: type[BaseModel], place: Place) -> list[str]:
    """Return the keys that may stand at a place."""
    kinds: list[Any] = [model]
    for part in place:
        kinds = [inner for kind in kinds for inner in _inside(kind, str(part))]
    return [field.alias or name for kind in kinds for one in _models(kind) for name, field in one.model_fields.items()]


def _inside(kind: Any, part: str) -> list[Any]:  # noqa: ANN401 - any annotation
    """Return the annotations of what stands under `part` in a value of some kind."""
    if get_origin(kind) is dict:
        return [get_args(kind)[1]]
    if get_origin(kind) is tuple:
        return [get_args(kind)[0]]
    fields = [(name, field) for model in _models(kind) for name, field in model.model_fields.items()]
    return [field.annotation for name, field in fields if part in {name, field.alias}]


def _models(kind: Any) -> list[type[BaseModel]]:  # noqa: ANN401 - any annotation
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return [kind]
    return [] if get_origin(kind) in {dict, tuple} else [model for one in get_args(kind) for model in _models(one)]
