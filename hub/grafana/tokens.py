"""The hub's own account in Grafana, and its token."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from hub.grafana.shapes import ACCOUNTS, KEY, MADE, NAMES, read

if TYPE_CHECKING:
    from hub.grafana.client import Client

ACCOUNT: Final = "cityhub"


class Role(StrEnum):
    """What the account is trusted with; only an Admin may write data sources."""

    EDITOR = "Editor"
    ADMIN = "Admin"


async def make_token(client: Client, role: Role) -> str:
    """Return a new token of the account of that role, which is made when it is not there.

    Args:
        client: let in as an administrator.

    Raises:
        GrafanaError: Grafana does not do it.
    """
    name = f"{ACCOUNT}-{role.lower()}"
    found = (await client.get(ACCOUNTS, "/api/serviceaccounts/search", query=name)).serviceAccounts
    number = next((one.id for one in found if one.name == name), None)
    if number is None:
        made = await client.send("POST", "/api/serviceaccounts", {"name": name, "role": role.value})
        number = read(MADE, made).id
    path = f"/api/serviceaccounts/{number}/tokens"
    taken = {one.name for one in await client.get(NAMES, path)}
    free = next(f"{name}-{index}" for index in range(1, len(taken) + 2) if f"{name}-{index}" not in taken)
    return read(KEY, await client.send("POST", path, {"name": free})).key
