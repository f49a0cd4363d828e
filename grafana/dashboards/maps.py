"""Maps: markers with a word beside each, and trails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from grafana_foundation_sdk.models import common, geomap

from grafana.dashboards.panels import Look, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grafana_foundation_sdk.models.dashboard import Panel

    from grafana.dashboards.influx import Query

PLACE: Final = common.FrameGeometrySource(mode=common.FrameGeometrySourceMode.COORDS, latitude="lat", longitude="lon")


def markers(name: str, ref: str, *, color: str, label: str = "", size: int = 8) -> common.MapLayerOptions:
    """Return a layer of points of a query (of all, without `ref`), coloured by one field, labelled with another."""
    style: dict[str, Any] = {
        "size": {"fixed": size, "min": size, "max": size},
        "color": {"field": color, "fixed": "dark-blue"},
        "opacity": 0.8,
        "symbol": {"mode": "fixed", "fixed": "img/icons/marker/circle.svg"},
    }
    if label:
        style["text"] = {"mode": "field", "field": label, "fixed": ""}
        style["textConfig"] = {"fontSize": 14, "offsetX": 0, "offsetY": -14, "textAlign": "center"}
    return _layer("markers", name, ref, {"showLegend": True, "style": style})


def trail(name: str, ref: str) -> common.MapLayerOptions:
    """Return a layer with the way that one device took."""
    style = {"size": {"fixed": 3}, "color": {"fixed": "blue"}, "opacity": 0.9, "lineWidth": 3}
    return _layer("route", name, ref, {"style": style, "arrow": 1})


def atlas(title: str, about: str, queries: Sequence[Query], look: Look, layers: list[common.MapLayerOptions]) -> Panel:
    """Return a map that shows all its points and nothing else."""
    options = geomap.Options(
        view=geomap.MapViewConfig(id_val="fit", lat=0, lon=0, zoom=12, all_layers=True, padding=8),
        controls=geomap.ControlsOptions(show_zoom=True, mouse_wheel_zoom=False, show_attribution=True, show_scale=True),
        basemap=common.MapLayerOptions(type_val="default", name="Peta · Map", config={}),
        layers=layers,
        tooltip=geomap.TooltipOptions(mode=geomap.TooltipMode.DETAILS),
    )
    return shown("geomap", title, about, queries, look, options)


def _layer(kind: str, name: str, ref: str, config: dict[str, Any]) -> common.MapLayerOptions:
    only = {"id": "byRefId", "options": ref} if ref else None
    return common.MapLayerOptions(
        type_val=kind, name=name, config=config, location=PLACE, tooltip=True, filter_data=only
    )
