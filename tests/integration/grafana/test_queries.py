"""Every query of every panel, variable and alert rule, asked of a real influxd that holds a night."""

from __future__ import annotations

from time import time_ns
from typing import TYPE_CHECKING

import pytest

from tests.asked import Asked, alert_rules, firing, panel_queries, rule_query, variable_queries
from tests.integration.grafana.filled import Filled, filled
from tests.night import Night

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from hub.sinks.query import Series

OWN_LIMITS = {"cityhub-sensors / Muka air · Water level / B": "each river has limits of its own"}
"""What several gauges leave empty, and why that is right."""

QUIET = {
    **OWN_LIMITS,
    "cityhub-wall / Insiden terbuka · Open incidents / A": "nothing is open",
    "cityhub-wall / Insiden terbuka · Open incidents / B": "nothing is open",
    "cityhub-wall / Insiden terbuka · Open incidents / C": "nothing is open",
    "cityhub-wall / ‼ Kritis · critical / A": "no critical incident within 15 minutes; the hub's zero (B) stands in",
    "cityhub-device / Insiden di lokasi, dan siapa yang dihubungi · Incidents of the site, and whom to call / A":
        "nothing is open",
    "cityhub-hub / Masalah · Problems / A": "the hub has none",
    "cityhub-hub / Ditolak menurut sebab · Rejected by reason / A": "nothing was rejected",
    "cityhub-cctv / Tanpa gambar · Without picture / A": "all cameras see; the hub's zero (B) stands in",
    "cityhub-cctv / Penyimpanan di atas 90 % · Storage above 90 % / A": "none is so full; the hub's zero (B) stands in",
    "cityhub-fleet / Di atas 80 km/jam · Above 80 km/h / A": "none is that fast; the hub's zero (B) stands in",
    "cityhub-fleet / Posisi meragukan · Doubtful positions / A": "all are good; the hub's zero (B) stands in",
    "cityhub-cctv / Tidak merekam · Not recording / A": "all cameras record; the hub's zero (B) stands in",
}  # fmt: skip
"""What a good night leaves empty, and why that is right."""

CAMERA = {
    "cityhub-device / Baterai · Battery / A": "a camera has none",
    "cityhub-device / Catu daya · Supply / A": "the camera does not measure it",
    "cityhub-device / Sinyal · Signal / A": "the camera hangs on a cable",
    "cityhub-device / Perjalanan · Way / A": "a camera stays where it is",
    "cityhub-device / Perjalanan · Way / B": "a camera stays where it is",
}
"""What the page of a camera leaves empty, and why."""


def _empty(answer: list[Series]) -> bool:
    return all(value is None for series in answer for row in series.values for value in row[1:])


async def _empty_places(database: Filled, asked: Iterable[Asked]) -> set[str]:
    return {one.place for one in asked if _empty(await database.ask(one))}


async def _fired(database: Filled, end_ns: int) -> dict[str, list[dict[str, str]]]:
    return {rule["uid"]: firing(rule, await database.raw.query(rule_query(rule, end_ns))) for rule in alert_rules()}


async def test_a_bad_night_leaves_no_panel_and_no_variable_empty(tmp_path: Path) -> None:
    now = time_ns()
    async with filled(tmp_path, Night(now, bad=True)) as database:
        assert await _empty_places(database, [*panel_queries(now), *variable_queries()]) == set(OWN_LIMITS)


async def test_the_limits_of_one_gauge_are_drawn_beside_its_level(tmp_path: Path) -> None:
    now = time_ns()
    async with filled(tmp_path, Night(now, hours=1)) as database:
        asked = panel_queries(now, {"device": "level-0003"}, hours=1)
        (limits,) = [one for one in asked if one.place in OWN_LIMITS]
        (series,) = await database.ask(limits)
    assert series.columns == ["time", "batas peringatan · warning level", "batas kritis · critical level"]
    assert {(warning, critical) for _, warning, critical in series.values} == {(2.3, 3.3)}


async def test_a_bad_night_fires_once_for_each_open_incident(tmp_path: Path) -> None:
    now = time_ns()
    async with filled(tmp_path, Night(now, bad=True, hours=1)) as database:
        fired = await _fired(database, now)
    found = {uid: [labels["incident"] for labels in instances] for uid, instances in fired.items()}
    assert found == {"cityhub-incident-critical": ["i1"], "cityhub-incident-warning": ["i2"], "cityhub-hub-silent": []}
    assert fired["cityhub-incident-critical"][0]["agency"] == "dishub"


async def test_a_good_night_is_silent(tmp_path: Path) -> None:
    now = time_ns()
    async with filled(tmp_path, Night(now)) as database:
        assert await _empty_places(database, panel_queries(now)) == set(QUIET)
        assert await _fired(database, now) == {rule["uid"]: [] for rule in alert_rules()}


async def test_a_camera_fills_its_page(tmp_path: Path) -> None:
    now = time_ns()
    async with filled(tmp_path, Night(now, bad=True)) as database:
        asked = [one for one in panel_queries(now, {"device": "cctv-0000"}) if one.place.startswith("cityhub-device")]
        assert await _empty_places(database, asked) == set(CAMERA)


@pytest.mark.parametrize("bad", [False, True])
async def test_a_silent_hub_is_one_alert_and_the_wall_shows_stale_data_as_stale(tmp_path: Path, bad: bool) -> None:  # noqa: FBT001 - pytest passes it by name
    now = time_ns()
    async with filled(tmp_path, Night(now, bad=bad, hours=2, silent_s=20 * 60)) as database:
        wall = [one for one in panel_queries(now) if one.place.startswith("cityhub-wall")]
        assert await _empty_places(database, wall) == {one.place for one in wall}
        fired = await _fired(database, now)
    assert fired == {"cityhub-incident-critical": [], "cityhub-incident-warning": [], "cityhub-hub-silent": [{}]}


async def test_no_series_has_more_points_than_its_panel_has_pixels(tmp_path: Path) -> None:
    now = time_ns()
    async with filled(tmp_path, Night(now, bad=True)) as database:
        for asked in panel_queries(now):
            longest = max((len(series.values) for series in await database.ask(asked)), default=0)
            assert longest <= asked.points + 1, asked.place
