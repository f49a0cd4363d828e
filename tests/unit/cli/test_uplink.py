"""The commands for uplinks and geofences."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from hub.cli import device, fence, uplink
from hub.errors import UsageError
from provisioning import audit
from provisioning.database import open_engine
from provisioning.errors import InvalidIdentity, Unknown
from tests.copies import write_copy
from tests.unit.cli.homes import commands, running, write_home

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

    from tests.unit.cli.homes import Run

TRIANGLE = '{"type":"Polygon","coordinates":[[[109.3,-7.4],[109.4,-7.4],[109.4,-7.3],[109.3,-7.4]]]}'


APP = commands(device.register, uplink.register, fence.register)


def _market(home: Path) -> None:
    write_copy(home, write_home)
    run = running(APP, home)
    run("agency", "add", "dishub")
    run("site", "add", "pasar", "--agency", "dishub")
    run("device", "add", "gw-pasar", "--profile", "generic_ipcamera", "--site", "pasar")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs a command in the home of a hub with a site."""
    write_copy(tmp_path, _market)
    return running(APP, tmp_path)


def add_fiber(run: Run) -> Result:
    words = ["--down", "100", "--up", "20", "--router", "gw-pasar", "--rupiah", "1500000"]
    return run("uplink", "add", "fiber", "--site", "pasar", *words)


def test_an_uplink_is_added_listed_and_shown(run: Run) -> None:
    added = add_fiber(run)
    assert (added.exit_code, added.output) == (0, "Added the uplink fiber.\n")
    expected = {
        "id": "fiber", "site": "pasar", "capacity_bps": 100_000_000, "tariff": "monthly", "rupiah": 1_500_000,
        "capacity_up_bps": 20_000_000, "router": "gw-pasar", "quota_bytes": None, "overage_rupiah": None,
    }  # fmt: skip
    assert json.loads(run("uplink", "list", "--json").output) == [expected]
    assert json.loads(run("uplink", "show", "fiber", "--json").output) == expected
    assert "100000000" in run("uplink", "show", "fiber").output
    assert run("uplink", "remove", "fiber").exit_code == 0
    assert json.loads(run("uplink", "list", "--json").output) == []


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--down", "200"], {"capacity_bps": 200_000_000}),
        (["--up", "0.5"], {"capacity_up_bps": 500_000}),
        (["--clear", "up", "--clear", "router"], {"capacity_up_bps": None, "router": None}),
        (["--router", "gw-2", "--site", "kota"], {"router": "gw-2", "site": "kota"}),
        (["--rupiah", "0"], {"rupiah": 0}),
        (["--tariff", "per_gigabyte", "--rupiah", "900"], {"tariff": "per_gigabyte", "rupiah": 900}),
        (
            ["--tariff", "quota", "--quota", "0.5", "--overage", "5000"],
            {"tariff": "quota", "quota_bytes": 500_000_000, "overage_rupiah": 5000},
        ),
    ],
)
def test_of_an_uplink_only_what_is_given_changes(run: Run, words: list[str], expected: dict[str, object]) -> None:
    add_fiber(run)
    run("site", "add", "kota")
    run("device", "add", "gw-2", "--profile", "generic_router")
    before = json.loads(run("uplink", "show", "fiber", "--json").output)

    told = json.loads(run("uplink", "update", "fiber", *words, "--json").output)

    assert told == json.loads(run("uplink", "show", "fiber", "--json").output) == before | expected


def test_a_quota_is_given_up_with_its_prices(run: Run) -> None:
    add_fiber(run)
    run("uplink", "update", "fiber", "--tariff", "quota", "--quota", "100", "--overage", "5000")
    with pytest.raises(InvalidIdentity, match="no other tariff has them"):
        run("uplink", "update", "fiber", "--tariff", "monthly")

    said = run("uplink", "update", "fiber", "--tariff", "monthly", "--clear", "quota")

    assert (said.exit_code, said.output) == (0, "Changed the uplink fiber.\n")
    left = json.loads(run("uplink", "show", "fiber", "--json").output)
    assert (left["tariff"], left["quota_bytes"], left["overage_rupiah"]) == ("monthly", None, None)


