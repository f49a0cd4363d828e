"""Alert rules, contact points, the texts of notifications, times without them, and our branch of the policies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from hub.grafana.compare import differences
from hub.grafana.content import FINGERPRINT
from hub.grafana.items import Json, Standing, State, judged
from hub.grafana.policies import TEMPLATE, WORDS, find_branch, merge
from hub.grafana.shapes import OBJECT, OBJECTS

if TYPE_CHECKING:
    from hub.grafana.client import Client

API: Final = "/api/v1/provisioning"
_LOCKED_BY: Final = "file"


@dataclass(frozen=True, slots=True)
class _Listed:
    """What stands in one of the API's lists, each by its uid or name; created, updated and removed alike."""

    place: ClassVar[str]
    key: ClassVar[str] = "uid"

    body: Json

    @property
    def name(self) -> str:
        """See `Item.name`."""
        return str(self.body[self.key])

    @property
    def _path(self) -> str:
        return f"{API}/{self.place}/{self.name}"

    async def put(self, client: Client, standing: Standing, *, overwrite: bool) -> None:  # noqa: ARG002 - the Item's signature
        """See `Item.put`."""
        if standing.there:
            await client.send("PUT", self._path, self.body, provisioning=True)
        else:
            await client.send("POST", f"{API}/{self.place}", self.body, provisioning=True)

    async def remove(self, client: Client, standing: Standing) -> None:  # noqa: ARG002 - the Item's signature
        """See `Item.remove`."""
        await client.send("DELETE", self._path, provisioning=True)


@dataclass(frozen=True, slots=True)
class Rule(_Listed):
    """An alert rule: edited by hand when it still carries the fingerprint of our text, but is another."""

    place: ClassVar = "alert-rules"
    kind: str = "alert rule"

    async def look(self, client: Client) -> Standing:
        """See `Item.look`."""
        there = await client.find(OBJECT, self._path)
        if there is None:
            return Standing(State.MISSING)
        if there.get("provenance") == _LOCKED_BY:
            return Standing(State.LOCKED, ["provisioned from files"], there)
        wanted = {key: value for key, value in self.body.items() if key != "orgID"}
        found = judged(there, differences(there, wanted))
        mark = (there.get("annotations") or {}).get(FINGERPRINT)
        same_text = mark == self.body["annotations"][FINGERPRINT]
        return Standing(State.EDITED, found.why, there) if found.state is State.OLDER and same_text else found


@dataclass(frozen=True, slots=True)
class ContactPoint(_Listed):
    """An agency's mail addresses."""

    place: ClassVar = "contact-points"
    kind: str = "contact point"

    async def look(self, client: Client) -> Standing:
        """See `Item.look`."""
        points = await client.get(OBJECTS, f"{API}/{self.place}", name=self.body["name"])
        there = next((point for point in points if point.get("uid") == self.name), None)
        if there is not None and there.get("provenance") == _LOCKED_BY:
            return Standing(State.LOCKED, ["provisioned from files"], there)
        return judged(there, differences(there, self.body) if there else [])


@dataclass(frozen=True, slots=True)
class MuteTiming(_Listed):
    """Times without notifications."""

    place: ClassVar = "mute-timings"
    key: ClassVar = "name"
    kind: str = "mute timing"

    async def look(self, client: Client) -> Standing:
        """See `Item.look`."""
        there = await client.find(OBJECT, self._path)
        return judged(there, differences(there, self.body) if there else [])


@dataclass(frozen=True, slots=True)
class Template:
    """The texts of our notifications."""

    kind: str = "template"
    name: str = TEMPLATE

    async def look(self, client: Client) -> Standing:
        """See `Item.look`."""
        there = await client.find(OBJECT, f"{API}/templates/{TEMPLATE}")
        changed = there is not None and str(there.get("template", "")).strip() != WORDS.strip()
        return judged(there, ["another text"] if changed else [])

    async def put(self, client: Client, standing: Standing, *, overwrite: bool) -> None:  # noqa: ARG002 - the Item's signature
        """See `Item.put`."""
        await client.send("PUT", f"{API}/templates/{TEMPLATE}", {"template": WORDS}, provisioning=True)

    async def remove(self, client: Client, standing: Standing) -> None:  # noqa: ARG002 - the Item's signature
        """See `Item.remove`."""
        await client.send("DELETE", f"{API}/templates/{TEMPLATE}", provisioning=True)


@dataclass(frozen=True, slots=True)
class Policies:
    """Our branch of the notification policies; None when there shall be none."""

    branch: Json | None
    kind: str = "notification policy"
    name: str = "cityhub"

    async def look(self, client: Client) -> Standing:
        """See `Item.look`; what is there is the whole tree, which goes back but for our branch as it was."""
        tree = await client.get(OBJECT, f"{API}/policies")
        if tree.get("provenance") == _LOCKED_BY:
            return Standing(State.LOCKED, ["provisioned from files"], tree)
        there = find_branch(tree)
        if there is None or self.branch is None:
            return Standing(
                State.SAME if there is self.branch else State.MISSING if self.branch else State.OLDER, [], tree
            )
        why = differences(there, self.branch)
        return Standing(State.OLDER if why else State.SAME, why, tree)

    async def put(self, client: Client, standing: Standing, *, overwrite: bool) -> None:  # noqa: ARG002 - the Item's signature
        """See `Item.put`."""
        await client.send("PUT", f"{API}/policies", merge(standing.there, self.branch), provisioning=True)

    async def remove(self, client: Client, standing: Standing) -> None:
        """See `Item.remove`."""
        if find_branch(standing.there):
            await client.send("PUT", f"{API}/policies", merge(standing.there, None), provisioning=True)
