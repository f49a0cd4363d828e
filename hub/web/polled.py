"""How a device on Modbus answers, for `cityhub device show`: on loopback only."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import Callable

    from hub.sources.modbus.state import ModbusState


class PolledView(BaseModel):
    """The last answer and the last failure in nanoseconds UTC (0: none), and what is wrong in plain words."""

    device: str
    answered_ns: int
    failed_ns: int
    fault: str


def polled_router(state_of: Callable[[str], ModbusState | None]) -> APIRouter:
    """Return the route /devices/{id}/modbus; 404 for a device that is not polled."""
    router = APIRouter(tags=["modbus"])

    @router.get("/devices/{device_id}/modbus")
    async def polled(device_id: str) -> PolledView:
        """Tell how a device answers."""
        state = state_of(device_id)
        if state is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, f"{device_id[:64]!r} is not polled over Modbus")
        return PolledView(**state._asdict())

    return router
