"""The managed broker: a real mosquitto, and mosquitto's own clients with real certificates."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import ssl
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from hub.errors import MissingProgram
from hub.local.errors import LocalServerFailed
from hub.local.mosquitto import ManagedBroker, ServerFiles, accepts
from hub.local.options import ManagedBrokerOptions
from hub.local.supervisor import Pace, State, Supervisor
from hub.transport.tls import client_context
from tests.integration.local_pki import Identity, Pki, eventually, is_alive
from tests.ports import free_ports

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

PACE = Pace(first_pause=0.01, longest_pause=0.05, check=0.05)


@dataclass(frozen=True)
class Answer:
    """How a client of mosquitto's ended, and everything that it printed."""

    code: int
    text: str


class City:
    """A broker that runs, and clients that come to it."""

    def __init__(self, folder: Path) -> None:
        self.pki = Pki(folder)
        server, hub = self.pki.service("broker.cityhub"), Pki(folder / "inner").service("hub.cityhub")
        self.hub = replace(hub, ca_file=server.ca_file)
        self.dev1 = self.pki.device("dev1")
        port, hub_port = free_ports(2)
        self.options = ManagedBrokerOptions(listen="127.0.0.1", port=port, hub_port=hub_port)
        self.broker = ManagedBroker(
            self.options,
            folder / "mosquitto",
            ServerFiles(server.ca_file, server.cert_file, server.key_file, hub.ca_file),
            self.hub.cert_file,
            self.hub.key_file,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Supervisor]:
        """Run the broker beside the block, ready from the start."""
        supervisor = Supervisor(self.broker.prepare(), pace=PACE)
        task = asyncio.create_task(supervisor.run())
        try:
            await supervisor.ready()
            yield supervisor
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def publish(self, who: Identity, topic: str, payload: str | Path = "1", *options: str) -> Answer:
        """Publish a text or a file over MQTT 5, QoS 1, and print what the broker said."""
        what = ("-m", payload) if isinstance(payload, str) else ("-f", str(payload))
        return await self._run("mosquitto_pub", who, "-V", "mqttv5", "-d", "-q", "1", "-t", topic, *what, *options)

    async def read(self, who: Identity, *options: str) -> Answer:
        """Subscribe with QoS 1 and print what comes, until `options` say that it is enough."""
        return await self._run("mosquitto_sub", who, "-v", "-q", "1", *options)

    async def _run(self, program: str, who: Identity, *options: str) -> Answer:
        port = self.options.hub_port if who is self.hub else self.options.port
        client = await asyncio.create_subprocess_exec(
            *(program, "-h", "127.0.0.1", "-p", str(port), *who.mosquitto_options, *options),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await client.communicate()
        return Answer(await client.wait(), output.decode())


@pytest.fixture
def city(tmp_path: Path) -> City:
    return City(tmp_path)


async def _hub_hears(city: City) -> None:
    """Begin a lasting session of the hub's, which hears everything from now on."""
    assert await city.read(city.hub, "-c", "-i", "hub.cityhub", "-t", "devices/#", "-E") == Answer(0, "")


async def _heard(city: City, count: int = 1) -> list[str]:
    answer = await city.read(city.hub, "-c", "-i", "hub.cityhub", "-t", "devices/#", "-C", str(count))
    return answer.text.splitlines()


@pytest.mark.parametrize("leaf", ["telemetry", "events", "status", "reported", "replies", "children/dev2/telemetry"])
async def test_a_device_publishes_what_is_its_own_and_the_hub_hears_it(city: City, leaf: str) -> None:
    async with city.running():
        await _hub_hears(city)
        assert (await city.publish(city.dev1, f"devices/dev1/{leaf}", "28.5")).code == 0
        assert await _heard(city) == [f"devices/dev1/{leaf} 28.5"]


@pytest.mark.parametrize(
    "topic",
    ["devices/dev2/telemetry", "devices/dev1/desired", "devices/dev1/commands/reboot", "devices/dev1/acks", "anything"],
)
async def test_a_device_is_refused_whatever_else_it_publishes(city: City, topic: str) -> None:
    async with city.running():
        await _hub_hears(city)
        refused = await city.publish(city.dev1, topic)
        assert "Publish 1 failed: Not authorized." in refused.text
        await city.publish(city.dev1, "devices/dev1/status", "the first that comes")
        assert await _heard(city) == ["devices/dev1/status the first that comes"]


@pytest.mark.parametrize("leaf", ["desired", "commands/reboot", "acks", "children/dev2/desired"])
async def test_a_device_reads_what_is_meant_for_it(city: City, leaf: str) -> None:
    async with city.running():
        await city.publish(city.hub, f"devices/dev1/{leaf}", "for you", "-r")
        heard = await city.read(city.dev1, "-t", f"devices/dev1/{leaf}", "-C", "1")
        assert heard == Answer(0, f"devices/dev1/{leaf} for you\n")


@pytest.mark.parametrize("topic", ["devices/dev2/#", "devices/dev1/telemetry", "$SYS/broker/version"])
async def test_a_device_reads_nothing_else(city: City, topic: str) -> None:
    async with city.running():
        await city.publish(city.hub, "devices/dev2/desired", "not for you", "-r")
        await city.publish(city.hub, "devices/dev1/telemetry", "not for you", "-r")
        await city.publish(city.hub, "devices/dev1/desired", "for you", "-r")
        heard = await city.read(city.dev1, "-t", topic, "-t", "devices/dev1/desired", "-C", "1")
        assert heard.text == "devices/dev1/desired for you\n"


async def test_the_hub_reads_the_brokers_own_counters(city: City) -> None:
    async with city.running():
        heard = await city.read(city.hub, "-t", "$SYS/broker/version", "-C", "1")
        assert heard.text.startswith("$SYS/broker/version mosquitto version 2")


async def test_a_device_cannot_take_another_ones_client_id(city: City) -> None:
    dev2 = city.pki.device("dev2")
    async with city.running():
        await city.read(dev2, "-i", "dev2", "-c", "-t", "devices/dev2/desired", "-E")
        await city.publish(city.hub, "devices/dev2/desired", "for dev2")
        await city.read(city.dev1, "-i", "dev2", "-t", "devices/dev1/desired", "-E")  # a clean session would end dev2's
        heard = await city.read(dev2, "-i", "dev2", "-c", "-t", "devices/dev2/desired", "-C", "1")
        assert heard.text == "devices/dev2/desired for dev2\n"


async def test_nobody_comes_in_without_a_certificate(city: City) -> None:
    stranger = Identity(city.hub.cert_file, city.hub.key_file, city.hub.ca_file)
    async with city.running():
        for port in (city.options.port, city.options.hub_port):
            client = await asyncio.create_subprocess_exec(
                *("mosquitto_pub", "-h", "127.0.0.1", "-p", str(port), "--cafile", str(stranger.ca_file)),
                *("-q", "1", "-t", "devices/dev1/telemetry", "-m", "1"),
                stderr=asyncio.subprocess.PIPE,
            )
            await client.communicate()
            assert client.returncode != 0


async def test_nobody_comes_in_with_a_certificate_of_another_authority(city: City, tmp_path: Path) -> None:
    forged = replace(Pki(tmp_path / "elsewhere").device("dev1"), ca_file=city.dev1.ca_file)
    async with city.running():
        assert (await city.publish(forged, "devices/dev1/telemetry")).code != 0


async def test_a_broker_that_does_not_let_the_hub_in_is_not_ready(city: City, tmp_path: Path) -> None:
    forged = Pki(tmp_path / "elsewhere").service("hub.cityhub")
    link = city.broker.link_options()
    async with city.running():
        assert await accepts(link)
        assert not await accepts(link.model_copy(update={"cert_file": forged.cert_file, "key_file": forged.key_file}))
    assert not await accepts(link)


async def test_what_was_confirmed_survives_a_clean_stop(city: City) -> None:
    async with city.running():
        await _hub_hears(city)
        await city.publish(city.dev1, "devices/dev1/telemetry", "28.5")
    async with city.running():
        assert await _heard(city) == ["devices/dev1/telemetry 28.5"]


async def test_a_client_that_announces_a_packet_that_is_too_large_is_thrown_out(city: City) -> None:
    link = city.broker.link_options()
    async with city.running():
        reader, writer = await asyncio.open_connection(link.host, link.port, ssl=client_context(link))
        writer.write(b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00")  # MQTT 3.1.1 CONNECT
        assert await reader.readexactly(4) == b"\x20\x02\x00\x00"
        writer.write(b"\x32\xc0\x84\x3d")  # PUBLISH, QoS 1, 1,000,000 bytes to come
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()


async def test_a_packet_that_the_broker_takes_reaches_the_hub(city: City, tmp_path: Path) -> None:
    large = tmp_path / "payload"
    large.write_bytes(b"x" * 999_000)
    async with city.running():
        await _hub_hears(city)
        await city.publish(city.dev1, "devices/dev1/telemetry", large, "-V", "mqttv311")
        assert len((await _heard(city))[0]) == len("devices/dev1/telemetry ") + 999_000


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_old_and_new_devices_agree_on_a_version_of_tls(city: City, version: ssl.TLSVersion) -> None:
    files = {"cert_file": city.dev1.cert_file, "key_file": city.dev1.key_file}
    context = client_context(city.broker.link_options().model_copy(update=files))
    context.minimum_version = context.maximum_version = version
    async with city.running():
        _, writer = await asyncio.open_connection("127.0.0.1", city.options.port, ssl=context)
        assert writer.get_extra_info("ssl_object").version() == version.name.replace("_", ".")
        writer.close()
        await writer.wait_closed()


async def test_the_hub_alone_comes_in_where_the_hub_does(city: City) -> None:
    link = city.broker.link_options()
    device = link.model_copy(update={"cert_file": city.dev1.cert_file, "key_file": city.dev1.key_file})
    async with city.running():
        assert not await accepts(device)


async def test_a_reload_costs_a_hub_that_is_away_nothing(city: City) -> None:
    async with city.running() as supervisor:
        await _hub_hears(city)
        supervisor.reload()
        assert await accepts(city.broker.link_options())  # the broker has read its files before it answers
        await city.publish(city.dev1, "devices/dev1/telemetry", "28.5")
        assert await _heard(city) == ["devices/dev1/telemetry 28.5"]


async def test_a_killed_broker_comes_back(city: City) -> None:
    async with city.running() as supervisor:
        killed = supervisor.pid
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        await eventually(lambda: supervisor.restarts == 1)
        await supervisor.ready()
        assert (supervisor.state, supervisor.pid != killed) == (State.RUNNING, True)
        assert (await city.publish(city.dev1, "devices/dev1/telemetry")).code == 0


async def test_stopping_leaves_no_broker(city: City) -> None:
    async with city.running() as supervisor:
        pid = supervisor.pid
    assert pid is not None
    assert not is_alive(pid)


async def test_a_reload_makes_a_new_access_list_bite(city: City) -> None:
    edge = city.pki.service("edge.cityhub")
    async with city.running() as supervisor:
        refused = await city.publish(edge, "devices/dev1/telemetry")
        assert "Not authorized" in refused.text
        replace(city.broker, services=("hub.cityhub", "edge.cityhub")).prepare()
        supervisor.reload()
        while "Not authorized" in (await city.publish(edge, "devices/dev1/telemetry")).text:
            pass  # the signal is on its way


async def test_a_taken_port_is_reported_with_the_remedy(city: City) -> None:
    port = city.options.hub_port
    with socket.create_server(("127.0.0.1", port)), pytest.raises(LocalServerFailed) as caught:
        async with city.running():
            pass
    assert str(caught.value) == (
        f"Port {port} on 127.0.0.1, which mosquitto needs, is in use by another program. Stop that program "
        f"(`sudo ss -ltnp sport = :{port}` shows it) or choose another port in the settings."
    )


async def test_a_broker_that_cannot_start_is_quoted(city: City) -> None:
    city.broker.server.key_file.unlink()
    with pytest.raises(LocalServerFailed, match="Unable to load server key file"):
        async with city.running():
            pass


async def test_everything_that_the_broker_writes_is_private(city: City) -> None:
    async with city.running():
        await _hub_hears(city)
    modes = {path.name: oct(path.stat().st_mode & 0o777) for path in city.broker.folder.rglob("*")}
    assert modes == {
        "acl": "0o600",
        "data": "0o700",
        "mosquitto.conf": "0o600",
        "mosquitto.db": "0o600",
        "mosquitto.lock": "0o600",
        "mosquitto.log": "0o600",
    }


def test_a_broker_that_is_not_installed_is_reported_with_the_command_that_installs_it(city: City) -> None:
    options = city.options.model_copy(update={"program": city.broker.folder / "absent"})
    with pytest.raises(MissingProgram, match=r"Install it with: sudo apt-get install mosquitto$"):
        replace(city.broker, options=options).prepare()
