"""The agencies, contacts and sites that the rows state beside their devices.

Many rows may state the same agency or site, each some of its fields, or none; but not two different things.
An agency's contact has the agency's id.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from provisioning.errors import InvalidIdentity
from provisioning.importing.columns import Column
from provisioning.records import Agency, Contact, Site

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from provisioning.importing.header import Faults
    from provisioning.importing.rows import Row

_Reference = TypeVar("_Reference", Agency, Contact, Site)


@dataclass(frozen=True, slots=True)
class Kind(Generic[_Reference]):
    """How rows state a kind of thing.

    Attributes:
        empty: makes one from its id alone.
        key: the column of its id.
        fields: column -> the field that it states.
        whole: the column to blame when the fields are wrong together.
    """

    empty: Callable[[str], _Reference]
    key: Column
    fields: Mapping[Column, str]
    whole: Column


AGENCY: Final = Kind(Agency, Column.AGENCY, {Column.AGENCY_NAME: "name"}, Column.AGENCY_NAME)
CONTACT: Final = Kind(
    lambda agency: Contact(agency, agency, "", ""),
    Column.AGENCY,
    {Column.CONTACT_NAME: "name", Column.CONTACT_PHONE: "phone"},
    Column.CONTACT_PHONE,
)
SITE: Final = Kind(
    Site,
    Column.SITE,
    {
        Column.SITE_NAME: "name",
        Column.SITE_AGENCY: "agency",
        Column.SITE_LAT: "lat",
        Column.SITE_LON: "lon",
    },
    Column.SITE_LAT,
)


@dataclass(slots=True)
class Stated:
    """What the rows say about one agency, contact or site: field -> value, and the row that said it first."""

    row: int
    fields: dict[str, Any] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Changes(Generic[_Reference]):
    """What is to be added, and what is to be replaced: pairs of before and after."""

    new: list[_Reference] = field(default_factory=list)
    changed: list[tuple[_Reference, _Reference]] = field(default_factory=list)

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all, new ones first."""
        return (*(one.id for one in self.new), *(after.id for _, after in self.changed))


def gather(kind: Kind[_Reference], rows: Sequence[Row], faults: Faults) -> dict[str, Stated]:
    """Collect what the rows state, by id; an empty cell states nothing."""
    stated: dict[str, Stated] = {}
    for row in rows:
        for column, name in kind.fields.items():
            if (value := row.values.get(column)) is None:
                continue
            if owner := row.text(kind.key):
                _note(stated.setdefault(owner, Stated(row.number)), name, value, (row.number, column), faults)
            elif row.sound:
                problem = f"It is not said whose this is: fill in {faults.called(kind.key)} too, or empty this cell."
                faults.add(row.number, column, problem)
    return stated


def resolve(
    kind: Kind[_Reference],
    stated: Mapping[str, Stated],
    stored: Mapping[str, _Reference],
    faults: Faults,
    *,
    update: bool,
) -> Changes[_Reference]:
    """Compare what is stated with what is stored; a difference is a fault unless it may be written."""
    changes: Changes[_Reference] = Changes()
    for id_, about in stated.items():
        before = stored.get(id_)
        after = replace(before or kind.empty(id_), **about.fields)
        if after == before:
            continue
        _check(after, kind, about, faults)
        if before is None:
            changes.new.append(after)
            continue
        changes.changed.append((before, after))
        if not update:
            _refuse(before, kind, about, faults)
    return changes


def _note(about: Stated, name: str, value: object, place: tuple[int, Column], faults: Faults) -> None:
    row, column = place
    if about.fields.setdefault(name, value) != value:
        said = f"{about.fields[name]!a} in row {about.rows[name]}"
        faults.add(row, column, f"This is {said}: write the same in both, or leave one empty.")
    about.rows.setdefault(name, row)


def _check(after: _Reference, kind: Kind[_Reference], about: Stated, faults: Faults) -> None:
    try:
        after.check()
    except InvalidIdentity as error:
        faults.add(about.row, kind.whole, str(error))


def _refuse(before: _Reference, kind: Kind[_Reference], about: Stated, faults: Faults) -> None:
    for column, name in kind.fields.items():
        if name in about.fields and about.fields[name] != getattr(before, name):
            faults.add(about.rows[name], column, differs(getattr(before, name), about.fields[name]))


def differs(before: object, after: object) -> str:
    """Return the sentence for a value that is not the registry's."""
    return (
        f"The registry has {shown(before)}, not {shown(after)}: "
        f"correct the one that is wrong, or allow updates (--update)."
    )


def shown(value: object) -> str:
    """Return a value as a sentence names it."""
    match value:
        case None | "" | ():
            return "nothing"
        case bool():
            return "yes" if value else "no"
        case tuple():
            return ",".join(value)
        case _:
            return ascii(value)
