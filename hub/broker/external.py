"""The watch over a broker that somebody else runs: the hub can only try what it does, and say what to do."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from hub.broker.canary import Verdict, canary_context, fly
from hub.broker.problems import Problems
from hub.errors import CityhubError
from provisioning.errors import ProvisioningError
from provisioning.files import write_atomically

if TYPE_CHECKING:
    import ssl
    from pathlib import Path

    from hub.broker.base import BrokerPolicy
    from hub.broker.canary import Flight
    from hub.model import Clock

EVERY_S: Final = 60.0

_REMEDY: Final = {
    Verdict.ADMITTED: "Name the hub's list there (mosquitto: `crlfile`), fetch it at least daily, and reload",
    Verdict.LOCKED_OUT: "Fetch the hub's newest list, put it there and reload; do so at least daily",
    Verdict.UNCLEAR: "Check its address, and that it offers TLS 1.2 with the hub's authority as its CA",
}


class ExternalWatch:
    """Tries once a minute whether a broker enforces the revocation list.

    Args:
        policy: whose canary flies, and whose certificates the broker shows.
        address: host and port where devices come in.
        folder: takes the canary's certificate and key; it exists.
        ca_pem: who vouches for the broker, when it is not the hub's own authority.
    """

    def __init__(
        self, policy: BrokerPolicy, address: tuple[str, int], folder: Path, clock: Clock, ca_pem: bytes | None = None
    ) -> None:
        self._policy = policy
        self._address = address
        self._files = folder / "canary.pem", folder / "canary.key"
        self._clock = clock
        self._ca_pem = ca_pem
        self._problems = Problems()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="broker")

    @property
    def problems(self) -> list[str]:
        """What is wrong, a sentence each; empty when well."""
        return self._problems.sentences(self._clock())

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(EVERY_S)

    async def look(self) -> None:
        """Have the canary fly once."""
        try:
            flight = await self._fly()
        except (CityhubError, ProvisioningError) as error:
            self._problems.state("canary", str(error))
            return
        remedy = _REMEDY.get(flight.verdict)
        host, port = self._address
        self._problems.state("canary", f"{flight.sentence} {remedy}: {host}:{port}." if remedy else "")

    async def _fly(self) -> Flight:
        tls = await asyncio.get_running_loop().run_in_executor(self._thread, self._context)
        return await fly(*self._address, tls)

    def _context(self) -> ssl.SSLContext:
        canary, (certificate, key) = self._policy.canary(), self._files
        write_atomically(certificate, canary.presented_pem)
        write_atomically(key, canary.key_pem)
        return canary_context(self._ca_pem or self._policy.trusted(), certificate, key)
