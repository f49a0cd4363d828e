"""Sends statements that change InfluxDB 1.x.

https://docs.influxdata.com/influxdb/v1/tools/api/#query-http-endpoint
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp
from pydantic import BaseModel, ValidationError

from hub.local.errors import LocalServerFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

_TIMEOUT = aiohttp.ClientTimeout(total=30)
_OK, _UNAUTHORISED = 200, 401


class Unauthorised(LocalServerFailed):
    """The server does not let this user in."""


class _Result(BaseModel):
    error: str | None = None


class _Answer(BaseModel):
    error: str | None = None
    results: list[_Result] = []


async def execute(url: str, statements: Sequence[str], authorization: str | None = None) -> None:
    """Run statements one after the other, in one request; `authorization` is its header, if it has one.

    Raises:
        Unauthorised: the server does not let the user in.
        LocalServerFailed: it does not answer, or a statement failed; quotes the server, never a statement.
    """
    headers = {} if authorization is None else {"Authorization": authorization}
    try:
        async with (
            aiohttp.ClientSession(timeout=_TIMEOUT, headers=headers) as session,
            session.post(f"{url}/query", data={"q": "; ".join(statements)}) as response,
        ):
            check_answer(response.status, await response.read())
    except (aiohttp.ClientError, TimeoutError) as error:
        why = str(error) or type(error).__name__
        raise LocalServerFailed(f"The database at {url} does not answer: {why}") from error


def check_answer(status: int, body: bytes) -> None:
    """Return when all statements succeeded.

    Raises:
        Unauthorised: status 401.
        LocalServerFailed: a statement failed, or the answer is not InfluxDB's.
    """
    try:
        answer = _Answer.model_validate_json(body)
    except ValidationError:
        raise LocalServerFailed(f"The database answered {status} with something that is not InfluxDB's.") from None
    errors = [error for error in (answer.error, *(result.error for result in answer.results)) if error]
    if status == _UNAUTHORISED:
        raise Unauthorised(f"The database refuses the login: {'; '.join(errors)}")
    if errors or status != _OK:
        raise LocalServerFailed(f"The database answered {status}: {'; '.join(errors)}")
