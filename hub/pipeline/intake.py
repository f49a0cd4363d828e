"""From bursts to durable batches: decode, collect, commit, acknowledge.

While one batch is being committed the next one fills; when that is full as well, the sources must wait. So two
batches and one burst are all that memory ever holds.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NoReturn

from hub.directory import Directory, device_of
from hub.errors import Fault, Reason, Rejected, SpoolFull
from hub.model import Batch, Burst, DeadLetter, Lines, Message

if TYPE_CHECKING:
    from collections.abc import Callable

    from hub.decode.watch import Watch
    from hub.directory import Route
    from hub.pipeline.counters import Counters
    from hub.pipeline.options import PipelineOptions
    from hub.spool.base import Spool

RETRY_S: Final = 0.25
"""How often a full spool is asked again."""
OVERFULL: Final = 2.0
"""Lines that nobody sent cannot be held back as a socket can: they are taken until a batch is so many times full."""
PAYLOAD_KEPT: Final = 2048
"""Bytes of a rejected payload that are kept: enough to see what the device means."""
DETAIL_KEPT: Final = 500
"""Characters that say what was wrong; a fault may quote values of any depth."""
TOPIC_KEPT: Final = 256
"""Characters of a rejected message's topic that are kept; MQTT allows 65,535 bytes."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Open:
    """The batch that is being filled."""

    texts: list[bytes] = field(default_factory=list)
    messages: int = 0
    added: int = 0
    size: int = 0
    dead: list[DeadLetter] = field(default_factory=list)
    acknowledge: list[Callable[[], None]] = field(default_factory=list)

    def close(self) -> Batch:
        lines = b"".join(self.texts)
        return Batch(lines, lines.count(b"\n"), self.dead)


