"""The hub's own account in Grafana, and its token."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from hub.grafana.client import object_of
from hub.grafana.errors import Refused

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
    found = object_of(await client.find("/api/serviceaccounts/search", query=name)).get("serviceAccounts") or []
    account = next((one for one in found if one.get("name") == name), None)
    if account is None:
        account = object_of(await client.send("POST", "/api/serviceaccounts", {"name": name, "role": role.value}))
    tokens = f"/api/serviceaccounts/{account['id']}/tokens"
    taken = {one.get("name") for one in await client.find(tokens) or []}
    free = next(f"{name}-{number}" for number in range(1, len(taken) + 2) if f"{name}-{number}" not in taken)
    key = object_of(await client.send("POST", tokens, {"name": free})).get("key")
    if not isinstance(key, str):
        raise Refused("Grafana made a token and did not tell it; delete it there and repeat")
    return key
