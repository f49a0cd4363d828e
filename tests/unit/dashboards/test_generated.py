"""The generated dashboards: fresh, valid, portable, legible, and laid out without a gap."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from grafana.__main__ import stale
from grafana.dashboards.page import VARIABLES
from tests.asked import boards
from tests.shipped import VOCABULARY

if TYPE_CHECKING:
    from collections.abc import Iterator

SHARED = Path(os.environ.get("CITYHUB_SHARED", Path(__file__).parents[4] / "shared"))
SCHEMA = SHARED / "data" / "grafana-dashboard-13.schema.json"
BOARDS = boards()
PANELS = [(uid, panel) for uid, board in BOARDS.items() for panel in board["panels"]]
SAME_WORD = {
    "CCTV",
    "Hub",
    "Bandwidth",
    "Firmware",
    "PM2.5",
    "UPS",
    "Modbus",
    "HDOP",
    "Odometer",
    "Uplink",
    "info",
    "INFO",
}
"""What both languages write alike."""
COLUMN_PX = 80
"""1920 pixels over 24 columns."""
WALL_ROWS = 26
"""(1080 - 48 of controls - 32 of padding + 8) / 38: a row is 30 pixels and a gap of 8."""

each_board = pytest.mark.parametrize("uid", BOARDS)
each_panel = pytest.mark.parametrize(("uid", "panel"), PANELS, ids=[f"{uid}-{panel['id']}" for uid, panel in PANELS])


def test_there_are_seven() -> None:
    names = ("bandwidth", "cctv", "device", "fleet", "hub", "sensors", "wall")
    assert set(BOARDS) == {f"cityhub-{name}" for name in names}


def test_what_is_committed_is_what_would_be_generated() -> None:
    assert stale() == []


@each_board
def test_a_dashboard_is_valid(uid: str) -> None:
    if not SCHEMA.is_file():
        pytest.skip(f"the schema of Grafana's dashboards is not at {SCHEMA}; CITYHUB_SHARED names its folder")
    jsonschema.validate(BOARDS[uid], json.loads(SCHEMA.read_text(encoding="utf-8")))


@each_board
def test_panels_do_not_overlap_and_rows_fill_the_width(uid: str) -> None:
    taken: dict[tuple[int, int], int] = {}
    for panel in BOARDS[uid]["panels"]:
        for cell in _cells(panel):
            assert cell not in taken, f"{panel['title']} lies over panel {taken[cell]}"
            taken[cell] = panel["id"]
    height = max(row for row, _ in taken) + 1
    assert len(taken) == height * 24


def _cells(panel: dict[str, Any]) -> Iterator[tuple[int, int]]:
    at = panel["gridPos"]
    yield from ((at["y"] + row, at["x"] + column) for row in range(at["h"]) for column in range(at["w"]))


def test_the_wall_fits_its_screen_without_scrolling() -> None:
    assert max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in BOARDS["cityhub-wall"]["panels"]) <= WALL_ROWS


def test_the_wall_is_written_large_enough_for_five_metres() -> None:
    sizes = [
        panel["options"]["text"]["valueSize"]
        for panel in BOARDS["cityhub-wall"]["panels"]
        if panel["type"] in {"stat", "bargauge"}
    ]
    assert min(sizes) >= 28
    assert {panel["type"] for panel in BOARDS["cityhub-wall"]["panels"]} == {"stat", "bargauge", "geomap", "timeseries"}


def test_the_wall_says_how_old_its_data_is() -> None:
    first = BOARDS["cityhub-wall"]["panels"][0]
    assert (first["title"], first["timeFrom"]) == ("Umur data · Data age", "1m")
    assert first["fieldConfig"]["defaults"]["noValue"] == "✖ BASI · STALE"


@each_board
def test_ids_are_unique(uid: str) -> None:
    ids = [panel["id"] for panel in BOARDS[uid]["panels"]]
    assert len(ids) == len(set(ids))


@each_panel
def test_a_panel_speaks_both_languages(uid: str, panel: dict[str, Any]) -> None:
    assert " · " in panel["title"] or panel["title"] in SAME_WORD, uid
    indonesian, english = panel["description"].split(" · ")
    assert indonesian.endswith(".")
    assert english.endswith(".")


@each_board
def test_a_dashboard_speaks_both_languages(uid: str) -> None:
    board = BOARDS[uid]
    texts = [board["title"], board["description"], *(one["label"] for one in board["templating"]["list"])]
    assert [text for text in texts if not _speaks_both(text)] == []


@each_panel
def test_what_stands_in_a_panel_is_in_both_languages(uid: str, panel: dict[str, Any]) -> None:
    assert [text for text in _texts(panel) if not _speaks_both(text)] == [], uid


def _texts(panel: dict[str, Any]) -> Iterator[str]:
    """Titles of columns, names of series, words for values, and what is shown when there is none."""
    yield panel["fieldConfig"]["defaults"]["noValue"]
    yield from (mapping["text"] for mapping in _mappings(panel))
    for override in panel["fieldConfig"]["overrides"]:
        yield from (one["value"] for one in override["properties"] if one["id"] == "displayName")
    for target in panel["targets"] if panel["type"] == "timeseries" else ():
        alias = target.get("alias", "")
        columns = re.sub(r"\w+\([^)]*\) AS ", "", target.get("query", "").split(" FROM ")[0])
        yield from re.findall(r'"([^"]+)"', columns) if alias == "$col" else [alias]


def _speaks_both(text: str) -> bool:
    """Whether it says it twice, or with words of both languages alone; signs and what Grafana puts in are of none."""
    said = re.sub(r"\$\{[^}]*\}|\$\w+", "", text)
    return " · " in said or set(re.findall(r"[A-Za-z][\w.]+", said)) <= SAME_WORD


@each_panel
def test_a_panel_has_a_unit_and_thresholds(uid: str, panel: dict[str, Any]) -> None:
    defaults = panel["fieldConfig"]["defaults"]
    assert defaults["unit"], uid
    assert defaults["thresholds"]["steps"]
    assert defaults["noValue"]


@each_panel
def test_no_panel_asks_for_more_points_than_it_has_pixels(uid: str, panel: dict[str, Any]) -> None:
    assert panel["maxDataPoints"] <= panel["gridPos"]["w"] * COLUMN_PX, uid


@each_panel
def test_colour_is_never_the_only_sign(uid: str, panel: dict[str, Any]) -> None:
    for mapping in _mappings(panel):
        assert not mapping.get("color") or mapping.get("text"), uid
    match panel["type"]:
        case "stat":
            assert panel["options"]["textMode"] in {"auto", "value_and_name"}
        case "bargauge":
            assert panel["options"]["valueMode"] == "text"
        case "state-timeline":
            assert panel["options"]["showValue"] == "always"
        case "geomap":
            assert any("text" in layer["config"]["style"] for layer in panel["options"]["layers"])


def _mappings(panel: dict[str, Any]) -> Iterator[dict[str, Any]]:
    lists = [panel["fieldConfig"]["defaults"].get("mappings", [])]
    for override in panel["fieldConfig"]["overrides"]:
        lists += [one["value"] for one in override["properties"] if one["id"] == "mappings"]
    for mapping in (mapping for mappings in lists for mapping in mappings):
        options = mapping["options"]
        yield from [options["result"]] if "result" in options else options.values()


@each_panel
def test_queries_are_understood_by_every_influxdb(uid: str, panel: dict[str, Any]) -> None:
    for target in panel["targets"]:
        query = target.get("query", "SELECT 1 FROM hub WHERE $timeFilter")
        assert not re.search(r"\bSLIMIT\b|\bSOFFSET\b|\bSAMPLE\(|\bON\b|\bINTO\b", query), uid
        assert not re.search(r'FROM "[^"]*"\.', query), "a measurement stands alone, without database or policy"
        assert "$timeFilter" in query or "now()" in query, "a query without bounds reads everything"


@each_board
def test_variables_are_the_same_everywhere_so_that_links_carry_them(uid: str) -> None:
    assert [one["name"] for one in BOARDS[uid]["templating"]["list"]] == list(VARIABLES)
    (link,) = BOARDS[uid]["links"]
    assert (link["includeVars"], link["keepTime"], link["tags"]) == (True, True, ["cityhub"])


@each_panel
def test_links_in_panels_carry_time_and_lead_to_dashboards_that_are_there(uid: str, panel: dict[str, Any]) -> None:
    for url in re.findall(r'"url": "(/d/[^"]+)"', json.dumps(panel)):
        target, query = url.removeprefix("/d/").split("?")
        assert target in BOARDS, uid
        assert "${__url_time_range}" in query


@each_board
def test_incidents_are_annotated(uid: str) -> None:
    (annotation,) = BOARDS[uid]["annotations"]["list"]
    assert annotation["target"]["tags"] == ["cityhub", "incident"]


@each_panel
def test_readings_are_asked_by_the_names_of_the_vocabulary(uid: str, panel: dict[str, Any]) -> None:
    for target in panel["targets"]:
        for fields, sources in re.findall(
            r'SELECT ((?:[^()]|\([^()]*\))+?) FROM ("\w+"(?:, "\w+")*)', target.get("query", "")
        ):
            known = [
                VOCABULARY.measurements[name] for name in re.findall(r"\w+", sources) if name in VOCABULARY.measurements
            ]
            for field in re.findall(r'\("(\w+)"', fields) if known else ():
                assert field in VOCABULARY.common or any(field in one for one in known), f"{uid}: {field} of {sources}"