def test_the_change_of_an_uplink_is_in_the_record(run: Run, tmp_path: Path) -> None:
    add_fiber(run)
    run("uplink", "update", "fiber", "--rupiah", "2000000")
    engine = open_engine(tmp_path / "state" / "registry.db")
    row, *_ = audit.read(engine, 1)
    engine.dispose()
    assert (row.action, row.subject, row.detail) == (
        "uplink.update",
        "uplink/fiber",
        {"rupiah": [1_500_000, 2_000_000]},
    )


@pytest.mark.parametrize(
    ("words", "error", "sentence"),
    [
        (["fiber"], UsageError, "nothing to change"),
        (["fibre", "--down", "1"], Unknown, "did you mean 'fiber'"),
        (["fiber", "--up", "3", "--clear", "up"], UsageError, "capacity_up_bps: either given or cleared, not both"),
        (["fiber", "--down", "0"], InvalidIdentity, "a capacity above zero"),
        (["fiber", "--quota", "inf"], UsageError, "inf is no number of megabits or gigabytes"),
        (["fiber", "--rupiah", "-1"], InvalidIdentity, "a price of zero or more"),
        (["fiber", "--overage", "5"], InvalidIdentity, "no other tariff has them"),
        (["fiber", "--router", "gw-passar"], Unknown, "did you mean 'gw-pasar'"),
    ],
)
def test_what_cannot_be_changed_of_an_uplink_is_said_and_changes_nothing(
    run: Run, words: list[str], error: type[Exception], sentence: str
) -> None:
    add_fiber(run)
    before = run("uplink", "show", "fiber", "--json").output
    with pytest.raises(error, match=sentence):
        run("uplink", "update", *words)
    assert run("uplink", "show", "fiber", "--json").output == before


def test_a_quota_needs_its_price_beyond(run: Run) -> None:
    words = ("uplink", "add", "lte", "--site", "pasar", "--down", "20", "--tariff", "quota", "--rupiah", "250000")
    with pytest.raises(InvalidIdentity, match="needs a quota"):
        run(*words)
    assert run(*words, "--quota", "100", "--overage", "5000").exit_code == 0
    assert json.loads(run("uplink", "show", "lte", "--json").output)["quota_bytes"] == 100_000_000_000


def test_an_uplink_of_no_site_or_no_capacity_is_refused(run: Run) -> None:
    with pytest.raises(UsageError, match="nan is no number of megabits"):
        run("uplink", "add", "x", "--site", "pasar", "--down", "nan")
    with pytest.raises(Unknown, match="did you mean 'pasar'"):
        run("uplink", "add", "x", "--site", "pasat", "--down", "1")


def test_a_camera_with_a_recorder_at_its_site_is_marked(run: Run) -> None:
    run("device", "add", "cam-1", "--profile", "generic_ipcamera", "--local-recording")
    assert json.loads(run("device", "show", "cam-1", "--json").output)["local_recording"] is True


def test_a_geofence_is_added_listed_and_removed(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "area.geojson"
    file.write_text(TRIANGLE)
    added = run("fence", "add", "alun-alun", str(file), "--agency", "dishub", "--limit", "30")
    assert (added.exit_code, added.output) == (0, "Added the geofence alun-alun.\n")
    assert json.loads(run("fence", "list", "--json").output) == [
        {"id": "alun-alun", "geojson": TRIANGLE, "agency": "dishub", "limit_kmh": 30.0}
    ]
    assert run("fence", "remove", "alun-alun").exit_code == 0
    assert json.loads(run("fence", "list", "--json").output) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{}", r"area.geojson: the file is no GeoJSON Polygon"),
        (b"\xff", r"area.geojson cannot be read"),
        (b'{"type":"Polygon","coordinates":[[[1,1]]]}', r"polygon 1, ring 1 has 1 positions"),
    ],
)
def test_a_file_that_is_no_polygon_is_refused(run: Run, tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "area.geojson"
    file.write_bytes(content)
    with pytest.raises(UsageError, match=message):
        run("fence", "add", "alun-alun", str(file))
    with pytest.raises(UsageError, match="cannot be read"):
        run("fence", "add", "alun-alun", str(tmp_path / "nowhere"))
