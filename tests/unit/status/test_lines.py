"""What status writes is line protocol with the fields that dashboards are built on, whatever the texts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hub.status.base import Cause, Severity
from hub.status.figures import Figures, Reporter
from hub.status.incidents import Incident
from hub.status.lines import incident_line, presence_line
from hub.status.presence import SECOND, State
from hub.status.wording import Contact
from tests.unit.decode.line_protocol import parse_lines

NOW = 1_790_000_000 * SECOND


@given(st.text(max_size=2000))
def test_presence(reasons: str) -> None:
    line = presence_line(",device=cam", State.ONLINE, "active", NOW, 0, (70, reasons), NOW)
    [(name, tags, fields, time)] = parse_lines(line)
    assert (name, tags, time) == ("presence", {"device": "cam"}, NOW)
    assert {key: type(value) for key, value in fields.items()} == {
        "state": str, "online": int, "lifecycle": str, "since_ms": int, "last_seen_ms": int, "health": int,
        "reasons": str,
    }  # fmt: skip
    assert (fields["state"], fields["online"], fields["since_ms"]) == ("online", 1, NOW // 1_000_000)


@given(st.text(max_size=2000), st.text(max_size=200))
def test_an_incident(text: str, name: str) -> None:
    incident = Incident(7, Cause.SITE_SILENT, "site/pasar", Severity.CRITICAL, text, "pasar", "dishub", NOW, NOW,
                        devices=dict.fromkeys("abc"))  # fmt: skip
    [(measurement, tags, fields, _)] = parse_lines(incident_line(incident, Contact(name, "+62811"), NOW))
    assert measurement == "incident"
    assert tags == {"incident": "7", "kind": "site_silent", "severity": "critical", "agency": "dishub", "site": "pasar"}
    assert {key: type(value) for key, value in fields.items()} == {
        "state": str, "open": int, "text": str, "devices": int, "opened_ms": int, "closed_ms": int, "contact": str,
        "phone": str,
    }  # fmt: skip
    assert (fields["state"], fields["open"], fields["devices"], fields["closed_ms"]) == ("open", 1, 3, 0)


def test_the_hubs_own_figures() -> None:
    reporter = Reporter("noc-1")
    figures = Figures(
        messages=100, points_stored=1, points_spooled=2, spool_points=3, spool_bytes=4, write_failures=5, devices=6,
        rejected={"bad_time": 2, "no_readings": 0}, problems=("no broker", "a full disk"),
    )  # fmt: skip
    day = 86_400 * SECOND
    reporter.lines(figures, [], NOW - 10 * SECOND)
    hub, rejected = parse_lines(reporter.lines(figures, [NOW + day, NOW + 20 * day], NOW))
    assert hub.tags == {"hub": "noc-1"}
    assert hub.fields["messages_per_s"] == 0.0
    assert isinstance(hub.fields["modbus_lateness_ms"], float)
    assert (hub.fields["certificates_expiring_7d"], hub.fields["certificates_expiring_30d"]) == (1, 2)
    assert (hub.fields["well"], hub.fields["problems"], hub.fields["rejected"]) == (0, "no broker; a full disk", 2)
    assert (rejected.tags, rejected.fields) == ({"hub": "noc-1", "reason": "bad_time"}, {"count": 2})
