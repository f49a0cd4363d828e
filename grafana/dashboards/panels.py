"""Panels: what is asked, how it looks, and a sentence on what it means. Sizes are given by the page (page.py)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from grafana_foundation_sdk.models import bargauge, common, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.models.dashboard import (
    DashboardFieldConfigSourceOverrides,
    DataTransformerConfig,
    DynamicConfigValue,
    FieldColor,
    FieldColorModeId,
    FieldConfig,
    FieldConfigSource,
    MatcherConfig,
    Panel,
    ThresholdsConfig,
)

from grafana.dashboards.signs import ONLINE, PLAIN, STALE, Mapping

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grafana.dashboards.influx import Query

STATE: Final = "15m"
"""How far back the newest state is looked for: slow state is written again every five minutes."""
STEPS: Final = 200
"""Points of a graph over many devices: InfluxDB works on each step of each device."""
ALIVE: Final = "1m"
"""How far back the hub's own lines are looked for: they come every ten seconds."""


@dataclass(frozen=True, slots=True)
class Look:
    """How values are shown.

    Attributes:
        unit: Grafana's name of the unit; `none` and `short` are units as well.
        span: a window of its own for the panel, back from the end of the time range's; empty: the whole range.
        empty: shown when there is nothing.
        points: at most so many of each series, where pixels allow more than is of use.
    """

    unit: str = "none"
    steps: ThresholdsConfig = PLAIN
    mappings: Sequence[Mapping] = ()
    decimals: int | None = None
    low: float | None = None
    high: float | None = None
    span: str = ""
    empty: str = STALE
    name: str | None = None
    link: str = ""
    interval: str = ""
    points: int | None = None
    transformations: Sequence[DataTransformerConfig] = ()
    overrides: Sequence[DashboardFieldConfigSourceOverrides] = ()


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table; `unit` is empty for text."""

    name: str
    title: str
    unit: str = ""
    steps: ThresholdsConfig | None = None
    mappings: Sequence[Mapping] = ()
    link: str = ""
    width: int = 0
    decimals: int | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """Sizes of writing in pixels; 0 lets Grafana choose."""

    title: int = 0
    value: int = 0


def shown(
    kind: str,
    title: str,
    about: str,
    queries: Sequence[Query],
    look: Look,
    options: object,
    custom: dict[str, Any] | None = None,
    color: FieldColorModeId = FieldColorModeId.THRESHOLDS,
) -> Panel:
    """Return a panel of any kind."""
    for query, ref in zip(queries, "ABCDEFGH", strict=False):
        query.ref = ref
    looks = [*look.overrides, *([styled("byRegexp", ".*", links=[_link(look.link)])] if look.link else [])]
    defaults = FieldConfig(
        unit=look.unit, decimals=look.decimals, min_val=look.low, max_val=look.high, mappings=list(look.mappings),
        thresholds=look.steps, color=FieldColor(mode=color), no_value=look.empty, display_name=look.name,
        custom=custom,
    )  # fmt: skip
    return Panel(
        type_val=kind, title=title, description=about, targets=list(queries), datasource=queries[0].source,
        options=options, field_config=FieldConfigSource(defaults=defaults, overrides=looks),
        time_from=look.span or None, hide_time_override=bool(look.span), interval=look.interval or None,
        max_data_points=look.points,
        transformations=list(look.transformations) or None,
    )  # fmt: skip


def numbers(
    title: str,
    about: str,
    queries: Sequence[Query],
    look: Look,
    *,
    fields: str = "",
    rows: int = 0,
    text: Text = Text(),
) -> Panel:
    """Return big numbers or words, one a series; with `rows`, one a row of a table."""
    options = stat.Options(
        graph_mode=common.BigValueGraphMode.NONE,
        color_mode=common.BigValueColorMode.BACKGROUND_SOLID,
        text_mode=common.BigValueTextMode.VALUE_AND_NAME if look.name or rows else common.BigValueTextMode.AUTO,
        reduce_options=_reduce(fields, rows),
        text=_sizes(text),
        orientation=common.VizOrientation.HORIZONTAL if rows else common.VizOrientation.AUTO,
    )
    return shown("stat", title, about, queries, look, options)


def share(title: str, about: str, query: Query, text: Text = Text()) -> Panel:
    """Return the percentage of devices that are online."""
    look = Look(unit="percent", steps=ONLINE, span=STATE, decimals=1, low=0, high=100)
    return numbers(title, about, [query], look, text=text)


def count(
    title: str,
    about: str,
    queries: Sequence[Query],
    steps: ThresholdsConfig,
    span: str = STATE,
    text: Text = Text(),
) -> Panel:
    """Return how many there are, by the queries of `influx.counted`."""
    look = Look(steps=steps, span=span, decimals=0, transformations=added_up())
    return numbers(title, about, queries, look, fields=TOTAL, text=text)


def bars(
    title: str,
    about: str,
    queries: Sequence[Query],
    look: Look,
    *,
    fields: str = "",
    rows: int = 0,
    text: Text = Text(),
) -> Panel:
    """Return horizontal bars with their values, one a series or a row."""
    options = bargauge.Options(
        display_mode=common.BarGaugeDisplayMode.BASIC,
        value_mode=common.BarGaugeValueMode.TEXT,
        name_placement=common.BarGaugeNamePlacement.LEFT,
        orientation=common.VizOrientation.HORIZONTAL,
        reduce_options=_reduce(fields, rows),
        text=_sizes(text),
    )
    return shown("bargauge", title, about, queries, look, options)


def graph(
    title: str, about: str, queries: Sequence[Query], look: Look, *, stacked: bool = False, bar: bool = False
) -> Panel:
    """Return lines over time, or stacked bars, with a legend that shows the newest and the highest value."""
    custom: dict[str, Any] = {
        "drawStyle": "bars" if bar else "line", "lineWidth": 2, "fillOpacity": 40 if stacked or bar else 8,
        "showPoints": "auto", "spanNulls": False,
        "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
        "thresholdsStyle": {"mode": "off" if look.steps is PLAIN else "dashed"},
    }  # fmt: skip
    options = timeseries.Options(
        legend=common.VizLegendOptions(
            display_mode=common.LegendDisplayMode.TABLE, placement=common.LegendPlacement.BOTTOM, show_legend=True,
            calcs=["lastNotNull", "max"],
        ),
        tooltip=common.VizTooltipOptions(mode=common.TooltipDisplayMode.MULTI, sort=common.SortOrder.DESCENDING),
    )  # fmt: skip
    return shown("timeseries", title, about, queries, look, options, custom, FieldColorModeId.PALETTE_CLASSIC)


def timeline(title: str, about: str, queries: Sequence[Query], look: Look) -> Panel:
    """Return states over time, with their words in the bars."""
    options = statetimeline.Options(
        show_value=common.VisibilityMode.ALWAYS,
        legend=common.VizLegendOptions(
            display_mode=common.LegendDisplayMode.LIST, placement=common.LegendPlacement.BOTTOM, show_legend=True
        ),
    )
    return shown("state-timeline", title, about, queries, look, options, {"fillOpacity": 80, "lineWidth": 0})


def rows(
    title: str,
    about: str,
    queries: Sequence[Query],
    columns: Sequence[Column],
    look: Look | None = None,
    *,
    sort: str = "",
    falling: bool = False,
) -> Panel:
    """Return a table; columns that are not named are hidden, `sort` names the column that comes sorted."""
    look = look or Look(empty=STALE)
    order = [common.TableSortByFieldState(display_name=sort, desc=falling)] if sort else None
    options = table.Options(show_header=True, sort_by=order, cell_height=common.TableCellHeight.SM)
    looks = [*look.overrides, *(_column(column) for column in columns)]
    kept = [*look.transformations, *_only(columns)]
    return shown(
        "table", title, about, queries, replace(look, overrides=looks, transformations=kept), options,
        {"align": "auto", "cellOptions": {"type": "auto"}, "filterable": True},
    )  # fmt: skip


def merged(sort: str, limit: int = 0, *, falling: bool = False) -> list[DataTransformerConfig]:
    """Return the transformations that put tables under each other, sorted, and keep the first so many rows."""
    order = {"field": sort, "desc": falling}
    steps = [
        DataTransformerConfig(id_val="merge", options={}),
        DataTransformerConfig(id_val="sortBy", options={"sort": [order]}),
    ]
    return [*steps, DataTransformerConfig(id_val="limit", options={"limitField": limit})] if limit else steps


def joined(by: str, mode: str = "outer") -> DataTransformerConfig:
    """Return the transformation that lays the tables of several queries side by side; `inner`: what is in all."""
    return DataTransformerConfig(id_val="joinByField", options={"byField": by, "mode": mode})


TOTAL: Final = "total"
"""The field that `added_up` leaves."""


def added_up() -> list[DataTransformerConfig]:
    """Return the transformations that make one number of the queries of `influx.counted`."""
    total = {"mode": "reduceRow", "reduce": {"reducer": "sum"}, "alias": TOTAL, "replaceFields": True}
    return [joined("Time"), DataTransformerConfig(id_val="calculateField", options=total)]


def computed(left: str, operator: str, right: str, name: str) -> DataTransformerConfig:
    """Return the transformation that adds a column made of two; Grafana takes an empty value for zero."""
    binary = {"left": left, "operator": operator, "right": right}
    return DataTransformerConfig(
        id_val="calculateField", options={"mode": "binary", "alias": name, "binary": binary, "replaceFields": False}
    )


def styled(matcher: str, name: str, **properties: object) -> DashboardFieldConfigSourceOverrides:
    """Return an override: `matcher` is Grafana's (byName, byFrameRefID ...), `__` in a property stands for a dot."""
    return DashboardFieldConfigSourceOverrides(
        matcher=MatcherConfig(id_val=matcher, options=name),
        properties=[
            DynamicConfigValue(id_val=key.replace("__", "."), value=value) for key, value in properties.items()
        ],
    )


