"""What an `update` command changes: what is given, and what is to be emptied; the rest stays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hub.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def changes(given: Mapping[str, Any], emptied: Iterable[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """Return the fields to change, with their new values.

    Args:
        given: field -> value; None where the option was left out.
        emptied: for each `--clear`, the fields that it names, with what they are when empty.

    Raises:
        UsageError: nothing is to be changed, or a field is given and emptied at once.
    """
    new = {field: value for field, value in given.items() if value is not None}
    empty = {field: value for fields in emptied for field, value in fields.items()}
    if both := new.keys() & empty.keys():
        raise UsageError(f"{', '.join(sorted(both))}: either given or cleared, not both")
    if not new and not empty:
        raise UsageError("nothing to change: give an option with the new value, --help lists them")
    return new | empty
