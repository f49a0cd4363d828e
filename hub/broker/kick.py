"""Throws a live session out: an MQTT client whose id somebody else uses has to go (MQTT 5, 3.1.4-3; 3.1.1, 3.1.4-2).

mosquitto 2.0.11 does not look again at who is connected when its revocation list changes. The visitor comes in on the
hub's own listener, where a client id may be chosen, with a clean start: the session ends with all that was queued
for it. The victim's last will is published only if the access list still lets it speak.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from hub.broker.handshake import visit
from hub.errors import LinkDown
from hub.transport.tls import client_context

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hub.transport.options import MqttOptions

AT_ONCE: Final = 16


async def kick(inner: MqttOptions, client_ids: Iterable[str]) -> set[str]:
    """Throw out whoever is connected under these client ids; those who are not, lose a session that waits for them.

    Args:
        inner: the listener where a client id may be chosen.
        client_ids: a device's is its id.

    Returns:
        Those of which the broker did not say that they are out.

    Raises:
        SettingsError: the hub's own certificate cannot be used.
    """
    tls, gate = client_context(inner), asyncio.Semaphore(AT_ONCE)

    async def out(client_id: str) -> bool:
        async with gate:
            try:
                await visit(inner.host, inner.port, tls, client_id)
            except (LinkDown, OSError):
                return False
            return True

    ids = list(client_ids)
    done = await asyncio.gather(*map(out, ids))
    return {one for one, is_out in zip(ids, done, strict=True) if not is_out}
