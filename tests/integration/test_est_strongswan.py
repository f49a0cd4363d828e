"""strongSwan's EST client, which nobody here wrote, against the hub."""

from __future__ import annotations

import asyncio
import shutil
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from provisioning.claim_code import new_code
from tests.webhub import web_hub

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.webhub import WebHub

pytestmark = pytest.mark.skipif(shutil.which("pki") is None, reason="pki is not installed: apt install strongswan-pki")


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[WebHub]:
    async with web_hub(tmp_path) as hub:
        yield hub


async def pki(*arguments: str | Path, stdin: bytes = b"") -> tuple[int, bytes, str]:
    """Run the program; return its exit code, standard output and standard error."""
    process = await asyncio.create_subprocess_exec(
        "pki", *map(str, arguments),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate(stdin)
    return process.returncode or 0, out, err.decode()


async def request_of(hub: WebHub, device_id: str, key: Path) -> Path:
    """Make a signing request with the program's own hands."""
    status, csr, err = await pki("--req", "--type", "ecdsa", "--in", key, "--dn", f"CN={device_id}")
    assert status == 0, err
    file = hub.folder / f"{device_id}.csr"
    file.write_bytes(csr)
    return file


async def est(hub: WebHub, csr: Path, *identity: str | Path) -> tuple[int, bytes, str]:
    return await pki(*est_arguments(hub, csr), *identity)


async def told_to_wait(hub: WebHub, csr: Path, *identity: str | Path) -> None:
    """Ask, and end the program once it has understood that it has to wait: it would for the whole minute."""
    arguments = map(str, (*est_arguments(hub, csr), *identity))
    process = await asyncio.create_subprocess_exec("pki", *arguments, stderr=asyncio.subprocess.PIPE)
    assert process.stderr is not None
    async for line in process.stderr:
        if b"EST request pending" in line:
            break
    process.terminate()
    await process.communicate()


def est_arguments(hub: WebHub, csr: Path) -> list[str | Path]:
    trusted = [part for file in hub.trusted for part in ("--cacert", file)]
    return ["--est", "--url", hub.url, "--in", csr, "--outform", "pem", *trusted]


def names_of(pem: bytes) -> set[str]:
    subjects = [one.subject for one in x509.load_pem_x509_certificates(pem)]
    return {str(subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value) for subject in subjects}


async def test_it_fetches_the_certificates_to_trust(hub: WebHub) -> None:
    out = hub.folder / "fetched.pem"
    status, _, err = await pki("--estca", "--url", hub.url, "--cacert", hub.root, "--caout", out, "--outform", "pem")
    assert status == 0, err
    fetched = b"".join(file.read_bytes() for file in hub.folder.glob("fetched*.pem"))
    assert names_of(fetched) == names_of(hub.services.authority.chain_pem)


async def test_it_enrols_with_a_claim_code(hub: WebHub) -> None:
    hub.add_device("cam-1")
    code = hub.services.claims.create("cam-1")
    csr = await request_of(hub, "cam-1", hub.new_key("own"))
    status, issued, err = await est(hub, csr, "--userpass", f"cam-1:{code}")
    assert status == 0, err
    assert names_of(issued) == {"cam-1"}


async def test_it_is_told_to_wait_and_gets_its_certificate_once_an_operator_has_approved(hub: WebHub) -> None:
    hub.add_device("siren-1", "bpbd")
    code = hub.services.claims.create("siren-1")
    csr = await request_of(hub, "siren-1", hub.new_key("own"))
    await told_to_wait(hub, csr, "--userpass", f"siren-1:{code}")
    [waiting] = hub.services.approvals.list()
    hub.services.approvals.approve(waiting.device, waiting.key_fingerprint)
    status, issued, err = await est(hub, csr, "--userpass", f"siren-1:{code}")
    assert status == 0, err
    assert names_of(issued) == {"siren-1"}


async def test_it_is_refused_when_an_operator_has_refused(hub: WebHub) -> None:
    hub.add_device("siren-1", "bpbd")
    code = hub.services.claims.create("siren-1")
    csr = await request_of(hub, "siren-1", hub.new_key("own"))
    await told_to_wait(hub, csr, "--userpass", f"siren-1:{code}")
    [waiting] = hub.services.approvals.list()
    hub.services.approvals.refuse(waiting.device, waiting.key_fingerprint, "not ours")
    status, issued, err = await est(hub, csr, "--userpass", f"siren-1:{code}")
    assert (status != 0, issued, "HTTP 401" in err) == (True, b"", True), err


async def test_it_is_refused_with_another_code(hub: WebHub) -> None:
    hub.add_device("cam-1")
    hub.services.claims.create("cam-1")
    csr = await request_of(hub, "cam-1", hub.new_key("own"))
    status, _, err = await est(hub, csr, "--userpass", f"cam-1:{new_code()}")
    assert (status != 0, "HTTP 401" in err) == (True, True)


async def test_it_renews_a_certificate_by_showing_the_old_one(hub: WebHub) -> None:
    hub.add_device("cam-1")
    certificate, key = hub.identity("cam-1", days_back=300)
    csr = await request_of(hub, "cam-1", hub.new_key("next"))
    status, renewed, err = await est(hub, csr, "--cert", certificate, "--key", key)
    assert status == 0, err
    assert names_of(renewed) == {"cam-1"}


async def test_it_renews_a_certificate_that_has_just_expired(hub: WebHub) -> None:
    hub.add_device("cam-1")
    certificate, key = hub.identity("cam-1", days_back=380)
    csr = await request_of(hub, "cam-1", key)
    status, renewed, err = await est(hub, csr, "--cert", certificate, "--key", key)
    assert status == 0, err
    assert names_of(renewed) == {"cam-1"}
