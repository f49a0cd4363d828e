"""The OpenAPI document: what FastAPI derives, with the problem documents that each operation may answer."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from hub.web.problems import PROBLEM_TYPE, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import FastAPI

JSON = dict[str, Any]

_SCHEMAS: Final = "#/components/schemas/"
_WRITES: Final = {"post", "put", "patch", "delete"}
_NOT_OURS: Final = {"HTTPValidationError", "ValidationError"}  # FastAPI's own form of 422, which nothing answers
_WITH_RETRY_AFTER: Final = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}


def describe(api: FastAPI) -> None:
    """Replace the document that an application derives by one that names its problems; built when first asked for."""

    def document() -> JSON:
        if api.openapi_schema is None:
            found = get_openapi(title=api.title, version=api.version, routes=api.routes)
            api.openapi_schema = with_problems(found)
        return api.openapi_schema

    api.openapi = document  # type: ignore[method-assign] # FastAPI's documented way to extend it


def with_problems(document: JSON) -> JSON:
    """Return an OpenAPI document in which every operation names the problems it may answer."""
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name in _NOT_OURS:
        schemas.pop(name, None)
    schemas.update(_problem_schemas())
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            responses = operation["responses"]
            if _speaks_of(responses.get("422"), "HTTPValidationError"):
                del responses["422"]
            for status in _problems_of(method, path, operation):
                responses.setdefault(str(status.value), _response(status))
    return document


def _problems_of(method: str, path: str, operation: JSON) -> Iterator[HTTPStatus]:
    if "security" in operation:
        yield from (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
    if "{" in path:
        yield HTTPStatus.NOT_FOUND
    if method in _WRITES:
        yield HTTPStatus.CONFLICT
    if "requestBody" in operation:
        yield from (HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    if "requestBody" in operation or "parameters" in operation:
        yield HTTPStatus.UNPROCESSABLE_ENTITY
    yield from (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.SERVICE_UNAVAILABLE)


def _response(status: HTTPStatus) -> JSON:
    said: JSON = {
        "description": status.phrase,
        "content": {PROBLEM_TYPE: {"schema": {"$ref": f"{_SCHEMAS}{Problem.__name__}"}}},
    }
    if status in _WITH_RETRY_AFTER:
        said["headers"] = {"Retry-After": {"description": "Seconds to wait", "schema": {"type": "integer"}}}
    if status == HTTPStatus.UNAUTHORIZED:
        said["headers"] = {"WWW-Authenticate": {"description": "How to authenticate", "schema": {"type": "string"}}}
    return said


def _problem_schemas() -> JSON:
    _, document = models_json_schema([(Problem, "serialization")], ref_template=_SCHEMAS + "{model}")
    schemas: JSON = document["$defs"]
    return schemas


def _speaks_of(response: JSON | None, schema: str) -> bool:
    return response is not None and f"{_SCHEMAS}{schema}" in str(response)
