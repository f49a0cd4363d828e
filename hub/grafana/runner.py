"""Keeps Grafana company while the hub runs: push at the start, annotations, Live. Grafana being away harms nothing."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from hub.grafana.annotations import Annotations
from hub.grafana.client import connected
from hub.grafana.errors import Away, GrafanaError
from hub.grafana.live import beat
from hub.grafana.push import push, version

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from hub.grafana.annotations import Incidents
    from hub.grafana.client import Client
    from hub.grafana.items import Item
    from hub.grafana.live import Pulse
    from hub.grafana.options import GrafanaOptions
    from hub.model import Clock

log = logging.getLogger(__name__)

TICK_S: Final = 1.0
LOOK_S: Final = 5.0
"""Between two looks at the incidents."""
FIRST_PAUSE_S: Final = 2.0
LONGEST_PAUSE_S: Final = 60.0


class GrafanaRunner:
    """One Grafana, for as long as `run` runs.

    Args:
        items: what is pushed at the start; empty when nothing shall be.
        incidents: who knows them; None without annotations.
        pulse: takes the city's pulse; None without Live.
        authorization: the header, instead of the one that the token of the options makes.

    Attributes:
        address: where Grafana is.
        trouble: what keeps the hub from Grafana, a sentence; empty when all is well.
    """

    def __init__(  # noqa: PLR0913 - its parts are switched off one by one
        self,
        options: GrafanaOptions,
        clock: Clock,
        *,
        items: Sequence[Item] = (),
        incidents: Incidents | None = None,
        pulse: Callable[[], Pulse] | None = None,
        authorization: str = "",
    ) -> None:
        self.address = options.address
        self._options = options
        self._clock = clock
        self._items = items
        self._incidents = incidents
        self._pulse = pulse
        self._authorization = authorization
        self._troubles: dict[str, str] = {}

    @property
    def trouble(self) -> str:
        """See the class."""
        return next(iter(self._troubles.values()), "")

    async def run(self) -> None:
        """Run until cancelled.

        Raises:
            SettingsError: the file of the token or of the CA cannot be used.
        """
        async with connected(self._options, self._authorization) as client, asyncio.TaskGroup() as tasks:
            if self._items:
                tasks.create_task(self._push(client), name="grafana push")
            if self._incidents is not None:
                follow = Annotations(client, self._incidents, self._clock).reconcile
                tasks.create_task(self._repeat("annotations", follow, LOOK_S), name="grafana annotations")
            if self._pulse is not None:
                tasks.create_task(self._live(client, self._pulse), name="grafana live")
            await asyncio.Event().wait()

    async def _push(self, client: Client) -> None:
        """Push until Grafana has been there for the whole of it."""
        pause = FIRST_PAUSE_S
        while not await self._tried("push", lambda: self._push_once(client)):
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)

    async def _push_once(self, client: Client) -> None:
        found = await version(client)
        results = await push(client, self._items)
        for result in results:
            if result.failed or result.done == "kept":
                log.warning("grafana: %s %s: %s", result.kind, result.name, "; ".join(result.why[:1]))
        changed = sum(result.done in {"created", "updated"} for result in results)
        log.info("pushed to Grafana %s: %d of %d things changed", found, changed, len(results))

    async def _live(self, client: Client, pulse: Callable[[], Pulse]) -> None:
        await self._repeat("Live", lambda: beat(client, pulse(), self._clock()), TICK_S)

    async def _repeat(self, what: str, work: Callable[[], Awaitable[None]], every_s: float) -> None:
        """Do the work again and again; less often while it fails."""
        pause = every_s
        while True:
            pause = every_s if await self._tried(what, work) else min(2 * pause, LONGEST_PAUSE_S)
            await asyncio.sleep(pause)

    async def _tried(self, what: str, work: Callable[[], Awaitable[None]]) -> bool:
        """Do the work; log its failure once, and its recovery once.

        Returns:
            Whether there is no use in trying again soon: it is done, or Grafana does not want it.
        """
        try:
            await work()
        except GrafanaError as error:
            if what not in self._troubles:
                log.warning("grafana: %s: %s", what, error)
            self._troubles[what] = str(error)
            return not isinstance(error, Away) and what == "push"
        if self._troubles.pop(what, None):
            log.info("grafana: %s works again", what)
        return True
