"""curl and openssl as an EST client: the plain protocol, and everything that must be refused."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from provisioning.claim_code import new_code
from provisioning.crl import Reason
from provisioning.records import Lifecycle
from tests.webhub import web_hub

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.webhub import WebHub

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed: apt install curl")
ENROL, RENEW = "/.well-known/est/simpleenroll", "/.well-known/est/simplereenroll"


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[WebHub]:
    async with web_hub(tmp_path) as hub:
        for device in ("cam-1", "cam-2"):
            hub.add_device(device)
        hub.add_device("siren-1", "bpbd")
        yield hub


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def problem(self) -> Any:  # noqa: ANN401 - JSON is anything
        assert self.headers["content-type"] == "application/problem+json"
        return json.loads(self.body)


async def run(*command: str | Path, stdin: bytes = b"") -> bytes:
    process = await asyncio.create_subprocess_exec(
        *map(str, command),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate(stdin)
    assert process.returncode == 0, err.decode()
    return out


async def curl(hub: WebHub, path: str, *options: str | Path, body: bytes | None = None) -> Answer:
    data = () if body is None else ("--data-binary", "@-", "-H", "Content-Type: application/pkcs10", "-H", "Expect:")
    out = await run("curl", "-sS", "-i", "--cacert", hub.root, *options, *data, hub.url + path, stdin=body or b"")
    head, _, content = out.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return Answer(int(first.split()[1]), headers, content)


async def request_of(device_id: str, key: Path, form: str = "DER") -> bytes:
    """Make a signing request with openssl; DER comes as EST wants it, in base64."""
    csr = await run("openssl", "req", "-new", "-key", key, "-subj", f"/CN={device_id}", "-outform", form)
    return base64.b64encode(csr) if form == "DER" else csr


async def unwrapped(answer: Answer) -> list[str]:
    """Return the names in the certificates of an answer, as openssl finds them."""
    pem = await run("openssl", "pkcs7", "-inform", "DER", "-print_certs", stdin=base64.b64decode(answer.body))
    subjects = [one.subject for one in x509.load_pem_x509_certificates(pem)]
    return [str(subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value) for subject in subjects]


async def test_the_certificates_to_trust(hub: WebHub) -> None:
    answer = await curl(hub, "/.well-known/est/cacerts")
    assert (answer.status, answer.headers["content-type"], b"\n" in answer.body) == (
        200,
        "application/pkcs7-mime; smime-type=certs-only",
        False,
    )
    assert len(await unwrapped(answer)) == len(hub.services.authority.certificates)


async def test_the_attributes_of_a_request(hub: WebHub) -> None:
    answer = await curl(hub, "/.well-known/est/csrattrs")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/csrattrs")


@pytest.mark.parametrize("form", ["DER", "PEM"])
async def test_a_claim_code_gives_a_certificate(hub: WebHub, form: str) -> None:
    code = hub.services.claims.create("cam-1")
    csr = await request_of("cam-1", hub.new_key("own"), form)
    answer = await curl(hub, ENROL, "-u", f"cam-1:{code}", body=csr)
    assert (answer.status, await unwrapped(answer)) == (200, ["cam-1"])


async def test_an_answer_that_was_lost_can_be_asked_for_again(hub: WebHub) -> None:
    code = hub.services.claims.create("cam-1")
    csr = await request_of("cam-1", hub.new_key("own"))
    answers = [await curl(hub, ENROL, "-u", f"cam-1:{code}", body=csr) for _ in range(2)]
    assert [answer.status for answer in answers] == [200, 200]


async def test_a_code_is_no_use_for_another_key_once_it_was_redeemed(hub: WebHub) -> None:
    code = hub.services.claims.create("cam-1")
    await curl(hub, ENROL, "-u", f"cam-1:{code}", body=await request_of("cam-1", hub.new_key("own")))
    answer = await curl(hub, ENROL, "-u", f"cam-1:{code}", body=await request_of("cam-1", hub.new_key("thief")))
    assert answer.status == 401


async def test_a_claim_waits_for_an_operator_where_the_agency_demands_it(hub: WebHub) -> None:
    code = hub.services.claims.create("siren-1")
    csr = await request_of("siren-1", hub.new_key("own"))
    waiting = await curl(hub, ENROL, "-u", f"siren-1:{code}", body=csr)
    [asked] = hub.services.approvals.list()
    hub.services.approvals.approve(asked.device, asked.key_fingerprint)
    issued = await curl(hub, ENROL, "-u", f"siren-1:{code}", body=csr)
    assert (waiting.status, waiting.headers["retry-after"], asked.origin) == (202, "60", "127.0.0.1")
    assert (issued.status, await unwrapped(issued)) == (200, ["siren-1"])


async def test_whoever_has_no_code_is_asked_for_it(hub: WebHub) -> None:
    answer = await curl(hub, ENROL, body=await request_of("cam-1", hub.new_key("own")))
    assert (answer.status, answer.headers["www-authenticate"]) == (401, 'basic realm="cityhub-est", charset="utf-8"')


async def test_a_wrong_code_and_an_unknown_device_look_the_same(hub: WebHub) -> None:
    hub.services.claims.create("cam-1")
    key = hub.new_key("own")
    known = await curl(hub, ENROL, "-u", f"cam-1:{new_code()}", body=await request_of("cam-1", key))
    unknown = await curl(hub, ENROL, "-u", f"ghost:{new_code()}", body=await request_of("ghost", key))
    assert (known.status, known.problem) == (401, unknown.problem)


async def test_a_code_of_one_device_is_worth_nothing_for_another(hub: WebHub) -> None:
    code = hub.services.claims.create("cam-1")
    hub.services.claims.create("cam-2")
    key = hub.new_key("own")
    other = await curl(hub, ENROL, "-u", f"cam-2:{code}", body=await request_of("cam-2", key))
    mixed = await curl(hub, ENROL, "-u", f"cam-1:{code}", body=await request_of("cam-2", key))
    assert (other.status, mixed.status) == (401, 400)


async def test_a_key_that_another_device_holds_is_refused(hub: WebHub) -> None:
    _, key = hub.identity("cam-2")
    code = hub.services.claims.create("cam-1")
    answer = await curl(hub, ENROL, "-u", f"cam-1:{code}", body=await request_of("cam-1", key))
    assert (answer.status, answer.problem["type"]) == (400, "/problems/key-problem")


@pytest.mark.parametrize("body", [b"", b"rubbish!", b"TUlJQg==", b"0\x82\x00\x01"])
async def test_rubbish_is_refused(hub: WebHub, body: bytes) -> None:
    code = hub.services.claims.create("cam-1")
    answer = await curl(hub, ENROL, "-u", f"cam-1:{code}", body=body)
    assert (answer.status, answer.problem["type"]) == (400, "/problems/bad-request")


async def test_a_body_that_is_too_large_is_refused(hub: WebHub) -> None:
    assert (await curl(hub, ENROL, "-u", "cam-1:x", body=bytes(70_000))).status == 413


async def test_the_old_certificate_gives_the_next_one(hub: WebHub) -> None:
    certificate, key = hub.identity("cam-1", days_back=300)
    csr = await request_of("cam-1", hub.new_key("next"))
    answer = await curl(hub, RENEW, "--cert", certificate, "--key", key, body=csr)
    assert (answer.status, await unwrapped(answer)) == (200, ["cam-1"])


async def test_a_certificate_within_its_grace_period_gives_the_next_one_for_the_same_key(hub: WebHub) -> None:
    certificate, key = hub.identity("cam-1", days_back=365 + 29)
    answer = await curl(hub, RENEW, "--cert", certificate, "--key", key, body=await request_of("cam-1", key))
    assert (answer.status, await unwrapped(answer)) == (200, ["cam-1"])


async def test_an_expired_certificate_is_not_exchanged_for_another_key(hub: WebHub) -> None:
    certificate, key = hub.identity("cam-1", days_back=365 + 29)
    csr = await request_of("cam-1", hub.new_key("next"))
    answer = await curl(hub, RENEW, "--cert", certificate, "--key", key, body=csr)
    assert (answer.status, answer.problem["type"]) == (403, "/problems/refused")


async def test_a_certificate_beyond_its_grace_period_is_refused(hub: WebHub) -> None:
    certificate, key = hub.identity("cam-1", days_back=365 + 31)
    answer = await curl(hub, RENEW, "--cert", certificate, "--key", key, body=await request_of("cam-1", key))
    assert (answer.status, "more than 30 days ago" in answer.problem["detail"]) == (403, True)


async def test_a_certificate_that_is_not_due_is_refused(hub: WebHub) -> None:
    certificate, key = hub.identity("cam-1", days_back=10)
    answer = await curl(hub, RENEW, "--cert", certificate, "--key", key, body=await request_of("cam-1", key))
    assert (answer.status, "is not due" in answer.problem["detail"]) == (403, True)


async def test_a_revoked_certificate_is_refused(hub: WebHub) -> None:
    certificate, key = hub.identity("cam-1", days_back=300)
    hub.services.revocation.revoke("cam-1", Reason.KEY_COMPROMISE)
    answer = await curl(hub, RENEW, "--cert", certificate, "--key", key, body=await request_of("cam-1", key))
    assert (answer.status, "was revoked" in answer.problem["detail"]) == (403, True)


async def test_a_retired_device_is_refused(hub: WebHub) -> None:
    certificate, key = hub.identity("cam-1", days_back=300)
    hub.services.registry.move_device("cam-1", Lifecycle.RETIRED)
    answer = await curl(hub, RENEW, "--cert", certificate, "--key", key, body=await request_of("cam-1", key))
    assert (answer.status, answer.problem["type"]) == (409, "/problems/wrong-state")


async def test_a_certificate_is_renewed_for_its_own_name_only(hub: WebHub) -> None:
    certificate, key = hub.identity("cam-1", days_back=300)
    csr = await request_of("cam-2", hub.new_key("next"))
    answer = await curl(hub, RENEW, "--cert", certificate, "--key", key, body=csr)
    assert (answer.status, answer.problem["type"]) == (400, "/problems/bad-request")


async def test_renewal_with_another_devices_key_is_refused(hub: WebHub) -> None:
    certificate, key = hub.identity("cam-1", days_back=300)
    _, foreign = hub.identity("cam-2")
    answer = await curl(hub, RENEW, "--cert", certificate, "--key", key, body=await request_of("cam-1", foreign))
    assert (answer.status, answer.problem["type"]) == (400, "/problems/key-problem")


async def test_renewal_without_a_certificate_is_refused(hub: WebHub) -> None:
    answer = await curl(hub, RENEW, body=await request_of("cam-1", hub.new_key("own")))
    assert (answer.status, "in the TLS handshake" in answer.problem["detail"]) == (403, True)


async def test_a_services_certificate_renews_nothing(hub: WebHub) -> None:
    csr = await request_of("hub.cityhub", hub.folder / "server.key")
    server = ("--cert", hub.folder / "server.pem", "--key", hub.folder / "server.key")
    assert (await curl(hub, RENEW, *server, body=csr)).status == 403


async def test_each_refused_code_is_in_the_record_with_where_it_came_from(hub: WebHub) -> None:
    hub.services.claims.create("cam-1")
    await curl(hub, ENROL, "-u", f"cam-1:{new_code()}", body=await request_of("cam-1", hub.new_key("own")))
    row = hub.record("device/cam-1")[0]
    assert (row.action, row.actor, row.origin) == ("claim.refuse", "device/cam-1", "127.0.0.1")


@pytest.mark.parametrize(("path", "form"), [("/crl.pem", "PEM"), ("/crl.der", "DER")])
async def test_the_list_of_revoked_certificates_is_public_and_checks_out(hub: WebHub, path: str, form: str) -> None:
    certificate, _ = hub.identity("cam-1")
    hub.services.revocation.revoke("cam-1", Reason.KEY_COMPROMISE)
    answer = await curl(hub, path)
    text = await run("openssl", "crl", "-inform", form, "-noout", "-text", stdin=answer.body)
    serial = x509.load_pem_x509_certificate(certificate.read_bytes()).serial_number
    assert (answer.status, f"{serial:X}".encode() in text) == (200, True)
    assert answer.headers["cache-control"] == "public, max-age=300"


async def test_a_list_that_has_not_changed_is_not_sent_again(hub: WebHub) -> None:
    tag = (await curl(hub, "/crl.pem")).headers["etag"]
    same = await curl(hub, "/crl.pem", "-H", f"If-None-Match: {tag}")
    hub.identity("cam-1")
    hub.services.revocation.revoke("cam-1", Reason.KEY_COMPROMISE)
    other = await curl(hub, "/crl.pem", "-H", f"If-None-Match: {tag}")
    assert (same.status, same.body, other.status) == (304, b"", 200)
