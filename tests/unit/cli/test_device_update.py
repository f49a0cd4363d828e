"""What was registered wrong is corrected; what is not given stays."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from hub.cli.device import register
from hub.cli.device_update import register as register_update
from hub.errors import UsageError
from provisioning import audit
from provisioning.database import open_engine
from provisioning.errors import InvalidIdentity, Unknown, UnknownDevice
from tests.copies import write_copy
from tests.unit.cli.homes import commands, running, write_home_alone

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.cli.homes import Run


APP = commands(register, groups={"correct": register_update})


def _market(home: Path) -> None:
    write_copy(home, write_home_alone)
    run = running(APP, home)
    run("agency", "add", "dishub")
    run("site", "add", "pasar", "--agency", "dishub", "--lat", "-7.3", "--lon", "109.3", "--name", "Pasar")
    words = ["--site", "pasar", "--zone", "traffic", "--serial", "DS1", "--lat", "-7.3", "--lon", "109.4"]
    run("device", "add", "cam-1", "--profile", "generic_ipcamera", "--name", "Gerbang", *words)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs a command in the home of a hub with a camera at a market."""
    write_copy(tmp_path, _market)
    return running(APP, tmp_path)


def camera(run: Run) -> dict[str, Any]:
    shown = json.loads(run("device", "show", "cam-1", "--json").stdout)
    return {name: value for name, value in shown.items() if name not in {"updated_ns", "polling"}}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--name", "Gerbang timur"], {"name": "Gerbang timur"}),
        (["--name", ""], {"name": ""}),
        (["--profile", "generic_tracker"], {"profile": "generic_tracker"}),
        (["--agency", "dishub", "--clear", "site"], {"agency": "dishub", "site": None}),
        (["--zone", "crime", "--zone", "flood"], {"zones": ["crime", "flood"]}),
        (["--clear", "zone", "--clear", "serial"], {"zones": [], "serial": None}),
        (["--lat", "0"], {"lat": 0.0}),
        (["--clear", "position"], {"lat": None, "lon": None}),
        (["--modbus", "tcp://10.0.0.5:502", "--unit", "0"], {"modbus": "tcp://10.0.0.5:502", "unit": 0}),
    ],
)
def test_only_what_is_given_changes(run: Run, words: list[str], expected: dict[str, object]) -> None:
    before = camera(run)
    assert run("correct", "update", "cam-1", *words).stdout == "Changed cam-1.\n"
    assert camera(run) == before | expected


def test_the_change_is_printed_as_json_and_a_new_zone_is_said(run: Run) -> None:
    result = run("correct", "update", "cam-1", "--zone", "trafic", "--json")
    assert json.loads(result.stdout)["zones"] == ["trafic"]
    assert result.stderr == "New zone trafic; was traffic meant?\n"


def test_the_change_is_in_the_record(run: Run, tmp_path: Path) -> None:
    run("correct", "update", "cam-1", "--serial", "DS2")
    engine = open_engine(tmp_path / "state" / "registry.db")
    row, *_ = audit.read(engine, 1)
    engine.dispose()
    assert (row.action, row.subject, row.detail) == ("device.update", "device/cam-1", {"serial": ["DS1", "DS2"]})


@pytest.mark.parametrize(
    ("words", "error", "sentence"),
    [
        (["cam-1"], UsageError, "nothing to change"),
        (["cam-1", "--site", "pasar", "--clear", "site"], UsageError, "site: either given or cleared, not both"),
        (["cam-1", "--profile", "generic_ipcamra"], UsageError, "did you mean generic_ipcamera"),
        (["cam-2", "--name", "x"], UnknownDevice, "did you mean 'cam-1'"),
        (["cam-1", "--site", "psar"], Unknown, "did you mean 'pasar'"),
        (["cam-1", "--unit", "3"], InvalidIdentity, "both an address and a unit"),
    ],
)
def test_what_cannot_be_changed_is_said_and_changes_nothing(
    run: Run, words: list[str], error: type[Exception], sentence: str
) -> None:
    before = camera(run)
    with pytest.raises(error, match=sentence):
        run("correct", "update", *words)
    assert camera(run) == before


def test_a_site_and_an_agency_are_corrected(run: Run) -> None:
    run("site", "update", "pasar", "--lat", "-7.31", "--clear", "agency")
    run("agency", "update", "dishub", "--name", "Dinas Perhubungan")
    [site] = json.loads(run("site", "list", "--json").stdout)
    assert site | {"name": "Pasar", "agency": None, "lat": -7.31, "lon": 109.3} == site
    [agency] = json.loads(run("agency", "list", "--json").stdout)
    assert agency == {"id": "dishub", "name": "Dinas Perhubungan", "approval_required": False}
    run("site", "update", "pasar", "--clear", "position")
    with pytest.raises(UsageError, match="nothing to change"):
        run("agency", "update", "dishub")
