"""The guard: what registry and authority say is what the managed broker enforces, within two seconds and for good.

It follows the policy, writes what the broker reads, has it read that again, proves with the canary that the
revocation list is enforced, and throws out who may not be there any more. And it looks whether somebody else has been
at the files: mosquitto 2.0.11 lets everybody in when it is made to read a bad one.

Reloads go one after the other, each waited for: a SIGHUP that arrives while mosquitto reads its files is forgotten.
Whoever else needs one asks the guard.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

from hub.broker.canary import Flight, Verdict, canary_context, fly
from hub.broker.crl import check_lists, read_certificates
from hub.broker.errors import CrlRefused, NotProven
from hub.broker.files import KeptFiles, read
from hub.broker.handshake import visit
from hub.broker.kick import kick
from hub.broker.problems import Problems
from hub.broker.rules import Rules
from hub.errors import CityhubError, LinkDown
from hub.transport.tls import client_context
from provisioning.clock import utc
from provisioning.errors import ProvisioningError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from hub.broker.acl import Topics
    from hub.broker.base import BrokerPolicy
    from hub.broker.files import Disturbance
    from hub.model import Clock
    from hub.transport.options import MqttOptions

HALF_OPEN_NS: Final = 100 * 1_000_000_000
"""mosquitto gives a connection that has not said CONNECT 90 s; one whose certificate was good when it came may still
say it after the certificate was revoked. So whoever is thrown out is thrown out once more when that time is over."""
_SOON_NS: Final = 5 * 1_000_000_000
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class GuardedBroker:
    """The broker that the guard looks after.

    Attributes:
        acl_file: its access list.
        crl_file: its revocation lists.
        ca_file: whom it trusts where devices come in.
        folder: takes the canary's certificate and key; it exists.
        inner: the listener on which a client may choose its id, and whose certificates are not on the lists.
        devices: address and port where devices come in.
        reload: has it read its files again, at once or once it runs.
        services: CNs that may say and hear everything where devices come in.
        vendors: profile -> the vendor's own topics, as the profile writes them.
    """

    acl_file: Path
    crl_file: Path
    ca_file: Path
    folder: Path
    inner: MqttOptions
    devices: tuple[str, int]
    reload: Callable[[], None]
    services: Sequence[str] = ()
    vendors: Topics = field(default_factory=dict)

    @property
    def canary_files(self) -> tuple[Path, Path]:
        """The canary's certificate with its chain, and its key."""
        return self.folder / "canary.pem", self.folder / "canary.key"


@dataclass(frozen=True, slots=True)
class Pace:
    """How often the guard looks, in seconds.

    Attributes:
        follow: at the policy and at the files.
        prove: at what the broker really does, although nothing changed.
    """

    follow: float = 0.5
    prove: float = 60.0


_USUAL_PACE: Final = Pace()


