"""Reads the vocabulary and the profiles from their folders."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ValidationError

from hub.errors import ProfileError
from hub.profiles.checks import problems
from hub.profiles.document import Document
from hub.profiles.schema import Case, Profile
from hub.profiles.sentences import place_of, sentence
from hub.profiles.terms import Terms
from hub.profiles.vocabulary import Vocabulary
from hub.resources import data_folder

if TYPE_CHECKING:
    from pathlib import Path

_Model = TypeVar("_Model", bound=BaseModel)


def profiles_folder() -> Path:
    """Return the folder of the profiles that ship with the hub."""
    return data_folder("device_profiles")


def profile_names(folder: Path | None = None, own: Path | None = None) -> list[str]:
    """Return the names of all profiles, sorted: a profile's name is the name of its folder.

    Args:
        folder: of the profiles; without it, those that ship with the hub.
        own: a city's own profiles beside them.

    Raises:
        ProfileError: a profile of the city's has the name of another.
    """
    return sorted(profile_folders(folder, own))


def profile_folders(folder: Path | None = None, own: Path | None = None) -> dict[str, Path]:
    """Return the folder of each profile by its name; see `profile_names`."""
    folders = _named(folder or profiles_folder())
    if own is not None and not own.is_dir():
        raise ProfileError(f"{own}: there is no such folder; see [profiles] in the settings")
    for name, path in _named(own).items() if own is not None else ():
        if name in folders:
            raise ProfileError(f"{path}: there is a profile {name} that ships with the hub; give it another name")
        folders[name] = path
    return folders


def load_vocabulary(folder: Path | None = None) -> Vocabulary:
    """Read `vocabulary.yaml`.

    Raises:
        ProfileError: the file is missing or wrong.
    """
    return _read(Document((folder or profiles_folder()) / "vocabulary.yaml"), Vocabulary)


def load_profile(folder: Path, vocabulary: Vocabulary) -> Profile:
    """Read and check the profile in `folder`.

    Raises:
        ProfileError: the file is missing or wrong; names the line, and what was probably meant.
    """
    document = Document(folder / "profile.yaml")
    profile = _read(document, Profile)
    wrong = _wrong(document, Terms(profile, folder.name, vocabulary))
    if wrong:
        raise wrong[0]
    return profile


def load_profiles(folder: Path | None = None, own: Path | None = None) -> tuple[Vocabulary, dict[str, Profile]]:
    """Read the vocabulary and every profile by name; see `profile_names`."""
    vocabulary = load_vocabulary(folder)
    folders = profile_folders(folder, own)
    return vocabulary, {name: load_profile(folders[name], vocabulary) for name in sorted(folders)}


def load_cases(folder: Path) -> dict[str, Case]:
    """Read the cases of the profile in `folder`, by file name."""
    return {file.name: _read(Document(file), Case) for file in sorted((folder / "cases").glob("*.yaml"))}


def profile_problems(folder: Path, vocabulary: Vocabulary) -> list[str]:
    """Return all that is wrong with the profile in `folder`, a sentence each; empty when it can be loaded."""
    try:
        document = Document(folder / "profile.yaml")
        return [str(error) for error in _errors(document, folder.name, vocabulary)]
    except ProfileError as error:
        return [str(error)]


def _errors(document: Document, name: str, vocabulary: Vocabulary) -> list[ProfileError]:
    try:
        profile = Profile.model_validate(document.content)
    except ValidationError as error:
        return _invalid(document, Profile, error)
    return _wrong(document, Terms(profile, name, vocabulary))


def _wrong(document: Document, terms: Terms) -> list[ProfileError]:
    found = sorted(problems(terms), key=lambda one: document.line(one[0]))
    return [document.problem(place, what) for place, what in found]


def _read(document: Document, model: type[_Model]) -> _Model:
    try:
        return model.model_validate(document.content)
    except ValidationError as error:
        raise _invalid(document, model, error)[0] from None


def _invalid(document: Document, model: type[BaseModel], error: ValidationError) -> list[ProfileError]:
    """Return an error for each place in the order of the file, and then what is missing, maybe only misspelt.

    The arms of a union complain one by one of the same place.
    """
    found = {place_of(one): one for one in reversed(error.errors(include_url=False))}
    places = sorted(found, key=lambda place: (found[place]["type"] == "missing", document.line(place)))
    return [document.problem(place, sentence(found[place], model)) for place in places]


def _named(folder: Path) -> dict[str, Path]:
    return {path.parent.name: path.parent for path in folder.glob("*/profile.yaml")}
