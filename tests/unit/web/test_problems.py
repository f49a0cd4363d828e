from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from hub.web.problems import PROBLEM_TYPE, STATUS
from hub.web.server import build_api
from provisioning import errors
from tests.webserver import client_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.webserver import Client

router = APIRouter()
CHALLENGE = 'Bearer realm="cityhub"'
served = pytest.mark.asyncio(loop_scope="module")  # one server for all


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    name: str
    code: int = 0


RAISED: dict[str, Exception] = {
    "taken": errors.AlreadyExists("The device 'cam-1' exists already."),
    "key": errors.KeyProblem("The key is too weak."),
    "storage": errors.StorageProblem("The database 'postgresql://db' cannot be used."),
    "bug": RuntimeError("a secret"),
    "forbidden": errors.Forbidden("siti has the role viewer."),
    "anonymous": errors.NotAuthenticated("The token is unknown."),
    "cam-1": errors.UnknownDevice("cam-1"),
    "body": errors.Unknown("site", "pasar"),
}


@router.get("/raise/{what}")
def raises(what: str) -> None:
    raise RAISED[what]


@router.post("/bodies")
def takes(body: Body) -> str:
    return body.name


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client() -> AsyncIterator[Client]:
    async with client_of(build_api([router], "1")) as client:
        yield client


@served
async def test_a_refusal_names_its_kind_and_says_what_was_wrong(client: Client) -> None:
    assert (await client.get("/raise/taken")).problem == {
        "type": "/problems/already-exists",
        "title": "An id, serial or IMEI is taken",
        "status": 409,
        "detail": "The device 'cam-1' exists already.",
        "instance": "/raise/taken",
    }


@pytest.mark.parametrize(
    ("what", "status"),
    [("key", 400), ("forbidden", 403), ("anonymous", 401), ("cam-1", 404), ("storage", 503), ("bug", 500)],
)
@served
async def test_each_error_has_its_status(client: Client, what: str, status: int) -> None:
    assert (await client.get(f"/raise/{what}")).problem["status"] == status


@served
async def test_what_the_body_refers_to_is_not_confused_with_the_address(client: Client) -> None:
    assert ((await client.get("/raise/body")).problem)["status"] == 422


@served
async def test_whoever_is_not_known_is_told_how_to_authenticate(client: Client) -> None:
    assert (await client.get("/raise/anonymous")).headers["WWW-Authenticate"] == CHALLENGE


@pytest.mark.parametrize("what", ["storage", "bug"])
@served
async def test_a_fault_of_the_hub_tells_nothing_of_its_inside(client: Client, what: str) -> None:
    text = (await client.get(f"/raise/{what}")).content.decode()
    assert not [word for word in ("secret", "postgresql", "Traceback", ".py") if word in text]


@served
async def test_a_path_that_does_not_exist(client: Client) -> None:
    assert (await client.get("/nowhere")).problem == {
        "title": "Not Found",
        "status": 404,
        "instance": "/nowhere",
    }


@served
async def test_a_method_that_is_not_allowed_names_those_that_are(client: Client) -> None:
    answer = await client.request("DELETE", "/bodies")
    assert (answer.problem["status"], answer.headers["Allow"]) == (405, "POST")


@served
async def test_each_fault_of_a_body_is_named_without_its_value(client: Client) -> None:
    answer = await client.post("/bodies", json={"code": "hunter2", "x": 1})
    assert answer.problem["errors"] == [
        {"where": "#/name", "detail": "Field required"},
        {"where": "#/code", "detail": "Input should be a valid integer"},
        {"where": "#/x", "detail": "there is no such field"},
    ]
    assert b"hunter2" not in answer.content


@pytest.mark.parametrize("body", [b"{", b"", b"[]", b"\xff", b'{"name": 1e999}'])
@served
async def test_a_body_that_is_none_is_refused(client: Client, body: bytes) -> None:
    answer = await client.post("/bodies", data=body, headers={"Content-Type": "application/json"})
    assert answer.problem["status"] in {400, 422}


@pytest.mark.slow
@served
async def test_every_error_of_provisioning_is_explained_where_its_type_leads(client: Client) -> None:
    for what, error in RAISED.items():
        if isinstance(error, errors.ProvisioningError):
            kind = (await client.get(f"/raise/{what}")).problem["type"]
            assert (await client.get(kind)).status == 200


def test_every_error_of_provisioning_has_a_status_of_its_own() -> None:
    tree = {one for _, one in inspect.getmembers(errors, inspect.isclass) if issubclass(one, errors.ProvisioningError)}
    assert tree - set(STATUS) == set()


@served
async def test_what_is_not_http_is_answered_with_a_problem_too(client: Client) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    writer.write(b"\x16\x03\x01 not http\r\n\r\n")
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    assert (head.split(b"\r\n")[0], b"application/problem+json" in head) == (b"HTTP/1.1 400 ", True)
    assert b'"status":400' in body


@served
async def test_the_openapi_document_names_the_problems_of_each_operation(client: Client) -> None:
    document = (await client.get("/api/v1/openapi.json")).json
    responses = document["paths"]["/bodies"]["post"]["responses"]
    assert set(responses) == {"200", "400", "408", "409", "413", "422", "429", "500", "503"}
    assert responses["422"]["content"] == {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    assert {"Problem", "Fault"} <= set(document["components"]["schemas"])
