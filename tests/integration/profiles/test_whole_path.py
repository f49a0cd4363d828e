"""Every case of every profile, from a real client or server through broker, hub and spool into a real database."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from time import time_ns
from typing import TYPE_CHECKING

import aiomqtt
import pytest

from hub.app.run import run_hub
from hub.profiles.loader import load_vocabulary
from hub.spool.store import read_dead_letters
from tests.integration.profiles.played import Fields, Played, all_cases
from tests.integration.profiles.registers import gateway, unit
from tests.ports import LOOPBACK, free_ports
from tests.rig import rig

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from hub.app.hub import Hub
    from hub.model import DeadLetter
    from provisioning.records import NewDevice
    from tests.rig import Rig

VOCABULARY = load_vocabulary()
CASES = list(all_cases())
OVER_MQTT = [one for one in CASES if one.case.registers is None]
OVER_MODBUS = [one for one in CASES if one.case.registers is not None]
UNITS = 200
"""On one gateway; the protocol has room for 247."""
PATIENCE_S = 120.0

pytestmark = pytest.mark.slow


class Clock:
    """The clock of the cases, which stands still at the time of receipt of the one that is played."""

    def __init__(self, now_ns: int) -> None:
        self.now_ns = now_ns

    def __call__(self) -> int:
        return self.now_ns


@asynccontextmanager
async def hub_at(made: Rig, clock: Callable[[], int] = time_ns) -> AsyncIterator[Hub]:
    """Run the hub in this process, with a clock that says when messages are received."""
    stop, started = asyncio.Event(), asyncio.get_running_loop().create_future()

    def begun(hub: Hub) -> None:
        hub.source._clock = clock
        started.set_result(hub)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(run_hub(made.settings, stop, begun))
        try:
            yield await started
        finally:
            stop.set()


@asynccontextmanager
async def publisher(made: Rig) -> AsyncIterator[aiomqtt.Client]:
    tls = ssl.create_default_context(cafile=made.pki / "ca.pem")
    tls.load_cert_chain(made.pki / "publisher.pem", made.pki / "publisher.key")
    async with aiomqtt.Client(
        LOOPBACK, made.service_port, identifier="publisher.rig", protocol=aiomqtt.ProtocolVersion.V5, tls_context=tls
    ) as client:
        yield client


async def until(reached: Callable[[], bool], what: Callable[[], str]) -> None:
    """Wait until it is so; otherwise say what is not."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not reached():  # noqa: ASYNC110 - the hub offers counters to look at, no event
                await asyncio.sleep(0.002)
    except TimeoutError:
        raise AssertionError(f"after {PATIENCE_S:.0f} seconds: {what()}") from None


async def heard(hub: Hub, messages: int, what: str) -> None:
    """Wait until so many messages have come to the hub."""
    await until(lambda: hub.counters.messages >= messages, lambda: f"{what} does not come to the hub")


async def stored(made: Rig, hub: Hub) -> dict[str, dict[tuple[str, int], Fields]]:
    """Return the fields of each device by measurement and time, once nothing waits any more."""
    await until(lambda: not hub.spool.lines, lambda: f"{hub.spool.lines} lines are not stored")
    found: dict[str, dict[tuple[str, int], Fields]] = {}
    async with made.reader() as reader:
        names = [str(row[0]) for table in await reader.query("SHOW MEASUREMENTS") for row in table.values]
        for name in filter(of_devices, names):
            for table in await reader.query(f'SELECT * FROM "{name}" GROUP BY *'):
                points = found.setdefault(table.tags.get("device", ""), {})
                for time_ns, *cells in table.values:
                    fields = {key: cell for key, cell in zip(table.columns[1:], cells, strict=True) if cell is not None}
                    points[name, int(time_ns or 0)] = fields
    return found


def of_devices(measurement: str) -> bool:
    """Whether devices are stored there, and not what the hub concludes of them."""
    return measurement in VOCABULARY.measurements or measurement.endswith("_ext")


async def field_types(made: Rig) -> dict[tuple[str, str], str]:
    """Return the type of each field, as the database keeps it, by measurement and name."""
    async with made.reader() as reader:
        tables = await reader.query("SHOW FIELD KEYS")
    return {(table.name, str(key)): str(kind) for table in tables for key, kind in table.values}


def letters(made: Rig) -> dict[str, list[DeadLetter]]:
    by_device: dict[str, list[DeadLetter]] = {}
    for letter in read_dead_letters(made.settings.spool_file, 100_000):
        by_device.setdefault(letter.device, []).append(letter)
    return by_device


def differences(played: list[Played], found: dict[str, dict[tuple[str, int], Fields]]) -> list[str]:
    """Say, a line each, which cases are stored otherwise than they say."""
    said = []
    for one in played:
        got = found.get(one.record.id, {})
        if got != one.expected():
            said.append(f"{one.name}: expected {one.expected()}, found {got}")
    return said


