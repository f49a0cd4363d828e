"""Vendors' own topics, from the device through a guarded mosquitto into the spool; and nobody else's."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from functools import partial
from time import time_ns
from typing import TYPE_CHECKING, Any

import pytest

from hub.directory import Directory, vendor_topics
from hub.pipeline.counters import Counters
from hub.pipeline.intake import BatchingIntake
from hub.pipeline.options import PipelineOptions
from hub.profiles.loader import load_vocabulary
from hub.profiles.schema import Profile
from hub.sources.mqtt import MqttSource
from hub.spool.sqlite import SqliteSpool
from hub.transport.tls import client_context
from tests.integration.guarded import GuardedCity
from tests.integration.local_pki import eventually
from tests.unit.pipeline.helpers import Device
from tests.unit.spool.helpers import OPTIONS, lines_on_disk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

CARS = {"car-1": "490154203237518", "car-2": "356938035643809"}


def model(**said: Any) -> Profile:  # noqa: ANN401 - whatever a profile may say
    about = {"vendor": "V", "model": "M", "kind": "sensor", "about": "A", "interval_s": 60}
    return Profile.model_validate({**about, "manual": {"title": "T", "edition": "1"}, **said})


PROFILES = {
    "plug": model(
        mqtt={"s": {"topics": ["tele/{device}/SENSOR"], "readings": {"weather": {"temperature_c": "t"}}}},
        presence={"topics": ["tele/{device}/LWT"], "online": ["Online"], "offline": ["Offline"]},
    ),
    "tracker": model(mqtt={"r": {"topics": ["{imei}/data", "+/{imei}/data"], "readings": {"gps": {"speed_kmh": "s"}}}}),
    "camera": model(
        mqtt={"e": {"topics": ["{serial}/event/#"], "readings": {"event": {"name": "$topic.2", "text": "x"}}}}
    ),
}
DEVICES = [
    Device("plug-1", "plug"),
    Device("plug-2", "plug"),
    Device("cam-1", "camera", parent="plug-1", serial="ACCC8E"),
    *(Device(name, "tracker", imei=imei) for name, imei in CARS.items()),
]


class Hub:
    """As much of a hub as hears devices."""

    def __init__(self, city: GuardedCity, file: Path, spool: SqliteSpool) -> None:
        self.city = city
        self.file = file
        self.counters = Counters()
        self.directory = Directory(load_vocabulary(), PROFILES, keep_ns=10**18)
        self.directory.update(DEVICES)
        self.intake = BatchingIntake(self.directory, spool, PipelineOptions(), self.counters)
        inner = city.guarded.inner
        self.source = MqttSource(inner, partial(client_context, inner), self.intake, time_ns, self.directory.filters)

    async def say(self, device: str, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish as a device does, with its own certificate."""
        async with self.city.client(self.city.policy.issue(device)) as client:
            await client.publish(topic, payload, qos=1, retain=retain)

    @property
    def lines(self) -> list[str]:
        """What is on disk, without its time."""
        return [line.rpartition(" ")[0] for line in lines_on_disk(self.file).decode().splitlines()]


@asynccontextmanager
async def running(*tasks: asyncio.Task[None]) -> AsyncIterator[None]:
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    city = GuardedCity(tmp_path, {name: vendor_topics(profile) for name, profile in PROFILES.items()})
    for device in DEVICES:
        more = {"profile": device.profile, "serial": device.serial, "imei": device.imei}
        city.policy.register(device.device, device.parent, **{name: value for name, value in more.items() if value})
    file = tmp_path / "spool.db"
    async with city.running(), SqliteSpool(file, OPTIONS) as spool:
        hub = Hub(city, file, spool)
        async with running(asyncio.create_task(hub.intake.run()), asyncio.create_task(hub.source.run())):
            await eventually(lambda: hub.source.connected)
            yield hub


async def test_what_devices_say_on_their_vendors_topics_is_stored_once(hub: Hub) -> None:
    await hub.say("plug-1", "tele/plug-1/SENSOR", b'{"t":21.5}')
    await hub.say("car-1", f"fleet/{CARS['car-1']}/data", b'{"s":30}')
    await hub.say("car-1", f"{CARS['car-1']}/data", b'{"s":31}')
    await hub.say("plug-1", "ACCC8E/event/VMD/1", b'{"x":"y"}')  # the gateway, in its child's name
    await eventually(lambda: hub.counters.messages_acknowledged == 4)

    assert hub.lines == [
        "weather,device=plug-1,profile=plug temperature_c=21.5",
        "gps,device=car-1,profile=tracker speed_kmh=30",
        "gps,device=car-1,profile=tracker speed_kmh=31",
        'event,device=cam-1,profile=camera name="VMD",text="y"',
    ]


async def test_the_vendors_presence_topic_is_heard_and_makes_no_line(hub: Hub) -> None:
    watch = hub.directory.watches["plug-1"]
    await hub.say("plug-1", "tele/plug-1/LWT", b"Online", retain=True)
    await hub.say("plug-1", "devices/plug-1/status", b"offline", retain=True)
    await eventually(lambda: hub.counters.messages_acknowledged == 2)

    assert [(word.online, word.retained) for word in watch.words] == [(True, False), (False, False)]
    assert watch.heard_ns == 0  # a greeting is no reading
    assert hub.lines == []


@pytest.mark.parametrize(
    ("device", "topic"),
    [
        ("plug-1", "tele/plug-2/SENSOR"),
        ("plug-1", "tele/plug-1/STATE"),
        ("plug-2", "ACCC8E/event/VMD"),
        ("plug-1", "ACCC8E/other"),
        ("cam-1", "ACCC8E/event/VMD"),
        ("car-1", f"{CARS['car-2']}/data"),
        ("car-1", f"fleet/{CARS['car-2']}/data"),
        ("car-1", f"{CARS['car-1']}/commands"),
        ("plug-1", f"{CARS['car-1']}/data"),
    ],
)
async def test_nobody_speaks_on_anothers_topic(hub: Hub, device: str, topic: str) -> None:
    assert not await hub.city.said(hub.city.policy.issue(device), topic)
