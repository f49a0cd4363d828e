"""The dashboards ask for what the hub writes: every field of a query stands in a line that status makes."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Final

from hub.status.accounts import Tally
from hub.status.base import Cause, Severity
from hub.status.bookings import Sums
from hub.status.figures import Figures, Reporter
from hub.status.history import history_lines
from hub.status.incidents import Incident
from hub.status.inventory import inventory_lines
from hub.status.ledger import Page, Row
from hub.status.lines import incident_line, presence_line
from hub.status.options import LevelOptions
from hub.status.presence import State
from hub.status.uplinks import Carried, Uplinks
from hub.status.wording import Contact
from provisioning.inventory import InventoryEntry
from provisioning.records import Uplink
from tests.asked import alert_rules, panel_queries, rule_query
from tests.unit.decode.line_protocol import parse_lines

NOW: Final = 1_790_000_000 * 10**9
DEVICE: Final = ",device=cam-1,kind=cctv"
FIELD: Final = r'(?:\(|SELECT |, )"(\w+)"'
"""A field in a query: within a function, or by itself in the list."""
TAGS: Final = {"agency", "site", "zone", "kind", "device", "uplink", "incident", "severity"}


def _status() -> str:
    up = presence_line(DEVICE, State.ONLINE, "active", 0, NOW, (100, ""), NOW)
    trouble = Incident(
        id=1, cause=Cause.SITE_SILENT, subject="site/pasar", severity=Severity.CRITICAL, text="dark", site="pasar",
        agency="dishub", opened_ns=NOW, raised_ns=NOW,
    )  # fmt: skip
    figures = Figures(
        messages=1, points_stored=1, points_spooled=1, spool_points=1, spool_bytes=1, write_failures=0, devices=1,
        rejected={"bad_payload": 1}, problems=[],
    )  # fmt: skip
    entry = InventoryEntry("cam-1", "generic_ipcamera", None, None, (), -7.4, 109.3, NOW)
    return (
        up
        + incident_line(trouble, Contact("Budi", "+62812"), NOW)
        + Reporter("hub1").lines(figures, [], NOW)
        + inventory_lines([entry], {}, {"cam-1": LevelOptions(warning_m=2, critical_m=3)}, NOW)
    )


def _bandwidth() -> str:
    links = Uplinks()
    links.update([Uplink(id="up-1", site="pasar", capacity_bps=1)], {})
    link = links.links["up-1"]
    day = history_lines(Page("day", NOW), [Row("bandwidth", DEVICE, Sums()), Row("uplink", ",uplink=up-1", Sums(), 0)])
    return (
        link.line(Carried(1, 1, 1, 1), 0, NOW)
        + f"bandwidth{DEVICE} {Tally(rx=1, tx=1, rx_ns=1, tx_ns=1).fields()} {NOW}\n"
        + day
        + day.replace("_day", "_hour")
    )


def _written() -> dict[str, set[str]]:
    fields: dict[str, set[str]] = defaultdict(set)
    for point in parse_lines(_status() + _bandwidth()):
        fields[point.measurement] |= point.fields.keys()
    return fields


def test_every_field_that_is_asked_of_the_hub_is_one_that_it_writes() -> None:
    written = _written()
    queries = [*(asked.text for asked in panel_queries(NOW)), *(rule_query(rule, NOW) for rule in alert_rules())]
    checked = 0
    for query in queries:
        for columns, measurement in re.findall(r'(SELECT (?:[^()]|\([^()]*\))+?) FROM "(\w+)"', query):
            if measurement in written:
                asked = set(re.findall(FIELD, columns)) - TAGS
                assert asked <= written[measurement], f"{measurement} has no {asked - written[measurement]}"
                checked += 1
    assert checked > 50
