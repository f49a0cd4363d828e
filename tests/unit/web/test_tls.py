from __future__ import annotations

import asyncio
import os
import ssl
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp
import pytest
from cryptography.x509.oid import NameOID
from fastapi import APIRouter, Request

from hub.errors import CityhubError, SettingsError
from hub.web.options import ApiOptions
from hub.web.protocol import client_certificate
from hub.web.server import build_api, serve_tls
from hub.web.tls import ServerTls, TlsFiles
from provisioning.ca import Authority
from provisioning.certificates import new_key, private_pem
from provisioning.files import write_atomically
from tests.ports import free_port
from tests.webserver import listening

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

DAY_NS = 86_400 * 10**9
router = APIRouter()


@router.get("/who")
def who(request: Request) -> str | None:
    certificate = client_certificate(request)
    return (
        None if certificate is None else str(certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)
    )


class Town:
    """An authority, the server's files, and clients with certificates of theirs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.days_back = 1000
        self.authority = Authority.create(folder / "ca", clock=lambda: time.time_ns() - self.days_back * DAY_NS)
        self.days_back = 0
        self.files = TlsFiles(folder / "server.pem", folder / "server.key", folder / "trusted.pem")
        self.serve_as("localhost")

    def serve_as(self, host: str) -> None:
        issued = self.authority.issue_service("hub.cityhub", dns=[host], ips=["127.0.0.1"])
        write_atomically(self.files.cert_file, issued.presented_pem)
        write_atomically(self.files.key_file, issued.key_pem)
        write_atomically(self.files.ca_file, issued.chain_pem)

    def client(self, device: str = "", days_back: int = 0) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.files.ca_file))
        if device:
            key, self.days_back = new_key(), days_back
            issued = self.authority.with_chain(self.authority.issue_device(key.public_key(), device, 365))
            self.days_back = 0
            file = self.folder / f"{device}.pem"
            write_atomically(file, issued.presented_pem + private_pem(key))
            context.load_cert_chain(file)
        return context


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


@asynccontextmanager
async def served(town: Town, options: ApiOptions | None = None) -> AsyncIterator[int]:
    port = free_port()
    changed = (options or ApiOptions()).model_copy(update={"listen": "127.0.0.1", "port": port})
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(serve_tls(build_api([router], "1"), changed, town.files))
        await listening(port)
        yield port
        task.cancel()


async def ask(port: int, context: ssl.SSLContext) -> object:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"https://localhost:{port}/who", ssl=context) as answer,
    ):
        return await answer.json()


async def test_a_client_without_a_certificate_is_nobody(town: Town) -> None:
    async with served(town) as port:
        assert await ask(port, town.client()) is None


async def test_a_client_with_a_certificate_is_known_by_it(town: Town) -> None:
    async with served(town) as port:
        assert await ask(port, town.client("cam-1")) == "cam-1"


async def test_one_clients_certificate_is_not_anothers(town: Town) -> None:
    async with served(town) as port:
        assert [await ask(port, town.client(one)) for one in ("cam-1", "", "cam-2")] == ["cam-1", None, "cam-2"]


async def test_an_expired_certificate_reaches_the_code_that_judges_it(town: Town) -> None:
    async with served(town) as port:
        assert await ask(port, town.client("cam-1", days_back=400)) == "cam-1"


async def test_a_certificate_of_another_authority_ends_the_handshake(town: Town, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    foreign = Town(tmp_path / "other").client("cam-1")
    foreign.load_verify_locations(town.files.ca_file)
    async with served(town) as port:
        with pytest.raises(aiohttp.ClientError):
            await ask(port, foreign)


@pytest.mark.parametrize(("version", "status"), [("-tls1_1", 1), ("-tls1_2", 0), ("-tls1_3", 0)])
async def test_tls_1_2_is_the_least(town: Town, version: str, status: int) -> None:
    async with served(town) as port:
        openssl = await asyncio.create_subprocess_exec(
            "openssl", "s_client", "-connect", f"127.0.0.1:{port}", version, "-cipher", "ALL:@SECLEVEL=0",
            "-CAfile", str(town.files.ca_file), "-verify_return_error",
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        assert await openssl.wait() == status


async def test_no_header_can_claim_another_address(town: Town) -> None:
    origins = APIRouter()

    @origins.get("/origin")
    def origin(request: Request) -> str | None:
        return request.client and request.client.host

    port = free_port()
    api = build_api([origins], "1")
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(serve_tls(api, ApiOptions(listen="127.0.0.1", port=port), town.files))
        await listening(port)
        async with (
            aiohttp.ClientSession(headers={"X-Forwarded-For": "10.9.8.7"}) as session,
            session.get(f"https://localhost:{port}/origin", ssl=town.client()) as answer,
        ):
            assert await answer.json() == "127.0.0.1"
        task.cancel()


async def test_a_certificate_that_was_replaced_is_shown_to_new_clients(town: Town) -> None:
    tls, client = ServerTls(town.files), town.client()
    before = await shown_by(tls, client)
    town.serve_as("hub.example")
    assert (tls.refresh(), before, await shown_by(tls, client)) == ("", "localhost", "hub.example")


@pytest.mark.parametrize(
    "damage",
    [
        lambda files: files.key_file.write_bytes(b"rubbish"),
        lambda files: files.cert_file.unlink(),
        lambda files: os.truncate(files.cert_file, 40),
        lambda files: files.ca_file.write_bytes(b""),
    ],
)
async def test_damaged_files_leave_the_old_certificate_in_use(town: Town, damage: Callable[[TlsFiles], object]) -> None:
    tls, client = ServerTls(town.files), town.client()
    damage(town.files)
    trouble = tls.refresh()
    assert (str(town.files.cert_file) in trouble, await shown_by(tls, client)) == (True, "localhost")


def test_files_that_were_repaired_are_taken_again(town: Town) -> None:
    tls = ServerTls(town.files)
    town.files.cert_file.unlink()
    town_was_damaged = bool(tls.refresh())
    town.serve_as("localhost")
    assert (town_was_damaged, tls.refresh()) == (True, "")


def test_missing_files_are_named_at_the_start(town: Town) -> None:
    town.files.key_file.unlink()
    with pytest.raises(SettingsError, match=r"cannot serve TLS with .*server\.key"):
        ServerTls(town.files)


async def test_a_taken_port_is_an_error_that_says_what_to_set(town: Town) -> None:
    async with served(town) as port:
        with pytest.raises(CityhubError, match=rf"cannot listen on 127\.0\.0\.1:{port}.*set api\.port"):
            await serve_tls(build_api([], "1"), ApiOptions(listen="127.0.0.1", port=port), town.files)


async def test_more_connections_than_allowed_are_turned_away(town: Town) -> None:
    context = town.client()
    async with served(town, ApiOptions(connections=1)) as port:
        _, first = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost")
        with pytest.raises(aiohttp.ClientError):
            await ask(port, context)
        first.close()
        await first.wait_closed()


async def shown_by(tls: ServerTls, client: ssl.SSLContext) -> str:
    """Return the DNS name in the certificate that a server with this context shows."""
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=tls.context)
    client.check_hostname = False
    async with server:
        port = server.sockets[0].getsockname()[1]
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client)
        certificate = writer.get_extra_info("peercert")
        writer.close()
        await writer.wait_closed()
    return str(dict(certificate["subjectAltName"])["DNS"])
