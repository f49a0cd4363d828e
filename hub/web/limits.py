"""Limits of the listener for the network, as ASGI middleware: requests an address, size and time of a body."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from http import HTTPStatus
from ipaddress import IPv6Address, ip_address
from math import ceil
from typing import TYPE_CHECKING, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request

from hub.web.problems import problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from hub.model import Clock

MINUTE_NS: Final = 60 * 1_000_000_000
_MOST_ADDRESSES: Final = 10_000
_LARGEST_IPV6_HOST: Final = 64  # bits that whoever holds an IPv6 network chooses freely


class Budget:
    """How much each key may still spend: a minute's worth at once, refilled evenly (the GCRA of ITU-T I.371).

    It remembers the latest 10,000 keys.
    """

    def __init__(self, per_minute: int, clock: Clock) -> None:
        self._interval_ns = MINUTE_NS // per_minute
        self._clock = clock
        self._free_at: OrderedDict[str, int] = OrderedDict()  # when all that the key has spent is refilled

    def spend(self, key: str) -> float:
        """Spend one; return 0, or the seconds to wait when nothing is left (then nothing is spent)."""
        now = self._clock()
        after = max(self._free_at.get(key, 0), now) + self._interval_ns
        if after - now > MINUTE_NS:
            return (after - now - MINUTE_NS) / 1e9
        self._free_at[key] = after
        self._free_at.move_to_end(key)
        if len(self._free_at) > _MOST_ADDRESSES:
            self._free_at.popitem(last=False)
        return 0.0


class RateLimit:
    """Answers 429 with Retry-After to an address that asks too often."""

    def __init__(self, app: ASGIApp, budget: Budget) -> None:
        self._app = app
        self._budget = budget

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it."""
        answer = self._app
        if scope["type"] == "http" and (wait_s := self._budget.spend(network_of(scope["client"]))):
            seconds = ceil(wait_s)
            answer = problem(
                Request(scope),
                HTTPStatus.TOO_MANY_REQUESTS,
                f"Too many requests from this address: wait {seconds} s.",
                headers={"Retry-After": str(seconds)},
            )
        await answer(scope, receive, send)


class BodyLimit:
    """Answers 413 to a body that is too large and 408 to one that takes too long.

    Args:
        app: what is protected.
        largest: bytes.
        larger: bytes for paths that begin with a prefix, where they may be more.
        seconds: how long a body may take to arrive.
    """

    def __init__(self, app: ASGIApp, largest: int, larger: Mapping[str, int], seconds: float) -> None:
        self._app = app
        self._largest = largest
        self._larger = larger
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with a body that keeps the limits."""
        if scope["type"] == "http":
            receive = _Body(receive, self._limit(scope["path"]), self._seconds, Request(scope)).receive
        await self._app(scope, receive, send)

    def _limit(self, path: str) -> int:
        return max((size for prefix, size in self._larger.items() if path.startswith(prefix)), default=self._largest)


class _Body:
    """A request's body as it arrives; the errors pass through the application to its handlers."""

    def __init__(self, receive: Receive, limit: int, seconds: float, request: Request) -> None:
        self._receive = receive
        self._limit = limit
        self._left = limit
        self._complete = False
        self._deadline = asyncio.get_running_loop().time() + seconds
        self._declared = request.headers.get("content-length", "0")

    async def receive(self) -> Message:
        if self._complete:
            return await self._receive()
        if self._exceeds(self._declared):
            raise self._too_large()
        message = await self._in_time()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise self._too_large()
        self._complete = not message.get("more_body", False)
        return message

    async def _in_time(self) -> Message:
        try:
            async with asyncio.timeout_at(self._deadline):
                return await self._receive()
        except TimeoutError:
            raise HTTPException(
                HTTPStatus.REQUEST_TIMEOUT, "The body took too long to arrive: send it again."
            ) from None

    def _exceeds(self, declared: str) -> bool:
        if not (declared.isascii() and declared.isdecimal()):
            raise HTTPException(HTTPStatus.BAD_REQUEST, "Content-Length is no number.")
        return len(declared) > len(str(self._limit)) or int(declared) > self._limit

    def _too_large(self) -> HTTPException:
        return HTTPException(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The body is larger than {self._limit} bytes: send less."
        )


def network_of(client: tuple[str, int] | None) -> str:
    """Return what counts as one address: an IPv4 address, or the /64 network of an IPv6 one."""
    if client is None:
        return ""
    address = ip_address(client[0].partition("%")[0])
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(int(address) >> _LARGEST_IPV6_HOST)
