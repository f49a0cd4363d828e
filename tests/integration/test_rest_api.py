"""The REST resources over TLS, as a program with a token uses them."""

from __future__ import annotations

import asyncio
import base64
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from hub.web.options import ApiOptions
from provisioning.access import Role
from provisioning.certificates import new_key
from provisioning.records import Tariff, Uplink
from tests.webhub import PROFILE, web_hub

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.webhub import WebHub
    from tests.webserver import Client

DEVICES = "/api/v1/devices"
CAMERA = {"id": "cam-1", "profile": PROFILE, "agency": "dishub", "serial": "SN-1", "zones": ["traffic"]}


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[WebHub]:
    async with web_hub(tmp_path, ApiOptions(requests_per_minute=100_000)) as hub:
        yield hub


@pytest.fixture
async def admin(hub: WebHub) -> AsyncIterator[Client]:
    async with hub.client(hub.token(Role.ADMINISTRATOR)) as client:
        yield client


def signing_request(device_id: str) -> bytes:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, device_id)])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(new_key(), SHA256())
    return request.public_bytes(Encoding.DER)


async def test_a_device_is_registered_read_and_changed(admin: Client) -> None:
    added = await admin.post(DEVICES, json=CAMERA)
    shown = await admin.get(added.headers["Location"])
    changed = await admin.request("PATCH", f"{DEVICES}/cam-1", json={"name": "Pasar", "zones": []})
    assert (added.status, added.headers["Location"], shown.json) == (201, f"{DEVICES}/cam-1", added.json)
    assert (changed.json["name"], changed.json["zones"], changed.json["serial"]) == ("Pasar", [], "SN-1")


async def test_a_device_that_never_held_a_certificate_can_be_removed(admin: Client) -> None:
    await admin.post(DEVICES, json=CAMERA)
    removed = await admin.request("DELETE", f"{DEVICES}/cam-1")
    assert (removed.status, (await admin.get(f"{DEVICES}/cam-1")).status) == (204, 404)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (CAMERA | {"id": "a/b"}, 422),
        (CAMERA | {"id": 7}, 422),
        (CAMERA | {"colour": "red"}, 422),
        (CAMERA | {"profile": "unheard_of"}, 422),
        (CAMERA | {"agency": "ghost"}, 422),
        (CAMERA | {"site": "ghost"}, 422),
        (CAMERA | {"zones": "traffic"}, 422),
        (CAMERA | {"id": "cam-0"}, 409),
    ],
)
async def test_a_device_that_cannot_be_is_refused_with_a_problem(
    admin: Client, body: dict[str, Any], status: int
) -> None:
    await admin.post(DEVICES, json=CAMERA | {"id": "cam-0"})
    assert (await admin.post(DEVICES, json=body)).problem["status"] == status


async def test_a_long_list_comes_in_pages(hub: WebHub, admin: Client) -> None:
    names = [f"cam-{number}" for number in range(10, 35)]
    for name in names:
        hub.add_device(name)
    found: list[str] = []
    after: str | None = ""
    while after is not None:
        page = (await admin.get(DEVICES, params={"limit": 10, "after": after})).json
        found += [device["id"] for device in page["items"]]
        after = page["next"]
    assert found == names


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, ["a", "b", "c"]),
        ({"agency": "bpbd"}, ["b", "c"]),
        ({"site": "pasar"}, ["c"]),
        ({"zone": "flood"}, ["b"]),
        ({"zone": "flood", "site": "pasar"}, []),
    ],
)
async def test_a_list_holds_what_matches_every_filter(admin: Client, filters: dict[str, str], found: list[str]) -> None:
    await admin.post(DEVICES, json={"id": "a", "profile": PROFILE, "agency": "dishub"})
    await admin.post(DEVICES, json={"id": "b", "profile": PROFILE, "agency": "bpbd", "zones": ["flood"]})
    await admin.post(DEVICES, json={"id": "c", "profile": PROFILE, "site": "pasar"})
    page = (await admin.get(DEVICES, params=filters)).json
    assert ([device["id"] for device in page["items"]], page["next"]) == (found, None)


@pytest.mark.parametrize("limit", ["0", "1001", "many"])
async def test_a_page_has_bounds(admin: Client, limit: str) -> None:
    assert (await admin.get(DEVICES, params={"limit": limit})).problem["errors"][0]["where"] == "limit"


async def test_whoever_shows_no_token_is_refused_everywhere_but_where_all_are_welcome(hub: WebHub) -> None:
    public = {"/crl.pem", "/crl.der", "/problems/{kind}", "/.well-known/est/cacerts", "/.well-known/est/csrattrs"}
    async with hub.client() as nobody:
        paths = (await nobody.get("/api/v1/openapi.json")).json["paths"]
        answers = {
            path: (await nobody.request(method.upper(), path.replace("{device_id}", "x"), json={})).status
            for path, methods in paths.items()
            for method in methods
            if path not in public
        }
    est = {"/.well-known/est/simpleenroll": 401, "/.well-known/est/simplereenroll": 403}
    assert answers == dict.fromkeys(answers, 401) | est


