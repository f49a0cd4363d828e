"""The demo's view: legible on any terminal from 80 columns and 24 rows, whatever it has to show."""

from __future__ import annotations

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from hub.cli.demo.view import MODELS, REASONS, SHOWN_REASONS, Happened, Modbus, Snapshot, render, sparkline
from hub.errors import Reason

QUIET = Snapshot(city="Purbalingga")
BUSY = Snapshot(
    city="Purbalingga",
    uptime_s=90_061,
    models={"camera": (59, 60), "tracker": (30, 30), "weather": (15, 15), "river": (14, 15)},
    rates=[0, 60, 118, 120, 121] * 6,
    published=1_234_567,
    acknowledged=1_234_560,
    points_stored=1_345_678,
    spool_points=20_000,
    spool_bytes=5_100_000,
    rejected={reason: 10 + place for place, reason in enumerate(Reason)},
    p50_ms=47.2,
    p99_ms=1069.9,
    modbus=Modbus(
        answering=1019, units=1022, polls=1_234_567, late=12, failed=4321, failing=[("kwh-1", "silent"), ("b", "c")]
    ),
    events=[Happened(1_790_000_000_000_000_000 + n, f"cam-{n}", "warning", f"event {n} " * 30) for n in range(100)],
)
UNWELL = Snapshot(city="Purbalingga", problems=["the database does not answer " * 9])
SIZES = [(80, 24), (120, 40), (200, 60)]


def draw(snapshot: Snapshot, width: int, height: int) -> list[str]:
    console = Console(file=io.StringIO(), record=True, width=width, height=height, force_terminal=True)
    console.print(render(snapshot))
    return console.export_text().splitlines()


@pytest.mark.parametrize("snapshot", [QUIET, BUSY, UNWELL], ids=["quiet", "busy", "unwell"])
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_view_fills_the_terminal_and_nothing_overflows(snapshot: Snapshot, width: int, height: int) -> None:
    lines = draw(snapshot, width, height)
    assert len(lines) == height
    assert {cell_len(line) for line in lines} == {width}


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_no_label_or_figure_is_cut_short(width: int, height: int) -> None:
    text = "\n".join(line for line in draw(BUSY, width, height) if "event" not in line)
    assert "…" not in text
    for expected in ("1,234,567", "1,234,560", "1,345,678", "20,000 · 5.1 MB", "47 ms", "1,070 ms", "118 / 120"):
        assert expected in text


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_bahasa_indonesia_stands_first_and_english_beside_it(width: int, height: int) -> None:
    text = "\n".join(draw(BUSY, width, height))
    for label in (
        "Perangkat tersambung · connected",
        "Pesan per detik · messages/s",
        "Titik tersimpan · stored",
        "Menunggu · spooled",
        "Ditolak · rejected",
        "Peristiwa terakhir · last events",
        "Ctrl-C: berhenti · stop",
    ):
        assert label in text


def test_the_newest_event_stands_first_and_as_many_are_shown_as_fit() -> None:
    small, large = ([line for line in draw(BUSY, *size) if "event" in line] for size in SIZES[:2])
    assert "cam-99" in small[1]
    assert len(large) - len(small) == 16


def test_the_health_says_what_is_wrong_and_the_stage_what_is_going_on() -> None:
    assert "SEHAT · well" in draw(QUIET, 80, 24)[1]
    assert "SAKIT · unwell: the database does not answer" in draw(UNWELL, 80, 24)[1]
    assert "menghitung" in draw(Snapshot(city="Purbalingga", stage="menghitung"), 80, 24)[1]


def test_reasons_that_do_not_fit_are_summed_up() -> None:
    text = "\n".join(draw(BUSY, 80, 24))
    total = sum(BUSY.rejected.values())
    shown = sum(sorted(BUSY.rejected.values())[-SHOWN_REASONS:])
    assert f"rejected {total}" in text
    assert re.search(rf"lainnya · others +{total - shown} ", text)


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_what_is_polled_has_a_panel_with_who_fails_and_why(width: int, height: int) -> None:
    text = "\n".join(draw(BUSY, width, height))
    for expected in (
        "1019 / 1022 menjawab",
        "1,234,567 dibaca",
        "12 telat",
        "4,321 gagal",
        "kwh-1 (+1): silent",
    ):
        assert expected in text
    assert "Modbus" not in "\n".join(draw(QUIET, width, height))


def test_a_reason_that_is_longer_than_the_row_is_cut_and_controls_nothing() -> None:
    polled = Modbus(answering=0, units=1, polls=1, late=0, failed=1, failing=[("kwh-1", "\x1b[2J" + "silent " * 40)])
    lines = draw(Snapshot(city="Purbalingga", modbus=polled), 80, 24)
    assert {cell_len(line) for line in lines} == {80}
    assert all(char.isprintable() for line in lines for char in line)


def test_every_reason_to_reject_has_an_indonesian_name() -> None:
    assert set(REASONS) == set(Reason)


def test_every_model_has_a_name() -> None:
    assert set(MODELS) == {"camera", "tracker", "weather", "river"}


@pytest.mark.parametrize(
    ("values", "bars"), [([], ""), ([0, 0], "  "), ([0, 4, 8], " ▄█"), ([5], "█"), ([1, 1000], " █")]
)
def test_a_sparkline_has_a_bar_for_each_value(values: list[float], bars: str) -> None:
    assert sparkline(values) == bars


@given(st.text(), st.text(), st.sampled_from(["info", "warning", "critical", "?"]))
def test_no_event_can_break_the_view_or_control_the_terminal(who: str, text: str, severity: str) -> None:
    snapshot = Snapshot(city="Purbalingga", problems=[text], events=[Happened(10**18, who, severity, text)])
    lines = draw(snapshot, 80, 24)
    assert [cell_len(line) for line in lines] == [80] * 24
    assert all(char.isprintable() for line in lines for char in line)
