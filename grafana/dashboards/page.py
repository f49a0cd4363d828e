"""A dashboard: variables, links that carry them, annotations, and panels in rows that fill the width."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grafana_foundation_sdk.models.dashboard import (
    AnnotationContainer,
    AnnotationQuery,
    Dashboard,
    DashboardCursorSync,
    DashboardDashboardTemplating,
    DashboardDashboardTime,
    DashboardLink,
    DashboardLinkType,
    GridPos,
    TimePickerConfig,
    VariableHide,
    VariableModel,
    VariableOption,
    VariableRefresh,
    VariableSort,
    VariableType,
)

from grafana.dashboards.influx import RAW, Tagged, source
from grafana.dashboards.signs import both

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from grafana_foundation_sdk.models.dashboard import Panel

TAG: Final = "cityhub"
COLUMNS: Final = 24
COLUMN_PX: Final = 70
"""Least width of a column's plot on a screen of 1920 pixels: 80 less margins, axis and legend."""
VARIABLES: Final = {
    "agency": both("Dinas", "Agency"),
    "site": both("Lokasi", "Site"),
    "zone": both("Zona", "Zone"),
    "kind": both("Jenis", "Kind"),
    "device": both("Perangkat", "Device"),
}
_NARROWED: Final = {
    "agency": (),
    "site": ("agency",),
    "zone": ("agency", "site"),
    "kind": ("agency", "site", "zone"),
    "device": ("agency", "site", "zone", "kind"),
}
NARROWED: Final = "&".join(["${__url_time_range}", *(f"${{{name}:queryparam}}" for name in ("agency", "zone", "kind"))])

Row = tuple[int, "Sequence[tuple[int, Panel]]"]
"""Height in grid units of 38 pixels, and panels with their widths in columns."""


def to_device(field: str = "device") -> str:
    """Return the link to the page of the device that a row names; time and the other variables come along."""
    kept = "&".join(f"${{{name}:queryparam}}" for name in VARIABLES if name != "device")
    return f"/d/cityhub-device?${{__url_time_range}}&{kept}&var-device=${{__data.fields.{field}}}"


def to_site(field: str = "site") -> str:
    """Return the link to the devices of the site that a row names, worst first, and whom to call."""
    return f"/d/cityhub-device?{NARROWED}&var-site=${{__data.fields.{field}}}"


def page(
    uid: str,
    title: str,
    about: str,
    rows: Iterable[Row],
    *,
    shows: Collection[str],
    single: str = "",
    since: str = "now-6h",
    refresh: str = "30s",
) -> Dashboard:
    """Return a dashboard.

    Args:
        shows: the variables to be seen; the others are carried unseen, so that links do not lose them.
        single: the variable that takes one value only.
    """
    return Dashboard(
        uid=f"cityhub-{uid}", title=title, description=about, tags=[TAG], timezone="browser", editable=True,
        graph_tooltip=DashboardCursorSync.CROSSHAIR, time=DashboardDashboardTime(from_val=since, to="now"),
        refresh=refresh, timepicker=TimePickerConfig(refresh_intervals=["10s", "30s", "1m", "5m"]),
        templating=DashboardDashboardTemplating(
            list_val=[_variable(name, hidden=name not in shows, single=name == single) for name in VARIABLES]
        ),
        annotations=AnnotationContainer(list_val=[_incidents()]), links=[_links()], panels=list(laid_out(rows)),
        live_now=False, fiscal_year_start_month=0,
    )  # fmt: skip


def laid_out(rows: Iterable[Row]) -> Iterable[Panel]:
    """Give each panel its place, its number, and a bound on the points it may ask for."""
    top, number = 0, 0
    for height, panels in rows:
        if sum(width for width, _ in panels) != COLUMNS:
            raise ValueError(f"a row does not fill {COLUMNS} columns: {[panel.title for _, panel in panels]}")
        left = 0
        for width, panel in panels:
            number += 1
            panel.id_val = number
            panel.grid_pos = GridPos(h=height, w=width, x=left, y=top)
            panel.max_data_points = min(panel.max_data_points or width * COLUMN_PX, width * COLUMN_PX)
            left += width
            yield panel
        top += height


def _variable(name: str, *, hidden: bool, single: bool) -> VariableModel:
    conditions = " AND ".join(f'"{other}" =~ /^${{{other}:regex}}$/' for other in _NARROWED[name])
    query = f'SHOW TAG VALUES FROM "presence" WITH KEY = "{name}"' + (f" WHERE {conditions}" if conditions else "")
    everything = VariableOption(selected=True, text=both("Semua", "All"), value="$__all")
    return VariableModel(
        type_val=VariableType.QUERY, name=name, label=VARIABLES[name], datasource=source(RAW), query=query,
        refresh=VariableRefresh.ON_DASHBOARD_LOAD, sort=VariableSort.ALPHABETICAL_ASC, multi=not single,
        include_all=not single, all_value=None if single else ".*", current=None if single else everything,
        hide=VariableHide.HIDE_VARIABLE if hidden else VariableHide.DONT_HIDE,
    )  # fmt: skip


def _incidents() -> AnnotationQuery:
    """Show what the hub annotates: a region an incident, from when it was raised until it ended."""
    return AnnotationQuery(
        name=both("Insiden", "Incidents"), datasource=Tagged.source, enable=True, hide=False,
        icon_color="red", target=Tagged(TAG, "incident"),
    )  # fmt: skip


def _links() -> DashboardLink:
    return DashboardLink(
        title="Cityhub", type_val=DashboardLinkType.DASHBOARDS, icon="external link", tooltip="", url="", tags=[TAG],
        as_dropdown=False, target_blank=False, include_vars=True, keep_time=True,
    )  # fmt: skip