@pytest.mark.parametrize("token", ["x", "cityhub_0123456789ab_" + "A" * 43, "é"])
async def test_a_token_that_is_none_is_refused(hub: WebHub, token: str) -> None:
    async with hub.client(token) as nobody:
        answer = await nobody.get(DEVICES)
    assert (answer.problem["status"], answer.headers["WWW-Authenticate"]) == (401, 'Bearer realm="cityhub"')


async def test_a_token_is_worth_nothing_once_it_is_revoked(hub: WebHub) -> None:
    token = hub.token(Role.VIEWER)
    async with hub.client(token) as viewer:
        before = await viewer.get(DEVICES)
        hub.services.users.revoke_token(hub.services.users.tokens()[0].id)
        assert (before.status, (await viewer.get(DEVICES)).status) == (200, 401)


@pytest.mark.parametrize(
    ("method", "path", "body", "least"),
    [
        ("GET", DEVICES, None, Role.VIEWER),
        ("GET", f"{DEVICES}/cam-1/certificates", None, Role.VIEWER),
        ("PATCH", f"{DEVICES}/cam-1", {"name": "x"}, Role.TECHNICIAN),
        ("POST", f"{DEVICES}/cam-1/claim", {}, Role.TECHNICIAN),
        ("POST", f"{DEVICES}/cam-1/replace", {"serial": "SN-2"}, Role.TECHNICIAN),
        ("POST", f"{DEVICES}/cam-1/lifecycle", {"to": "active"}, Role.TECHNICIAN),
        ("POST", f"{DEVICES}/cam-1/revoke", {"reason": "superseded"}, Role.OPERATOR),
        ("POST", f"{DEVICES}/cam-1/retire", {}, Role.OPERATOR),
        ("POST", f"{DEVICES}/cam-1/transfer", {"agency": "bpbd"}, Role.OPERATOR),
        ("DELETE", f"{DEVICES}/cam-1", None, Role.OPERATOR),
        ("GET", "/api/v1/approvals", None, Role.OPERATOR),
        ("POST", "/api/v1/sites", {"id": "alun-alun", "agency": "dishub"}, Role.OPERATOR),
        ("PATCH", "/api/v1/sites/pasar", {"name": "x"}, Role.OPERATOR),
        ("POST", "/api/v1/agencies", {"id": "dinkes"}, Role.ADMINISTRATOR),
        ("PATCH", "/api/v1/agencies/bpbd", {"approval_required": False}, Role.ADMINISTRATOR),
        ("GET", "/api/v1/audit", None, Role.ADMINISTRATOR),
        ("GET", "/api/v1/audit/verify", None, Role.ADMINISTRATOR),
    ],
)
async def test_each_route_asks_for_its_role(
    hub: WebHub, method: str, path: str, body: dict[str, Any] | None, least: Role
) -> None:
    hub.add_device("cam-1")
    allowed = {}
    for role in Role:
        async with hub.client(hub.token(role)) as client:
            allowed[role] = (await client.request(method, path, json=body)).status < 400
            if allowed[role]:
                break
    assert allowed == {role: role == least for role in Role if role <= least}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", DEVICES + "?agency=bpbd", None),
        ("GET", f"{DEVICES}/siren-1", None),
        ("PATCH", f"{DEVICES}/siren-1", {"name": "x"}),
        ("DELETE", f"{DEVICES}/siren-1", None),
        ("GET", f"{DEVICES}/siren-1/certificates", None),
        ("POST", f"{DEVICES}/siren-1/claim", {}),
        ("DELETE", f"{DEVICES}/siren-1/claim", None),
        ("POST", f"{DEVICES}/siren-1/certificate", {}),
        ("POST", f"{DEVICES}/siren-1/revoke", {"reason": "superseded"}),
        ("POST", f"{DEVICES}/siren-1/retire", {}),
        ("POST", f"{DEVICES}/siren-1/transfer", {"agency": "dishub"}),
        ("POST", f"{DEVICES}/cam-1/transfer", {"agency": "bpbd"}),
        ("POST", f"{DEVICES}/siren-1/replace", {"serial": "SN-2"}),
        ("POST", f"{DEVICES}/siren-1/lifecycle", {"to": "active"}),
        ("POST", "/api/v1/approvals/siren-1/approve", {"key_fingerprint": "x"}),
        ("POST", "/api/v1/approvals/siren-1/refuse", {"key_fingerprint": "x", "reason": "y"}),
        ("POST", DEVICES, CAMERA | {"id": "cam-9", "agency": "bpbd"}),
        ("POST", DEVICES, CAMERA | {"id": "cam-9", "agency": None}),
        ("POST", DEVICES, CAMERA | {"id": "cam-9", "agency": None, "site": "pasar"}),
        ("GET", "/api/v1/sites/pasar", None),
        ("GET", "/api/v1/sites?agency=bpbd", None),
        ("PATCH", "/api/v1/sites/pasar", {"name": "x"}),
        ("POST", "/api/v1/sites", {"id": "terminal", "agency": "bpbd"}),
        ("GET", "/api/v1/agencies/bpbd", None),
        ("PATCH", "/api/v1/agencies/bpbd", {"name": "x"}),
        ("POST", "/api/v1/agencies", {"id": "dinkes"}),
        ("GET", "/api/v1/audit", None),
        ("GET", "/api/v1/audit/verify", None),
    ],
)
async def test_an_administrator_of_one_agency_cannot_touch_what_is_anothers(
    hub: WebHub, method: str, path: str, body: dict[str, Any] | None
) -> None:
    hub.add_device("cam-1")
    hub.add_device("siren-1", "bpbd")
    before = len(hub.record())
    async with hub.client(hub.token(Role.ADMINISTRATOR, "dishub")) as client:
        answer = await client.request(method, path, json=body)
    assert (answer.problem["type"], len(hub.record()) - before) == ("/problems/forbidden", 2)  # the user and its token


