"""Names that the benchmark's processes agree on."""

from __future__ import annotations


def device_name(number: int) -> str:
    """Return the id of the benchmark's device `number`."""
    return f"cam-{number:06d}"
