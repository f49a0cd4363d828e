"""From registers to InfluxDB through a whole hub: devices come and go, and every case of every profile arrives."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hub.profiles.loader import load_cases, load_profiles, profiles_folder
from provisioning.database import open_engine
from provisioning.registry import Registry
from tests.integration.one_box import OneBox, wait_until
from tests.ports import free_ports
from tests.unit.decode.line_protocol import parse_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hub.profiles.schema import Case

HERE = Path(__file__).parent
METER = "eastron_sdm120"
VOLTS = {"1": {"input": {"0": [0x4366, 0x3333]}}}
"""230.2 V as float32, the first reading of that meter."""


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OneBox]:
    made = OneBox(tmp_path_factory.mktemp("modbus") / "hub")
    made.start()
    yield made
    made.end()


@contextmanager
def serving(units: dict[str, Any], folder: Path) -> Iterator[str]:
    """Serve these registers; give the address."""
    (port,), file = free_ports(1), folder / "units.json"
    file.write_text(json.dumps(units))
    server = subprocess.Popen([sys.executable, str(HERE / "modbus_cases.py"), str(port), str(file)])
    try:
        yield f"tcp://127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait()


def polling(hub: OneBox, device: str) -> str:
    return str(json.loads(hub.run("device", "show", device, "--json").stdout)["polling"])


def test_a_meter_is_added_answers_falls_silent_and_is_removed(hub: OneBox, tmp_path: Path) -> None:
    with serving(VOLTS, tmp_path) as address:
        hub.run("device", "add", "meter-1", "--profile", METER, "--modbus", address, "--unit", "1")
        assert hub.until(lambda health: health.modbus_devices == 1).problems == []
        found = "SELECT * FROM energy WHERE device = 'meter-1'"
        wait_until(lambda: hub.query(found))
        wait_until(lambda: "last answer" in polling(hub, "meter-1"))
    hub.until(lambda health: health.modbus_failed > 0)
    wait_until(lambda: polling(hub, "meter-1").startswith(f"{address}: no connection: connection refused"))
    engine = open_engine(hub.settings.registry_url)
    Registry(engine, time.time_ns).remove_device("meter-1")
    engine.dispose()
    hub.until(lambda health: health.modbus_devices == 0)


def cases() -> list[tuple[str, str, Case]]:
    """Every case of registers: profile, file, case."""
    names = sorted(path.parent.name for path in profiles_folder().glob("*/profile.yaml"))
    found = [(name, file, case) for name in names for file, case in load_cases(profiles_folder() / name).items()]
    return [one for one in found if one[2].registers is not None]


def on_the_wire(profile: str, case: Case) -> dict[str, dict[str, list[int]]]:
    _, profiles = load_profiles()
    spec = profiles[profile].modbus
    assert spec is not None
    tables = (case.registers or {}).items()
    return {table: {str(start - spec.one_based): words for start, words in blocks.items()} for table, blocks in tables}


def expected(case: Case) -> dict[str, dict[str, object]]:
    points = [parse_line(line) for line in case.lines]
    return {point.measurement: dict(point.fields) for point in points}


def stored(hub: OneBox, device: str, case: Case) -> dict[str, dict[str, object]]:
    """Return the fields of a case that the database has, with the values that it has."""
    found: dict[str, dict[str, object]] = {}
    for measurement, fields in expected(case).items():
        names = ", ".join(f'last("{name}") AS "{name}"' for name in fields)
        rows = hub.query(f"SELECT {names} FROM \"{measurement}\" WHERE device = '{device}'")
        for row in rows:
            found[measurement] = dict(zip(fields, row[1:], strict=True))
    return found


def rejected(hub: OneBox) -> set[str]:
    """Return the devices of which something was rejected."""
    return {json.loads(line)["device"] for line in hub.run("rejects", "--limit", "1000", "--json").stdout.splitlines()}


@pytest.mark.slow
def test_every_case_of_every_profile_arrives_in_the_database(hub: OneBox, tmp_path: Path) -> None:
    every = {f"case-{number}": one for number, one in enumerate(cases(), 1)}
    assert len(every) > 10
    units = {str(number): on_the_wire(one[0], one[2]) for number, one in enumerate(every.values(), 1)}
    with serving(units, tmp_path) as address:
        rows = ["id,profile,modbus,unit"]
        rows += [f"{device},{one[0]},{address},{device.removeprefix('case-')}" for device, one in every.items()]
        (tmp_path / "meters.csv").write_text("\n".join(rows))
        hub.run("device", "import", str(tmp_path / "meters.csv"))
        for device, (profile, file, case) in every.items():
            wait_until(lambda device=device, case=case: stored(hub, device, case) == expected(case))  # type: ignore[misc]  # bound at once
            print(f"{profile}/{file}: {sum(len(fields) for fields in expected(case).values())} readings")
        refused = {device for device, one in every.items() if one[2].rejected}
        wait_until(lambda: refused <= rejected(hub))
    hub.until(lambda health: health.modbus_devices == len(every))