async def test_lists_hold_only_what_the_caller_reaches(hub: WebHub) -> None:
    hub.add_device("cam-1")
    hub.add_device("siren-1", "bpbd")
    async with hub.client(hub.token(Role.VIEWER, "bpbd")) as client:
        lists = [(await client.get(path)).json["items"] for path in (DEVICES, "/api/v1/sites", "/api/v1/agencies")]
    assert [[one["id"] for one in items] for items in lists] == [["siren-1"], ["pasar"], ["bpbd"]]


async def test_uplinks_are_read_by_those_who_reach_their_site(hub: WebHub) -> None:
    hub.services.registry.add(Uplink("fiber", "pasar", 100_000_000, Tariff.PER_GIGABYTE, 9_000))
    async with hub.client(hub.token(Role.VIEWER, "bpbd")) as client:
        listed = (await client.get("/api/v1/uplinks")).json["items"]
        shown = (await client.get("/api/v1/uplinks/fiber")).json
    async with hub.client(hub.token(Role.VIEWER, "dishub")) as client:
        others = (await client.get("/api/v1/uplinks")).json["items"]
        refused = await client.get("/api/v1/uplinks/fiber")
    assert (listed, others, refused.status) == ([shown], [], 403)
    assert (shown["id"], shown["tariff"], shown["rupiah"], shown["router"]) == ("fiber", "per_gigabyte", 9_000, None)


async def test_a_device_cannot_be_given_away_by_a_change(hub: WebHub, admin: Client) -> None:
    hub.add_device("cam-1")
    answer = await admin.request("PATCH", f"{DEVICES}/cam-1", json={"agency": None, "site": "pasar"})
    assert answer.problem["type"] == "/problems/wrong-state"


async def test_each_change_is_recorded_with_who_and_from_where(admin: Client) -> None:
    await admin.post(DEVICES, json=CAMERA)
    row = (await admin.get("/api/v1/audit", params={"subject": "device/cam-1"})).json[0]
    assert (row["actor"], row["origin"], row["action"]) == ("administrator", "127.0.0.1", "device.add")


async def test_the_record_is_found_whole(admin: Client) -> None:
    await admin.post(DEVICES, json=CAMERA)
    assert (await admin.get("/api/v1/audit/verify")).json == {"intact": True, "faults": []}


@pytest.mark.parametrize(
    ("device", "role", "status"),
    [("cam-1", Role.TECHNICIAN, 201), ("siren-1", Role.TECHNICIAN, 403), ("siren-1", Role.OPERATOR, 201)],
)
async def test_a_signing_request_is_no_way_around_an_approval(
    hub: WebHub, device: str, role: Role, status: int
) -> None:
    hub.add_device("cam-1")
    hub.add_device("siren-1", "bpbd")
    async with hub.client(hub.token(role)) as client:
        answer = await client.post(f"{DEVICES}/{device}/certificate", data=signing_request(device))
    assert (answer.status, len(hub.services.registry.certificates(device))) == (status, int(status == 201))


