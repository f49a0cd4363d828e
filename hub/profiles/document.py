"""A YAML file that knows its lines: what is read from it, and where each part of it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from hub.errors import ProfileError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml reads ten times as fast, where PyYAML has it

Place = tuple[str | int, ...]
"""The keys and indices that lead to a part of a document."""


class Document:
    """The content of one file.

    Raises:
        ProfileError: the file cannot be read, is not YAML, or names a key twice.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        try:
            loader = _Loader(file.read_text(encoding="utf-8"))
            self._root = loader.get_single_node()
            self.content: Any = None if self._root is None else loader.construct_document(self._root)
        except OSError as error:
            raise ProfileError(f"{file}: cannot be read: {error.strerror}") from error
        except yaml.MarkedYAMLError as error:
            raise ProfileError(f"{file}{_line(error.problem_mark)}: is not YAML: {error.problem}") from error
        except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: not UTF-8, or no such date
            raise ProfileError(f"{file}: is not YAML: {error}") from error
        for place, mark in _repeated(self._root, ()):
            raise ProfileError(f"{file}{_line(mark)}: {dotted(place)}: this key stands twice")

    def problem(self, place: Sequence[str | int], what: str) -> ProfileError:
        """Return the error that something is wrong at a place."""
        return ProfileError(f"{self.file}:{self.line(place)}: {dotted(place)}: {what}")

    def line(self, place: Sequence[str | int]) -> int:
        """Return the line of a place, or of the nearest part that leads to it."""
        node, line = self._root, 1
        for part in place:
            found = _child(node, part)
            if found is None:
                break
            key, node = found
            line = key.start_mark.line + 1
        return line


def dotted(place: Sequence[str | int]) -> str:
    """Return a place as it is written for people."""
    return ".".join(str(part) for part in place) or "the whole file"


def _child(node: yaml.Node | None, part: str | int) -> tuple[yaml.Node, yaml.Node] | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part], node.value[part]
    if isinstance(node, yaml.MappingNode):
        return next(((key, value) for key, value in node.value if key.value == str(part)), None)
    return None


def _repeated(node: yaml.Node | None, place: Place) -> Iterator[tuple[Place, yaml.Mark]]:
    """Yield the keys that stand twice in one mapping: YAML would silently take the last."""
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _repeated(item, (*place, index))
    if isinstance(node, yaml.MappingNode):
        seen: set[tuple[str, str]] = set()
        for key, value in node.value:
            if (key.tag, str(key.value)) in seen:
                yield (*place, str(key.value)), key.start_mark
            seen.add((key.tag, str(key.value)))
            yield from _repeated(value, (*place, str(key.value)))


def _line(mark: yaml.Mark | None) -> str:
    return "" if mark is None else f":{mark.line + 1}"
