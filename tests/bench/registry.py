"""What a hub's start and an operator's search cost in a large registry; in a process of its own, as the hub is.

    python -m tests.bench.registry SETTINGS_FILE

Writes `{"start_s": ..., "search_ms": ...}` to standard output, and the median of each kind of search to standard error.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

from hub.directory import Directory
from hub.pipeline.registry_feed import RegistryFeed
from hub.profiles.loader import load_profiles
from hub.settings import Settings, load_settings
from provisioning.database import open_engine
from provisioning.registry import Registry
from tests.bench.city import AGENCIES, SITES, agency_name, site_name
from tests.bench.names import device_name

if TYPE_CHECKING:
    from collections.abc import Callable

SEARCHES: Final = 25
"""Of each kind."""
DAY_NS: Final = 86_400 * 10**9


def measure(settings: Settings) -> dict[str, float]:
    """Load the directory as a hub that starts, then search as the REST list and its single device do."""
    started = time.monotonic()
    registry = Registry(open_engine(settings.registry_url), time.time_ns)
    directory = Directory(*load_profiles(), settings.local_influxdb.raw_days * DAY_NS)
    asyncio.run(RegistryFeed(registry, directory).load())
    start_s = time.monotonic() - started
    print(f"{len(directory)} devices loaded", file=sys.stderr)
    return {"start_s": round(start_s, 2), "search_ms": round(_search(registry, len(directory)), 2)}


def _search(registry: Registry, devices: int) -> float:
    """Return the median of all searches in milliseconds, as many of each kind."""
    times = {
        "agency": _times(lambda number: registry.devices(agency=agency_name(number % AGENCIES))),
        "site": _times(lambda number: registry.devices(site=site_name(number % SITES))),
        "agency and site": _times(
            lambda number: registry.devices(agency=agency_name(number % AGENCIES), site=site_name(number % SITES))
        ),
        "id": _times(lambda number: registry.device(device_name(number * 997 % devices))),
    }
    for kind, found in times.items():
        print(f"by {kind}: {median(found):.2f} ms", file=sys.stderr)
    return median(one for found in times.values() for one in found)


def _times(search: Callable[[int], object]) -> list[float]:
    return [_time(search, number) for number in range(SEARCHES)]


def _time(search: Callable[[int], object], number: int) -> float:
    started = time.monotonic()
    if not search(number):
        raise SystemExit(f"search {number} found nothing")
    return (time.monotonic() - started) * 1000


def main() -> None:
    """Measure and print."""
    print(json.dumps(measure(load_settings(Path(sys.argv[1])))))


if __name__ == "__main__":
    main()
