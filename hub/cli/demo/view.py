"""The demo's live view, a pure function of a snapshot: Bahasa Indonesia first, English beside it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from rich.align import Align
from rich.console import Group
from rich.layout import Layout
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from hub.sim.units import WIB

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

BARS: Final = " ▁▂▃▄▅▆▇█"
SPARK: Final = 30
"""Bars of the sparkline: with one every two seconds, the last minute."""
SHOWN_REASONS: Final = 3
EVENTS: Final = 100
"""Events that a snapshot holds; as many are drawn as there is room."""

MODELS: Final = {
    "camera": ("CCTV", "cameras"),
    "tracker": ("Pelacak GPS", "trackers"),
    "weather": ("Pos cuaca", "weather"),
    "river": ("Duga air", "river level"),
}
REASONS: Final = {
    "unknown_device": "perangkat tak dikenal",
    "unknown_topic": "topik tak dikenal",
    "too_large": "terlalu besar",
    "bad_payload": "isi rusak",
    "wrong_type": "salah jenis",
    "wrong_unit": "salah satuan",
    "out_of_range": "di luar batas",
    "no_readings": "tanpa bacaan",
    "bad_time": "waktu salah",
    "implausible": "tidak masuk akal",
    "refused_by_database": "ditolak DB",
    "decoder_failed": "dekoder gagal",
}
STYLES: Final = {"critical": "bold red", "error": "bold red", "warning": "yellow", "info": ""}


@dataclass(frozen=True, slots=True)
class Happened:
    """A line of the last events: when (ns UTC), who, how bad, and what."""

    at_ns: int
    who: str
    severity: str
    text: str


@dataclass(frozen=True, slots=True)
class Modbus:
    """What is polled: units that answer, and all; polls made, begun too late, and failed; who fails, and why."""

    answering: int
    units: int
    polls: int
    late: int
    failed: int
    failing: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that the view shows.

    Attributes:
        models: (connected, all) by model of device.
        rates: messages a second, one figure for each bar, the latest last.
        problems: why the hub is unwell; empty when it is well.
        stage: what the demo is doing, while it is not just running.
        grafana: its address, where the machine has one.
        p50_ms: publish to queryable; None before anything was measured.
        events: the latest last.
        modbus: None when nothing is polled.
    """

    city: str
    uptime_s: float = 0.0
    stage: str = ""
    problems: Sequence[str] = ()
    models: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    rates: Sequence[float] = ()
    published: int = 0
    acknowledged: int = 0
    points_stored: int = 0
    spool_points: int = 0
    spool_bytes: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)
    grafana: str = ""
    p50_ms: float | None = None
    p99_ms: float | None = None
    events: Sequence[Happened] = ()
    modbus: Modbus | None = None


def render(snapshot: Snapshot) -> Layout:
    """Return a picture that fills the terminal; made for 80 columns and 24 rows, and more."""
    layout = Layout()
    layout.split_column(
        Layout(_header(snapshot), size=3),
        Layout(name="figures", size=13),
        *([Layout(_modbus(snapshot.modbus), size=4)] if snapshot.modbus else []),
        Layout(_events(snapshot.events)),
    )
    layout["figures"].split_row(Layout(name="left"), Layout(_flow(snapshot)))
    layout["left"].split_column(
        Layout(_devices(snapshot.models), size=len(MODELS) + 3),
        Layout(_rejected(snapshot.rejected)),
    )
    return layout


def _header(snapshot: Snapshot) -> Panel:
    row = Table.grid(expand=True)
    row.add_column(no_wrap=True, overflow="ellipsis")
    row.add_column(justify="right", no_wrap=True, style="dim")
    stop = "Ctrl-C: berhenti · stop"
    row.add_row(_health(snapshot), f"Grafana: {snapshot.grafana} · {stop}" if snapshot.grafana else stop)
    title = f"[bold]Cityhub · {snapshot.city}[/] · simulasi · {timedelta(seconds=int(snapshot.uptime_s))}"
    return _panel(title, row)


def _health(snapshot: Snapshot) -> Text:
    if snapshot.stage:
        return Text(snapshot.stage, "bold cyan")
    if snapshot.problems:
        return Text(f"● SAKIT · unwell: {_safe(snapshot.problems[0])}", "bold red")
    return Text("● SEHAT · well", "bold green")


def _devices(models: Mapping[str, tuple[int, int]]) -> Panel:
    rows = []
    for model, (name, english) in MODELS.items():
        connected, total = models.get(model, (0, 0))
        style = "green" if connected == total else "yellow"
        rows.append(_row(_label(name, english), Text(f"{connected} / {total}", style)))
    connected, total = (sum(column) for column in zip((0, 0), *models.values(), strict=True))
    rows.append(_row(_label("Semua", "all", "bold"), Text(f"{connected} / {total}", "bold")))
    return _panel("Perangkat tersambung [dim]· connected[/]", Group(*rows))


