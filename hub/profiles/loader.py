"""Reads the vocabulary and the profiles from their folders."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from hub.errors import ProfileError
from hub.profiles.schema import Case, Profile
from hub.profiles.terms import Terms
from hub.profiles.vocabulary import Vocabulary
from hub.resources import data_folder

if TYPE_CHECKING:
    from pathlib import Path

_Model = TypeVar("_Model", bound=BaseModel)


def profiles_folder() -> Path:
    """Return the folder of the profiles that ship with the hub."""
    return data_folder("device_profiles")


def profile_names(folder: Path | None = None) -> list[str]:
    """Return the names of all profiles in `folder`, sorted: a profile's name is the name of its folder."""
    return sorted(path.parent.name for path in (folder or profiles_folder()).glob("*/profile.yaml"))


def load_vocabulary(folder: Path | None = None) -> Vocabulary:
    """Read `vocabulary.yaml`.

    Raises:
        ProfileError: the file is missing or wrong.
    """
    return _read((folder or profiles_folder()) / "vocabulary.yaml", Vocabulary)


def load_profile(folder: Path, vocabulary: Vocabulary) -> Profile:
    """Read and check the profile in `folder`.

    Raises:
        ProfileError: the file is missing or wrong, or maps to a reading that the vocabulary does not know.
    """
    file = folder / "profile.yaml"
    profile = _read(file, Profile)
    terms = Terms(profile, folder.name, vocabulary)
    for message, spec in profile.mqtt.items():
        for measurement, readings in spec.readings.items():
            place = f"{file}: mqtt.{message}.readings.{measurement}"
            if measurement not in terms.measurements():
                raise ProfileError(f"{place}: no such measurement{_hint(measurement, terms.measurements())}")
            for name in readings:
                if terms.reading(measurement, name) is None:
                    raise ProfileError(f"{place}.{name}: no such reading{_hint(name, terms.readings(measurement))}")
    return profile


def load_profiles(folder: Path | None = None) -> tuple[Vocabulary, dict[str, Profile]]:
    """Read the vocabulary and every profile in `folder`, by name."""
    folder = folder or profiles_folder()
    vocabulary = load_vocabulary(folder)
    return vocabulary, {name: load_profile(folder / name, vocabulary) for name in profile_names(folder)}


def load_cases(folder: Path) -> dict[str, Case]:
    """Read the cases of the profile in `folder`, by file name."""
    return {file.name: _read(file, Case) for file in sorted((folder / "cases").glob("*.yaml"))}


def _read(file: Path, model: type[_Model]) -> _Model:
    try:
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ProfileError(f"{file}: cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, ValueError) as error:  # ValueError: not UTF-8, or a date that does not exist
        raise ProfileError(f"{file}: is not YAML: {error}") from error
    try:
        return model.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the whole file"
        raise ProfileError(f"{file}: {place}: {first['msg']}") from error


def _hint(word: str, known: object) -> str:
    close = get_close_matches(word, list(known) if isinstance(known, (list, dict)) else [], n=1)
    return f"; did you mean {close[0]}?" if close else ""