def misjudged(played: list[Played], dead: dict[str, list[DeadLetter]]) -> list[str]:
    """Say, a line each, which cases are rejected otherwise; a message has one letter, which names its first fault."""
    said = []
    for one in played:
        got = dead.get(one.record.id, [])
        if [letter.reason for letter in got] != list(one.case.rejected[:1]):
            said.append(f"{one.name}: expected {one.case.rejected}, found {[(own.reason, own.detail) for own in got]}")
    return said


async def test_every_mqtt_case_is_stored_as_it_says_and_rejected_as_it_says(tmp_path: Path) -> None:
    kept, live = ([one for one in OVER_MQTT if one.case.retained is retained] for retained in (True, False))
    clock = Clock(kept[0].case.received_ns)
    async with rig(tmp_path, [one.record for one in OVER_MQTT], raw_days=3650) as made:
        async with publisher(made) as client:
            for one in kept:
                await client.publish(one.topic, one.payload, qos=1, retain=True)
        async with hub_at(made, clock) as hub:
            await heard(hub, sum(1 for one in kept if one.payload), "what the broker kept")
            async with publisher(made) as client:
                for one in live:
                    before = hub.counters.messages
                    clock.now_ns, hub.source._last_ns = one.case.received_ns, 0
                    await client.publish(one.topic, one.payload, qos=1)
                    await heard(hub, before + 1, one.name)
            await until(lambda: hub.counters.messages_acknowledged == hub.counters.messages, lambda: "not acknowledged")
            found = await stored(made, hub)
            types = await field_types(made)
        dead = letters(made)
    assert differences(OVER_MQTT, found) == []
    assert misjudged(OVER_MQTT, dead) == []
    assert not wrongly_typed(types)


def wrongly_typed(types: dict[tuple[str, str], str]) -> dict[tuple[str, str], str]:
    """Return the fields whose type is not the vocabulary's."""
    names = {"float": "float", "int": "integer", "bool": "boolean", "string": "string"}
    return {
        (measurement, field): kind
        for (measurement, field), kind in types.items()
        if measurement in VOCABULARY.measurements
        and (reading := VOCABULARY.reading(measurement, field)) is not None
        and names[reading.type] != kind
    }


def merged(points: dict[tuple[str, int], Fields]) -> dict[str, Fields]:
    """Return the fields by measurement: what is polled comes in groups, each at its own times, again and again."""
    fields: dict[str, Fields] = {}
    for (measurement, _), some in points.items():
        fields.setdefault(measurement, {}).update(some)
    return fields


def unlike(played: list[Played], found: dict[str, dict[tuple[str, int], Fields]]) -> list[str]:
    """Say, a line each, which polled cases are stored otherwise than they say, whenever that was."""
    return [
        f"{one.name}: expected {merged(one.expected())}, found {got}"
        for one in played
        if (got := merged(found.get(one.record.id, {}))) != merged(one.expected())
    ]


def silent(hub: Hub) -> list[str]:
    """Return the cases that were not read yet."""
    states = {one.name: hub.modbus.state(one.record.id) for one in OVER_MODBUS}
    return [name for name, state in states.items() if state is None or not state.answered_ns]


@asynccontextmanager
async def served(played: list[Played]) -> AsyncIterator[list[NewDevice]]:
    """Serve the registers of the cases; yield the devices as the registry takes them."""
    buses = [played[start : start + UNITS] for start in range(0, len(played), UNITS)]
    records = []
    async with AsyncExitStack() as stack:
        for port, bus in zip(free_ports(len(buses)), buses, strict=True):
            units = [unit(number, one.profile, one.case) for number, one in enumerate(bus, 1)]
            await stack.enter_async_context(gateway(port, units))
            address = f"tcp://{LOOPBACK}:{port}"
            records += [replace(one.record, modbus=address, unit=number) for number, one in enumerate(bus, 1)]
        yield records


async def test_every_modbus_case_is_stored_as_it_says_and_rejected_as_it_says(tmp_path: Path) -> None:
    async with served(OVER_MODBUS) as records, rig(tmp_path, records) as made, hub_at(made) as hub:
        await until(lambda: not silent(hub), lambda: f"{silent(hub)} were not read")
        wrong = [""]
        deadline = asyncio.get_running_loop().time() + PATIENCE_S
        while wrong and asyncio.get_running_loop().time() < deadline:
            wrong = unlike(OVER_MODBUS, await stored(made, hub))
        types, dead = await field_types(made), letters(made)
    assert wrong == []
    assert [
        f"{one.name}: expected {one.case.rejected}, found {reasons}"
        for one in OVER_MODBUS
        if (reasons := {letter.reason for letter in dead.get(one.record.id, [])}) != set(one.case.rejected)
    ] == []
    assert not wrongly_typed(types)
