"""Errors as problem documents (RFC 9457): every answer of 400 and above is one.

What provisioning raises has one table here. A class that is not in it counts as the nearest class above it that is.
"""

from __future__ import annotations

import logging
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse

from provisioning import errors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PROBLEM_TYPE: Final = "application/problem+json"
TYPES: Final = "/problems/"
_CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="cityhub"'}

STATUS: Final[Mapping[type[errors.ProvisioningError], HTTPStatus]] = {
    errors.ProvisioningError: HTTPStatus.CONFLICT,
    errors.InvalidIdentity: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.Unknown: HTTPStatus.NOT_FOUND,
    errors.UnknownDevice: HTTPStatus.NOT_FOUND,
    errors.AlreadyExists: HTTPStatus.CONFLICT,
    errors.StillInUse: HTTPStatus.CONFLICT,
    errors.WrongState: HTTPStatus.CONFLICT,
    errors.BadRequest: HTTPStatus.BAD_REQUEST,
    errors.KeyProblem: HTTPStatus.BAD_REQUEST,
    errors.BadClaim: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.Refused: HTTPStatus.FORBIDDEN,
    errors.NotAuthenticated: HTTPStatus.UNAUTHORIZED,
    errors.Forbidden: HTTPStatus.FORBIDDEN,
    errors.WeakPassword: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.AuthorityProblem: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.StorageProblem: HTTPStatus.SERVICE_UNAVAILABLE,
}

log = logging.getLogger(__name__)


class Fault(BaseModel):
    """One thing wrong with a request: where (a JSON pointer into the body, or the parameter's name) and what."""

    where: str
    detail: str


class Problem(BaseModel):
    """A problem document (RFC 9457, section 3)."""

    type: str = Field(default="about:blank", description="Path that explains this kind of problem, or about:blank")
    title: str = Field(description="The kind of problem, the same every time")
    status: int = Field(description="The HTTP status")
    detail: str = Field(default="", description="What was wrong this time, and what to do")
    instance: str = Field(default="", description="The path that was asked for")
    errors: list[Fault] = Field(default_factory=list, description="Each thing wrong with the request")


def problem(  # noqa: PLR0913 - what a problem document holds
    request: Request,
    status: int,
    detail: str = "",
    *,
    kind: type[errors.ProvisioningError] | None = None,
    faults: Sequence[Fault] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return a problem document as the answer to `request`.

    Args:
        request: what is answered.
        status: 400 to 599.
        detail: a sentence for the person who meets it; nothing secret.
        kind: the error that names the kind of problem; without one the status says all.
        faults: each thing wrong with the request.
        headers: sent along, e.g. Retry-After.
    """
    document = Problem(
        type=TYPES + _slug(kind) if kind else "about:blank",
        title=_title(kind) if kind else HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        instance=request.url.path,
        errors=list(faults),
    )
    content = document.model_dump_json(exclude_defaults=True)
    return Response(content, status, dict(headers or {}), media_type=PROBLEM_TYPE)


def speak_problems(api: FastAPI) -> None:
    """Let an application answer every error with a problem document, and explain each kind under /problems/."""
    api.add_exception_handler(errors.ProvisioningError, _on_provisioning)
    api.add_exception_handler(HTTPException, _on_http)
    api.add_exception_handler(RequestValidationError, _on_validation)
    api.add_exception_handler(Exception, _on_unforeseen)
    api.add_api_route(TYPES + "{kind}", _explain, response_class=PlainTextResponse, tags=["problems"])


def _explain(kind: str) -> str:
    """Explain a kind of problem, as its `type` leads here."""
    for error, status in STATUS.items():
        if _slug(error) == kind:
            return f"{_title(error)}. (HTTP status {status.value} {status.phrase})\n"
    raise HTTPException(HTTPStatus.NOT_FOUND)


def _on_provisioning(request: Request, error: Exception) -> Response:
    kind = next(kind for kind in type(error).__mro__ if kind in STATUS)
    status = STATUS[kind]
    if isinstance(error, errors.Unknown) and error.name not in request.path_params.values():
        status = HTTPStatus.UNPROCESSABLE_ENTITY  # the address is right: what the body refers to is not there
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("%s %s: %s", request.method, request.url.path, error)
        return problem(request, status, "The hub's log says more.", kind=kind, headers={"Retry-After": "30"})
    return problem(
        request, status, str(error), kind=kind, headers=_CHALLENGE if status == HTTPStatus.UNAUTHORIZED else None
    )


def _on_http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise TypeError(error)
    detail = "" if error.detail == HTTPStatus(error.status_code).phrase else error.detail
    return problem(request, error.status_code, detail, headers=error.headers)


def _on_validation(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise TypeError(error)
    faults = [_fault(one) for one in error.errors()]
    detail = "; ".join(f"{fault.where}: {fault.detail}" for fault in faults[:3])
    return problem(request, HTTPStatus.UNPROCESSABLE_ENTITY, detail, faults=faults)


def _on_unforeseen(request: Request, _error: Exception) -> Response:
    """The server logs the traceback; the client learns nothing of it."""
    return problem(request, HTTPStatus.INTERNAL_SERVER_ERROR, "This is a fault of the hub; its log says more.")


def _fault(one: Mapping[str, Any]) -> Fault:
    """Say what is wrong without repeating the value: it may be a secret."""
    source, *path = one["loc"]
    if one["type"] == "json_invalid":
        return Fault(where="#", detail=f"is not JSON: {one['ctx']['error']} at character {path[0]}")
    where = "#" + "".join(f"/{part}" for part in path) if source == "body" else ".".join(map(str, path))
    detail = "there is no such field" if one["type"] == "extra_forbidden" else one["msg"].removeprefix("Value error, ")
    return Fault(where=where, detail=detail)


def _slug(kind: type) -> str:
    """InvalidIdentity -> invalid-identity."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", kind.__name__).lower()


def _title(kind: type) -> str:
    return (kind.__doc__ or "").partition("\n")[0].rstrip(".")
