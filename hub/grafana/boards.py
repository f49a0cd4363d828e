"""The folder, the data sources and the dashboards.

Grafana rewrites a dashboard when it saves it, so its content does not tell whether somebody edited it. Its history
does: the newest version carries our message, with the fingerprint of what we sent, or it is not ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hub.grafana.compare import differences, fingerprint
from hub.grafana.content import FOLDER, FOLDER_TITLE
from hub.grafana.errors import Refused
from hub.grafana.items import Json, Standing, State, judged
from hub.grafana.shapes import COUNTS, DASHBOARD, OBJECT, VERSIONS, Version, Versions

if TYPE_CHECKING:
    from hub.grafana.client import Client

SIGNATURE: Final = "cityhub "
"""How the message of each version that we save begins; the fingerprint follows."""


@dataclass(frozen=True, slots=True)
class Folder:
    """The folder of all dashboards and rules; who renames it in Grafana is left in peace."""

    kind: str = "folder"
    name: str = FOLDER

    async def look(self, client: Client) -> Standing:
        """See `Item.look`."""
        there = await client.find(OBJECT, f"/api/folders/{FOLDER}")
        return judged(there, [])

    async def put(self, client: Client, standing: Standing, *, overwrite: bool) -> None:  # noqa: ARG002 - the Item's signature
        """See `Item.put`."""
        await client.send("POST", "/api/folders", {"uid": FOLDER, "title": FOLDER_TITLE})

    async def remove(self, client: Client, standing: Standing) -> None:  # noqa: ARG002 - the Item's signature
        """Remove the folder when nobody else keeps anything in it."""
        counts = await client.get(COUNTS, f"/api/folders/{FOLDER}/counts")
        others = {what: count for what, count in counts.items() if count}
        if others:
            held = ", ".join(f"{count} {what}" for what, count in sorted(others.items()))
            raise Refused(f"the folder {FOLDER} still holds {held}; move or delete them in Grafana, then repeat")
        await client.send("DELETE", f"/api/folders/{FOLDER}")


@dataclass(frozen=True, slots=True)
class DataSource:
    """One of the two databases."""

    body: Json
    kind: str = "data source"

    @property
    def name(self) -> str:
        """See `Item.name`."""
        return str(self.body["uid"])

    async def look(self, client: Client) -> Standing:
        """See `Item.look`."""
        there = await client.find(OBJECT, f"/api/datasources/uid/{self.name}")
        if there is not None and there.get("readOnly"):
            return Standing(State.LOCKED, ["provisioned from files"], there)
        wanted = {key: value for key, value in self.body.items() if key not in {"secureJsonData", "isDefault"}}
        return judged(there, differences(there, wanted) if there else [])

    async def put(self, client: Client, standing: Standing, *, overwrite: bool) -> None:  # noqa: ARG002 - the Item's signature
        """See `Item.put`."""
        if standing.there:
            kept = {"isDefault": bool(standing.there.get("isDefault"))}  # the operator's choice, not ours
            await client.send("PUT", f"/api/datasources/uid/{self.name}", {**self.body, **kept})
        else:
            await client.send("POST", "/api/datasources", self.body)

    async def remove(self, client: Client, standing: Standing) -> None:  # noqa: ARG002 - the Item's signature
        """See `Item.remove`."""
        await client.send("DELETE", f"/api/datasources/uid/{self.name}")

    async def health(self, client: Client) -> str:
        """Return what keeps Grafana from the database; empty when it reaches it."""
        try:
            await client.send("GET", f"/api/datasources/uid/{self.name}/health")
        except Refused as error:
            return (
                f"Grafana cannot read {self.name} at {self.body['url']} ({error}); see grafana.influxdb in the settings"
            )
        return ""


@dataclass(frozen=True, slots=True)
class Board:
    """A dashboard."""

    body: Json
    kind: str = "dashboard"

    @property
    def name(self) -> str:
        """See `Item.name`."""
        return str(self.body["uid"])

    @property
    def message(self) -> str:
        """By which a version is known as ours."""
        return SIGNATURE + fingerprint(self.body)

    async def look(self, client: Client) -> Standing:
        """See `Item.look`."""
        path = f"/api/dashboards/uid/{self.name}"
        found = await client.find(DASHBOARD, path)
        if found is None:
            return Standing(State.MISSING)
        there = {"version": found.dashboard.get("version"), "folder": found.meta.folderUid}
        if found.meta.provisioned:
            return Standing(State.LOCKED, ["provisioned from files"], there)
        newest = _newest(await client.get(VERSIONS, f"{path}/versions", limit="1"))
        if newest.message == self.message:
            return Standing(State.SAME, [], there)
        why = differences(found.dashboard, self.body)
        if newest.message.startswith(SIGNATURE):
            return Standing(State.OLDER, why, there)
        by = f"by {newest.createdBy or 'somebody'}, {newest.created or 'at a time unknown'}"
        return Standing(State.EDITED, [by, *why], there)

    async def put(self, client: Client, standing: Standing, *, overwrite: bool) -> None:
        """See `Item.put`."""
        command = {
            "dashboard": {**self.body, "id": None, "version": standing.there.get("version")},
            "folderUid": standing.there.get("folder") or FOLDER,
            "message": self.message,
            "overwrite": overwrite,
        }
        await client.send("POST", "/api/dashboards/db", command)

    async def remove(self, client: Client, standing: Standing) -> None:  # noqa: ARG002 - the Item's signature
        """See `Item.remove`."""
        await client.send("DELETE", f"/api/dashboards/uid/{self.name}")


def _newest(history: Versions) -> Version:
    return history.versions[0] if history.versions else Version()
