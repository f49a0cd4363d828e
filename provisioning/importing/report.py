"""What an import reports."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """What is wrong in a cell, and what to do.

    Attributes:
        row: as the spreadsheet numbers it, from 1.
        column: the heading as the file has it.
        problem: a sentence or two.
    """

    row: int
    column: str
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The outcome of an import; when it was not done, the numbers say what it would have done.

    Attributes:
        rows: rows below the headings that are not empty.
        new: devices registered; likewise changed.
        unchanged: devices that stood in the registry just so.
        agencies: ids of agencies added or changed; likewise contacts and sites.
        zones: ids of zones that came into being.
        certificates: devices that were given a certificate.
        faults: in the order of the rows; when there is one, nothing was written.
        written: whether the registry now stands as the file says.
    """

    rows: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    agencies: tuple[str, ...] = ()
    contacts: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    certificates: int = 0
    faults: tuple[Fault, ...] = ()
    written: bool = False