class Guard:
    """Keeps the managed broker true to the policy: `prepare` before the broker starts, then `run` beside it."""

    def __init__(self, policy: BrokerPolicy, broker: GuardedBroker, clock: Clock, *, pace: Pace = _USUAL_PACE) -> None:
        self._broker = broker
        self._clock = clock
        self._pace = pace
        self._rules = Rules(policy, clock, broker.services, broker.vendors)
        self._files = KeptFiles()
        self._problems = Problems()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="broker")
        self._reload_wanted = False
        self._prove_at = 0
        self._victims: set[str] = set()
        self._once_more: dict[str, int] = {}

    @property
    def problems(self) -> list[str]:
        """What is wrong, a sentence each; empty when well."""
        return self._problems.sentences(self._clock())

    def reload(self) -> None:
        """Have the broker read its files again when it is its turn, e.g. a renewed certificate of its own."""
        self._reload_wanted = True

    async def prepare(self) -> None:
        """Write all that the broker reads, before it starts: without, it would not.

        Raises:
            CrlRefused: there is no revocation list that may go under the broker.
            ProvisioningError: the policy cannot be read, or a file cannot be written.
        """
        await self._call(self._load)

    async def run(self) -> None:
        """Guard until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(self._pace.follow)

    async def look(self) -> None:
        """Look once at everything, and do what is needed; what cannot be done now is done the next time."""
        with self._noting("policy"):
            self._victims |= await self._call(self._follow)
        settled = False
        with self._noting("files"):
            await self._settle()
            settled = True
        if settled:
            with self._noting("canary"):
                await self._prove()
            with self._noting("sessions"):
                await self._throw_out()

    def _load(self) -> None:
        self._rules.load(read(self._broker.crl_file) or b"")
        self._write()

    def _follow(self) -> set[str]:
        victims = self._rules.follow()
        self._problems.state("lists", self._rules.trouble)
        return {victim for victim in victims if "." not in victim}  # a service's sessions have ids of its own choice

    async def _settle(self) -> None:
        """See to it that the files are as they should be, and that the broker has read them."""
        if await self._call(self._write):
            self._reload_wanted = True
        if self._reload_wanted:
            await self._have_read()
            self._prove_at = 0

    def _write(self) -> bool:
        """Write what is not as it should be; returns whether the broker must read it."""
        disturbances = self._files.disturbances()
        for one in disturbances:
            self._problems.alarm(self._alarm(one), self._clock())
            self._files.restore(one.path)
        broker, rules = self._broker, self._rules
        certificate, key = broker.canary_files
        self._files.put(certificate, rules.canary.presented_pem)
        self._files.put(key, rules.canary.key_pem)
        wanted = {broker.ca_file: rules.trusted, broker.acl_file: rules.access, broker.crl_file: rules.lists.pem}
        written = [self._files.put(path, content) for path, content in wanted.items()]
        return any(written) or bool(disturbances)

    def _alarm(self, one: Disturbance) -> str:
        return (
            f"{one.path}, which protects the broker, {self._what_happened(one)}. The hub puts it back and makes the "
            "broker read it again; find out who can write there."
        )

    def _what_happened(self, one: Disturbance) -> str:
        if one.found is None:
            return "was deleted or made unreadable"
        if one.wanted.startswith(one.found):
            return "was cut short" if one.found else "was emptied"
        if one.path != self._broker.crl_file:
            return "was changed"
        try:
            check_lists(one.found, read_certificates(self._rules.trusted), utc(self._clock()))
        except CrlRefused as error:
            return f"was replaced: {error.reason}"
        return "was replaced by another list"

    async def _have_read(self) -> None:
        """Have the broker read its files, and wait until it has.

        It has once it welcomes a visitor who came after the signal: it looks for signals between two rounds of
        its connections, and a visit takes several rounds.

        Raises:
            NotProven: it does not answer.
        """
        inner = self._broker.inner
        self._reload_wanted = False
        self._broker.reload()
        try:
            await visit(inner.host, inner.port, client_context(inner))
        except (LinkDown, OSError) as error:
            self._reload_wanted = True
            raise NotProven(f"The broker does not say that it has read its files: {error}.") from error

    async def _prove(self) -> None:
        """Have the canary fly when it is time; when it gets in, have the broker read its files and try once more.

        Raises:
            NotProven: the broker does not enforce the list, or it cannot be told.
        """
        now = self._clock()
        if now < self._prove_at:
            return
        self._prove_at = now + _SOON_NS
        flight = await self._fly()
        if flight.verdict in {Verdict.ADMITTED, Verdict.LOCKED_OUT}:
            if not self._problems.stands("canary"):
                self._problems.alarm(f"At {utc(now):%H:%M} UTC: {flight.sentence}", now)
            await self._have_read()
            flight = await self._fly()
        if flight.verdict is not Verdict.REFUSED:
            raise NotProven(flight.sentence)
        self._prove_at = now + int(self._pace.prove * 1e9)

    async def _fly(self) -> Flight:
        host, port = self._broker.devices
        tls = await self._call(lambda: canary_context(self._rules.trusted, *self._broker.canary_files))
        return await fly(host, port, tls)

    async def _throw_out(self) -> None:
        """End the sessions of those who may not be there any more.

        Raises:
            NotProven: the broker did not say so of all.
        """
        now = self._clock()
        due = self._victims | {victim for victim, at in self._once_more.items() if at <= now}
        if not due:
            return
        left = await kick(self._broker.inner, due)
        for victim in due - left:
            self._once_more.pop(victim, None)
        self._once_more |= dict.fromkeys(self._victims - left, now + HALF_OPEN_NS)
        self._victims &= left
        if left:
            raise NotProven(f"{len(left)} sessions that must end may go on, e.g. of {min(left)}.")

    @contextmanager
    def _noting(self, kind: str) -> Iterator[None]:
        """Turn an error of the block into a problem, which ends when the block is well the next time."""
        try:
            yield
        except (CityhubError, ProvisioningError) as error:
            self._problems.state(kind, str(error))
        else:
            self._problems.state(kind, "")

    async def _call(self, work: Callable[[], _Result]) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
