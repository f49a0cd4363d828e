"""Devices for the registry's tests."""

from __future__ import annotations

from dataclasses import replace

from provisioning.records import NewDevice

IMEI = "490154203237518"


def camera(device_id: str = "cam-1", **changes: object) -> NewDevice:
    return replace(NewDevice(id=device_id, profile="generic_ipcamera"), **changes)  # type: ignore[arg-type]