def _only(columns: Sequence[Column]) -> list[DataTransformerConfig]:
    """Keep the named columns, in their order."""
    order = {column.name: index for index, column in enumerate(columns)}
    return [
        DataTransformerConfig(id_val="filterFieldsByName", options={"include": {"names": list(order)}}),
        DataTransformerConfig(id_val="organize", options={"indexByName": order}),
    ]


def _column(column: Column) -> DashboardFieldConfigSourceOverrides:
    properties: dict[str, object] = {"displayName": column.title}
    if column.unit:
        properties["unit"] = column.unit
    if column.decimals is not None:
        properties["decimals"] = column.decimals
    if column.steps:
        properties["thresholds"] = column.steps
    if column.mappings:
        properties["mappings"] = list(column.mappings)
    if column.steps or column.mappings:
        properties["custom__cellOptions"] = {"type": "color-text"}
    if column.link:
        properties["links"] = [_link(column.link)]
    if column.width:
        properties["custom__width"] = column.width
    return styled("byName", column.name, **properties)


def _link(url: str) -> dict[str, str]:
    return {"title": "Buka · Open", "url": url}


def _reduce(fields: str, limit: int) -> common.ReduceDataOptions:
    return common.ReduceDataOptions(values=bool(limit), limit=limit or None, calcs=["lastNotNull"], fields=fields)


def _sizes(text: Text) -> common.VizTextDisplayOptions | None:
    if text == Text():
        return None
    return common.VizTextDisplayOptions(title_size=text.title, value_size=text.value)