@pytest.mark.parametrize("encode", [bytes, base64.b64encode], ids=["DER", "base64"])
async def test_a_signing_request_gives_a_certificate_with_its_chain(
    hub: WebHub, admin: Client, encode: type[bytes]
) -> None:
    hub.add_device("cam-1")
    answer = await admin.post(f"{DEVICES}/cam-1/certificate", data=encode(signing_request("cam-1")))
    chain = x509.load_pem_x509_certificates(answer.content)
    chain[0].verify_directly_issued_by(chain[1])
    assert answer.status == 201
    assert [one["serial"] for one in (await admin.get(f"{DEVICES}/cam-1/certificates")).json] == [
        f"{chain[0].serial_number:x}"
    ]


async def test_a_claim_code_made_here_can_be_redeemed(hub: WebHub, admin: Client) -> None:
    hub.add_device("cam-1")
    made = await admin.post(f"{DEVICES}/cam-1/claim", json={"days": 1})
    hub.services.claims.redeem(made.json["code"], signing_request("cam-1"))
    assert (made.status, made.headers["Cache-Control"]) == (201, "no-store")


async def test_an_operator_approves_what_waits(hub: WebHub, admin: Client) -> None:
    hub.add_device("siren-1", "bpbd")
    code, csr = hub.services.claims.create("siren-1"), signing_request("siren-1")
    hub.services.claims.redeem(code, csr)
    [waiting] = (await admin.get("/api/v1/approvals")).json
    decision = {"key_fingerprint": waiting["key_fingerprint"]}
    answers = [await admin.post("/api/v1/approvals/siren-1/approve", json=decision) for _ in range(2)]
    assert ([answer.status for answer in answers], (await admin.get("/api/v1/approvals")).json) == ([204, 409], [])


async def test_revoking_retiring_replacing_and_transferring(hub: WebHub, admin: Client) -> None:
    for device in ("cam-1", "cam-2", "cam-3"):
        hub.add_device(device)
        hub.identity(device)
    revoked = await admin.post(f"{DEVICES}/cam-1/revoke", json={"reason": "key_compromise", "note": "stolen"})
    replaced = await admin.post(f"{DEVICES}/cam-2/replace", json={"serial": "SN-9"})
    retired = await admin.post(f"{DEVICES}/cam-3/retire", json={})
    transferred = await admin.post(f"{DEVICES}/cam-1/transfer", json={"agency": "bpbd"})
    assert (len(revoked.json["revoked"]), replaced.json["serial"], len(retired.json["revoked"])) == (1, "SN-9", 1)
    assert transferred.json["agency"] == "bpbd"
    assert (await admin.get(f"{DEVICES}/cam-3")).json["lifecycle"] == "retired"
    assert (await admin.post(f"{DEVICES}/cam-3/retire", json={})).problem["status"] == 409


async def test_sites_and_agencies_are_added_and_changed(admin: Client) -> None:
    await admin.post("/api/v1/agencies", json={"id": "dinkes", "approval_required": True})
    await admin.post("/api/v1/sites", json={"id": "rsud", "agency": "dinkes", "lat": -7.39, "lon": 109.36})
    site = await admin.request("PATCH", "/api/v1/sites/rsud", json={"name": "RSUD"})
    agency = await admin.request("PATCH", "/api/v1/agencies/dinkes", json={"name": "Dinas Kesehatan"})
    assert site.json == {"id": "rsud", "name": "RSUD", "agency": "dinkes", "lat": -7.39, "lon": 109.36}
    assert agency.json == {"id": "dinkes", "name": "Dinas Kesehatan", "approval_required": True}


async def test_a_site_cannot_go_to_an_agency_that_the_caller_does_not_reach(hub: WebHub) -> None:
    async with hub.client(hub.token(Role.OPERATOR, "bpbd")) as client:
        answer = await client.request("PATCH", "/api/v1/sites/pasar", json={"agency": "dishub"})
    assert answer.problem["status"] == 403


async def test_the_openapi_document_speaks_of_problems_only_as_problem_documents(admin: Client) -> None:
    document = (await admin.get("/api/v1/openapi.json")).json
    wrong = [
        (path, method, status)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        for status, response in operation["responses"].items()
        if status >= "400" and list(response["content"]) != ["application/problem+json"]
    ]
    assert (wrong, set(document["components"]["securitySchemes"])) == ([], {"token", "claim"})


async def test_many_changes_at_once_leave_the_record_whole(hub: WebHub, admin: Client) -> None:
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(hub.client(hub.token(role))) for role in (Role.TECHNICIAN, Role.OPERATOR)
        ]
        bodies = [{"id": f"cam-{number}", "profile": PROFILE, "agency": "dishub"} for number in range(60)]
        posts = (clients[number % 2].post(DEVICES, json=body) for number, body in enumerate(bodies))
        answers = await asyncio.gather(*posts)
    assert {answer.status for answer in answers} == {201}
    assert (await admin.get("/api/v1/audit/verify")).json["intact"] is True
