from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest
import typer

from hub.cli.device import register as register_devices
from hub.cli.incidents import register
from hub.errors import UsageError
from hub.status.base import Cause, Trouble
from hub.status.incidents import IncidentBook
from hub.status.store import StatusStore
from provisioning.database import open_engine
from provisioning.errors import Unknown, WrongState
from provisioning.records import Agency, Contact, Site
from provisioning.registry import Registry
from tests.copies import write_copy
from tests.unit.cli.homes import ADDRESS, commands, running, write_home_alone

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.cli.homes import Run

NOON = 1_790_000_000_000_000_000


def _program() -> typer.Typer:
    app = commands(register_devices)
    devices, sites = typer.Typer(), typer.Typer()
    register(app, devices, sites)
    app.add_typer(devices, name="work")
    app.add_typer(sites, name="site-work")
    return app


APP = _program()


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs a command in the home of a hub that has two incidents."""
    write_copy(tmp_path, _troubled)
    return running(APP, tmp_path)


def _troubled(home: Path) -> None:
    write_copy(home, write_home_alone, ADDRESS)
    running(APP, home)("agency", "add", "dishub")
    _fill(home / "state" / "registry.db")


def _fill(database: Path) -> None:
    engine = open_engine(database)
    registry = Registry(engine, time.time_ns)
    registry.add(Site("pasar", agency="dishub"))
    registry.add(Contact("budi", "dishub", "Budi", "+628123456789"))
    assert [one.id for one in registry.all(Agency)] == ["dishub"]
    book = IncidentBook(again_ns=0)
    site = Trouble(Cause.SITE_SILENT, "site/pasar", "uplink or power at pasar: 3 of 3 devices silent since 14:02",
                   site="pasar", agency="dishub", devices=("a", "b", "c"))  # fmt: skip
    book.raised(site, NOON)
    book.raised(Trouble(Cause.DEVICE_OFFLINE, "device/d", "d silent since 13:00"), NOON)
    book.cleared(Cause.DEVICE_OFFLINE, "device/d", NOON + 60 * 10**9)
    StatusStore(engine).keep({}, book.take_changed())
    engine.dispose()


def test_open_incidents_are_listed_with_whom_to_call(run: Run) -> None:
    heading, *rows = run("incidents").output.splitlines()
    assert heading.split() == ["ID", "STATE", "SEVERITY", "OPENED", "CLOSED", "WHAT", "CALL"]
    assert len(rows) == 1
    assert "3 of 3 devices silent since 14:02  Budi +628123456789" in rows[0]


def test_closed_ones_are_listed_when_asked_for(run: Run) -> None:
    listed = json.loads(run("incidents", "--all", "--json").output)
    assert [(one["id"], one["state"], one["cause"]) for one in listed] == [
        (2, "closed", "device_offline"),
        (1, "open", "site_silent"),
    ]
    assert listed[1]["devices"] == ["a", "b", "c"]
    assert listed[1]["contact"] == "Budi +628123456789"


def test_an_incident_is_taken_on(run: Run) -> None:
    assert run("incidents", "ack", "1", "--by", "Siti").output.startswith("Siti has taken on 1: uplink or power")
    [listed] = json.loads(run("incidents", "--json").output)
    assert (listed["state"], listed["acknowledged_by"]) == ("acknowledged", "Siti")
    assert run("incidents", "ack", "1").output.startswith("Siti has taken on 1")


def test_what_is_closed_or_never_was_cannot_be_taken_on(run: Run) -> None:
    with pytest.raises(WrongState, match="closed"):
        run("incidents", "ack", "2")
    with pytest.raises(Unknown):
        run("incidents", "ack", "9")


def test_maintenance_has_an_end(run: Run) -> None:
    run("device", "add", "cam-1", "--profile", "generic_ipcamera", "--site", "pasar")
    said = run("work", "maintenance", "cam-1", "--hours", "4", "--reason", "new lens").output
    assert said.startswith("Nothing about the device cam-1 is an alarm until 2")
    shown = json.loads(run("device", "show", "cam-1", "--json").output)
    assert shown["maintenance_until_ns"] > time.time_ns() + 3 * 3600 * 10**9
    assert run("work", "maintenance", "cam-1", "--end").output == "The maintenance of cam-1 has ended.\n"
    assert json.loads(run("device", "show", "cam-1", "--json").output)["maintenance_until_ns"] is None


def test_a_site_is_maintained_until_a_time_of_the_citys_clock(run: Run) -> None:
    until = time.strftime("%Y-%m-%dT%H:%M", time.gmtime(time.time() + 12 * 3600))
    said = run("site-work", "maintenance", "pasar", "--until", until, "--reason", "power").output
    assert said == f"Nothing about the site pasar is an alarm until {until.replace('T', ' ')}.\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [((), "say when it ends"), (("--hours", "1", "--end"), "say when"), (("--until", "soon"), "is no time")],
)
def test_an_end_is_asked_for(run: Run, words: tuple[str, ...], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        run("work", "maintenance", "cam-1", *words)
