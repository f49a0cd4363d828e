"""What every one of our things in Grafana can do: say how it stands, be put there, and be taken away."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from hub.grafana.client import Client

Json = dict[str, Any]


class State(StrEnum):
    """How a thing of ours stands in Grafana."""

    SAME = "same"
    MISSING = "missing"
    OLDER = "older"
    EDITED = "edited by hand"
    LOCKED = "locked"


@dataclass(frozen=True, slots=True)
class Standing:
    """What was found.

    Attributes:
        why: what differs, or who edited it, a line each.
        there: what Grafana has, for the request that changes it; empty when it has nothing.
    """

    state: State
    why: list[str] = field(default_factory=list)
    there: Json = field(default_factory=dict)


class Item(Protocol):
    """One thing of ours in Grafana."""

    @property
    def kind(self) -> str:
        """What it is, for people: dashboard, alert rule ..."""

    @property
    def name(self) -> str:
        """Its uid, or its name where Grafana knows it by that."""

    async def look(self, client: Client) -> Standing:
        """Return how it stands; raises GrafanaError."""

    async def put(self, client: Client, standing: Standing, *, overwrite: bool) -> None:
        """Create it, or make it as it should be; raises GrafanaError."""

    async def remove(self, client: Client, standing: Standing) -> None:
        """Take it away; raises GrafanaError."""


def judged(there: Json | None, why: list[str]) -> Standing:
    """Return the standing of a thing that is ours alone: missing, the same, or older."""
    if there is None:
        return Standing(State.MISSING)
    return Standing(State.OLDER if why else State.SAME, why, there)