class BatchingIntake:
    """Implements `hub.sources.base.Intake` in front of a spool."""

    def __init__(self, directory: Directory, spool: Spool, options: PipelineOptions, counters: Counters) -> None:
        self._directory = directory
        self._spool = spool
        self._options = options
        self._counters = counters
        self._open = _Open()
        self._something = asyncio.Event()
        self._full = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._held = False

    def offer(self, burst: Burst) -> bool:
        """Decode a burst into the open batch; see `Intake.offer`."""
        opened = self._open
        text = self._decode(burst, opened.dead).encode()
        opened.texts.append(text)
        opened.size += len(text)
        opened.messages += len(burst.messages)
        opened.acknowledge.append(burst.acknowledge)
        self._grown()
        return self._room.is_set()

    def add(self, lines: Lines) -> bool:
        """Take lines into the open batch; see `Intake.add`."""
        if self._held or self._filled() >= OVERFULL:
            return False
        opened, text = self._open, lines.text.encode()
        opened.texts.append(text)
        opened.size += len(text)
        opened.added += text.count(b"\n") + len(lines.dead)
        opened.dead += lines.dead
        self._counters.rejected.update(letter.reason for letter in lines.dead)
        self._grown()
        return True

    def _grown(self) -> None:
        self._something.set()
        self._idle.clear()
        if self._filled() >= 1:
            self._full.set()
            self._room.clear()

    def _filled(self) -> float:
        """Return how much of a batch the open one is."""
        opened, options = self._open, self._options
        return max((opened.messages + opened.added) / options.commit_lines, opened.size / (options.commit_kb * 1000))

    async def ready(self) -> None:
        """See `Intake.ready`."""
        await self._room.wait()

    async def settled(self) -> None:
        """See `Intake.settled`."""
        await self._idle.wait()

    async def run(self) -> None:
        """Commit and acknowledge until cancelled."""
        while True:
            await self._something.wait()
            await self._linger()
            await self.commit()

    async def commit(self) -> None:
        """Make what has been collected durable, then acknowledge it."""
        closing, self._open = self._open, _Open()
        self._something.clear()
        self._full.clear()
        self._room.set()
        batch = closing.close()
        await self._append(batch)
        for acknowledge in closing.acknowledge:
            acknowledge()
        self._counters.commits += 1
        self._counters.messages_acknowledged += closing.messages
        self._counters.points_spooled += batch.count
        if not self._something.is_set():
            self._idle.set()

    async def _linger(self) -> None:
        """Wait for neighbours: one fsync then serves them all."""
        try:
            async with asyncio.timeout(self._options.commit_every_ms / 1000):
                await self._full.wait()
        except TimeoutError:
            pass

    async def _append(self, batch: Batch) -> None:
        """A full spool holds the batch and its acknowledgements back; it is said once, and once that it is over."""
        while True:
            try:
                await self._spool.append(batch)
            except SpoolFull as error:
                if not self._held:
                    log.error("not acknowledging any more: %s", error)  # noqa: TRY400 - the message says it all
                self._held = True
                await asyncio.sleep(RETRY_S)
            else:
                break
        if self._held:
            log.info("acknowledging again: the spool has room")
        self._held = False

    def _decode(self, burst: Burst, dead: list[DeadLetter]) -> str:
        routes, limit = self._directory.routes, self._options.max_payload_bytes
        received_ns = burst.received_ns - 1
        lines: list[str] = []
        size = 0
        for message in burst.messages:
            received_ns += 1
            payload = message.payload
            size += len(payload)
            try:
                tags, decode, watch = routes[message.topic]
                if len(payload) > limit:
                    _refuse(watch, message, received_ns, limit)
                lines.append(decode(tags, payload, received_ns, message.retain, watch))
            except Exception as error:  # noqa: BLE001 - one bad message must never stop the others
                lines.append(self._otherwise(message, received_ns, error, dead))
        self._counters.messages += len(burst.messages)
        self._counters.bytes += size
        return "".join(lines)

    def _otherwise(self, message: Message, received_ns: int, error: Exception, dead: list[DeadLetter]) -> str:
        """Decode a message of a topic that is met for the first time; reject any other."""
        directory, topic = self._directory, message.topic
        if not isinstance(error, KeyError) or topic in directory.routes:
            return self._reject(message, received_ns, error, directory.routes.get(topic), dead)
        route = directory.resolve(topic)
        if route is None:
            return self._reject(message, received_ns, Rejected([directory.missing(topic)]), None, dead)
        try:
            return self._decoded(route, message, received_ns)
        except Exception as last:  # noqa: BLE001 - one bad message must never stop the others
            return self._reject(message, received_ns, last, route, dead)

    def _decoded(self, route: Route, message: Message, received_ns: int) -> str:
        tags, decode, watch = route
        if len(message.payload) > self._options.max_payload_bytes:
            _refuse(watch, message, received_ns, self._options.max_payload_bytes)
        return decode(tags, message.payload, received_ns, message.retain, watch)

    def _reject(
        self, message: Message, received_ns: int, error: Exception, route: Route | None, dead: list[DeadLetter]
    ) -> str:
        """Write one dead letter for the message; return the lines that were good in it."""
        shown = message.topic[:TOPIC_KEPT]
        if isinstance(error, Rejected):
            faults, kept = error.faults, error.kept
        else:
            faults, kept = [Fault(Reason.DECODER_FAILED, f"{type(error).__name__}: {error}")], ""
        reason = faults[0].reason
        detail = "; ".join(fault.detail for fault in faults)[:DETAIL_KEPT]
        device = device_of(shown) if route is None else route.watch.device
        dead.append(DeadLetter(received_ns, device, shown, reason, detail, message.payload[:PAYLOAD_KEPT]))
        self._counters.rejected[reason] += 1
        return kept


def _refuse(watch: Watch, message: Message, received_ns: int, limit: int) -> NoReturn:
    """Reject what is too large to look into; it is a sign of life all the same."""
    if not message.retain:
        watch.heard_ns = received_ns
    raise Rejected([Fault(Reason.TOO_LARGE, f"{len(message.payload)} bytes, {limit} are allowed")])