def _rejected(rejected: Mapping[str, int]) -> Panel:
    ranked = sorted(rejected.items(), key=lambda item: -item[1])
    others = sum(count for _, count in ranked[SHOWN_REASONS:])
    rows = [
        _row(_label(REASONS.get(reason, reason), reason.replace("_", " ")), Text(f"{count:,}", "yellow"))
        for reason, count in ranked[:SHOWN_REASONS]
    ]
    if others:
        rows.append(_row(_label("lainnya", "others"), Text(f"{others:,}", "yellow")))
    title = f"Ditolak [dim]· rejected[/] {sum(rejected.values()):,}"
    return _panel(title, Group(*rows) if rows else Text("tidak ada · none", "dim"))


def _flow(snapshot: Snapshot) -> Panel:
    now = snapshot.rates[-1] if snapshot.rates else 0.0
    body = Group(
        _row(_label("Pesan per detik", "messages/s"), Text(f"{now:,.0f}", "bold cyan")),
        Text(),
        _Sparkline(snapshot.rates),
        Text(),
        _row(_label("Dikirim", "published"), Text(f"{snapshot.published:,}")),
        _row(_label("Diakui", "acknowledged"), Text(f"{snapshot.acknowledged:,}")),
        _row(_label("Titik tersimpan", "stored"), Text(f"{snapshot.points_stored:,}", "bold green")),
        _row(_label("Menunggu", "spooled"), _spool(snapshot)),
        Text(),
        _row(_label("Latensi p50", "latency p50"), _latency(snapshot.p50_ms)),
        _row(_label("Latensi p99", "latency p99"), _latency(snapshot.p99_ms)),
    )
    return _panel("Aliran data [dim]· data flow[/]", body)


def _modbus(polled: Modbus) -> Panel:
    """Return a row of figures, and one of those who fail, with the reason of the first."""
    style = "green" if polled.answering == polled.units else "yellow"
    figures = Table.grid(padding=(0, 2), expand=True)
    figures.add_row(
        Text.assemble((f"{polled.answering} / {polled.units}", style), " menjawab"),
        f"{polled.polls:,} dibaca",
        f"{polled.late:,} telat",
        Text(f"{polled.failed:,} gagal", "yellow" if polled.failed else ""),
    )
    return _panel("Modbus [dim]· answering, polls, late, failed[/]", Group(figures, _failing(polled.failing)))


def _failing(failing: Sequence[tuple[str, str]]) -> Text:
    if not failing:
        return Text("semua menjawab · all answer", "dim")
    others = f" (+{len(failing) - 1})" if len(failing) > 1 else ""
    device, why = failing[0]
    return Text(f"{_safe(device)}{others}: {_safe(why)}", "yellow", no_wrap=True, overflow="ellipsis")


def _spool(snapshot: Snapshot) -> Text:
    style = "yellow" if snapshot.spool_points > 10_000 else ""  # noqa: PLR2004 - more than a few seconds' worth
    return Text(f"{snapshot.spool_points:,} · {_size(snapshot.spool_bytes)}", style)


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1000:  # noqa: PLR2004 - SI prefixes
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def _latency(value_ms: float | None) -> Text:
    return Text("-", "dim") if value_ms is None else Text(f"{value_ms:,.0f} ms", "bold")


def _events(events: Sequence[Happened]) -> Panel:
    return _panel("Peristiwa terakhir [dim]· last events[/]", _Tail(events))


class _Tail:
    """The latest events, newest first, as many as there is room for."""

    def __init__(self, events: Sequence[Happened]) -> None:
        self._events = events

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        rows = options.height or options.max_height
        table = Table.grid(padding=(0, 1), expand=True)
        table.add_column(no_wrap=True, style="dim", width=8)
        table.add_column(no_wrap=True, overflow="ellipsis", style="cyan", width=20)
        table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        for event in list(reversed(self._events))[:rows]:
            local = datetime.fromtimestamp(event.at_ns / 1e9, WIB)
            style = STYLES.get(event.severity, "")
            table.add_row(f"{local:%H:%M:%S}", Text(_safe(event.who)), Text(_safe(event.text), style))
        yield table


class _Sparkline:
    """One bar a figure, the latest at the right; the highest fills its cell."""

    def __init__(self, values: Sequence[float]) -> None:
        self._values = values

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        shown = self._values[-min(SPARK, options.max_width) :]
        yield Align.right(Text(sparkline(shown), "cyan", no_wrap=True))


def sparkline(values: Sequence[float]) -> str:
    """Return one bar a value; nothing is an empty cell, the highest a full one."""
    highest = max(values, default=0.0)
    if highest <= 0:
        return BARS[0] * len(values)
    return "".join(BARS[round(value / highest * (len(BARS) - 1))] for value in values)


def _row(label: Text, figure: Text) -> Table:
    """Return a line of its own, so that a long figure shortens no other line's label."""
    line = Table.grid(padding=(0, 1), expand=True)
    line.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    line.add_column(no_wrap=True, justify="right")
    line.add_row(label, figure)
    return line


def _label(name: str, english: str, style: str = "") -> Text:
    return Text.assemble((name, style), (f" · {english}", "dim"))


def _panel(title: str, body: RenderableType) -> Panel:
    return Panel(body, title=title, title_align="left", border_style="blue", padding=(0, 1))


def _safe(text: str) -> str:
    """Nothing that was received may control the terminal."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
