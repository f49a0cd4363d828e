"""Puts everything of ours into Grafana, says what would change, checks it, and takes it away again.

Each thing is looked at before it is touched, so that a second push changes nothing, and one that was stopped half way
is taken up where it stopped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hub.grafana.alerting import ContactPoint, MuteTiming, Policies, Rule, Template
from hub.grafana.boards import Board, DataSource, Folder
from hub.grafana.content import alert_rules, dashboards
from hub.grafana.errors import Away, GrafanaError, Refused
from hub.grafana.items import Standing, State
from hub.grafana.policies import branch, contact_points, mute_timing
from hub.grafana.shapes import HEALTH
from hub.grafana.sources import data_sources

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hub.grafana.client import Client
    from hub.grafana.items import Item
    from hub.grafana.options import GrafanaOptions
    from hub.sinks.options import SinkOptions

OLDEST = 11
"""The oldest major version that is supported."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one thing.

    Attributes:
        state: how it stood before.
        done: what was done: created, updated, kept, removed, or nothing.
        why: what differs, who edited it, or what went wrong.
        failed: whether something went wrong.
    """

    kind: str
    name: str
    state: str
    done: str = ""
    why: tuple[str, ...] = ()
    failed: bool = False

    def plain(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "kind": self.kind, "name": self.name, "state": self.state, "done": self.done, "why": list(self.why),
            "failed": self.failed,
        }  # fmt: skip


def everything(options: GrafanaOptions, database: SinkOptions, timezone: str) -> list[Item]:
    """Return all that is ours, in the order in which one needs the other.

    Raises:
        SettingsError: the file that holds the database's secret cannot be used.
    """
    mute = mute_timing(options.maintenance, timezone)
    ours: list[Item] = [Folder()]
    ours += [DataSource(body) for body in data_sources(options.influxdb or database)]
    ours += [Board(body) for body in dashboards()]
    ours += [Template()] if options.contacts else []
    ours += [ContactPoint(body) for body in contact_points(options.contacts)]
    ours += [MuteTiming(mute)] if mute else []
    ours += [Rule(body) for body in alert_rules()]
    return [*ours, Policies(branch(options.contacts, muted=mute is not None))]


async def version(client: Client) -> str:
    """Return Grafana's version.

    Raises:
        Refused: it is no Grafana, or one that is too old.
        GrafanaError: as `Client.send`.
    """
    try:
        found = (await client.get(HEALTH, "/api/health")).version
    except Refused as error:
        raise Refused(f"what answers there is not a Grafana; check grafana.url, with its path ({error})") from error
    major = found.partition(".")[0]
    if not major.isdecimal() or int(major) < OLDEST:
        raise Refused(f"this is Grafana {found}; {OLDEST} or newer is needed")
    return found


async def push(client: Client, items: Sequence[Item], *, overwrite: bool = False) -> list[Result]:
    """Make everything as it should be; what was edited by hand is kept unless it is to be overwritten.

    Raises:
        Away: Grafana went away on the way; what was done stays done.
    """
    return [await _settled(client, item, overwrite=overwrite) for item in items]


async def _settled(client: Client, item: Item, *, overwrite: bool) -> Result:
    try:
        standing = await item.look(client)
        done = _what_to_do(standing.state, overwrite=overwrite)
        if done in {"created", "updated"}:
            await item.put(client, standing, overwrite=overwrite)
    except Away:
        raise
    except GrafanaError as error:
        return Result(item.kind, item.name, "unknown", "", (str(error),), failed=True)
    return _result(item, standing, done)


def _what_to_do(state: State, *, overwrite: bool) -> str:
    match state:
        case State.MISSING:
            return "created"
        case State.OLDER:
            return "updated"
        case State.EDITED:
            return "updated" if overwrite else "kept"
        case State.LOCKED:
            return "kept"
        case State.SAME:
            return ""


async def diff(client: Client, items: Sequence[Item]) -> list[Result]:
    """Tell how everything stands; changes nothing.

    Raises:
        Away: Grafana is not there.
    """
    results: list[Result] = []
    for item in items:
        try:
            results.append(_result(item, await item.look(client), ""))
        except Away:
            raise
        except GrafanaError as error:
            results.append(Result(item.kind, item.name, "unknown", "", (str(error),), failed=True))
    return results


async def remove(client: Client, items: Sequence[Item], *, overwrite: bool = False) -> list[Result]:
    """Take everything of ours away, last things first; what was edited by hand is kept unless it is to go as well.

    Raises:
        Away: Grafana went away on the way; what was done stays done.
    """
    return [await _removed(client, item, overwrite=overwrite) for item in reversed(items)]


async def _removed(client: Client, item: Item, *, overwrite: bool) -> Result:
    try:
        standing = await item.look(client)
        keep = standing.state is State.LOCKED or (standing.state is State.EDITED and not overwrite)
        there = standing.state is not State.MISSING
        if there and not keep:
            await item.remove(client, standing)
    except Away:
        raise
    except GrafanaError as error:
        return Result(item.kind, item.name, "unknown", "", (str(error),), failed=True)
    return _result(item, standing, "kept" if keep else "removed" if there else "")


async def health(client: Client, items: Sequence[Item]) -> list[str]:
    """Return what keeps Grafana from the databases, a sentence each.

    Raises:
        Away: Grafana is not there.
    """
    problems: list[str] = []
    for item in items:
        if isinstance(item, DataSource):
            try:
                problems.append(await item.health(client))
            except Away:
                raise
            except GrafanaError as error:
                problems.append(str(error))
    return [text for text in problems if text]


def _result(item: Item, standing: Standing, done: str) -> Result:
    return Result(item.kind, item.name, standing.state.value, done, tuple(standing.why))
