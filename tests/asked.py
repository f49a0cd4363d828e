"""What the dashboards ask: their queries with Grafana's placeholders filled in as Grafana fills them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hub.resources import data_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hub.sinks.query import Series

GENERATED = data_folder("grafana") / "generated"
SECOND = 1_000_000_000
_SPANS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_NICE = (10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
"""Steps that Grafana rounds an interval to, in seconds."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A query as it is sent.

    Attributes:
        place: dashboard, panel and letter; or the variable, or the rule.
        points: the most that the panel wants of each series; 0 where it does not say.
    """

    place: str
    text: str
    history: bool = False
    points: int = 0


def boards() -> dict[str, dict[str, Any]]:
    """Return the dashboards by uid."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(GENERATED.glob("cityhub-*.json"))]
    return {board["uid"]: board for board in found}


def alert_rules() -> list[dict[str, Any]]:
    """Return the alert rules."""
    rules: list[dict[str, Any]] = json.loads((GENERATED / "alert-rules.json").read_text(encoding="utf-8"))
    return rules


def panel_queries(end_ns: int, chosen: dict[str, str] | None = None, hours: float = 24) -> Iterator[Asked]:
    """Yield each InfluxQL query of each panel, over the last `hours`, with `chosen` for the variables and All else."""
    for uid, board in boards().items():
        for panel in board["panels"]:
            back_s = seconds(panel["timeFrom"]) if panel.get("timeFrom") else hours * 3600
            step = interval(back_s, panel["maxDataPoints"], panel.get("interval"))
            for target in panel["targets"]:
                if "query" in target:
                    yield Asked(
                        f"{uid} / {panel['title']} / {target['refId']}",
                        filled(target["query"], end_ns, back_s, step, chosen or {}),
                        target["datasource"]["uid"] == "cityhub-history",
                        panel["maxDataPoints"],
                    )


def variable_queries() -> Iterator[Asked]:
    """Yield each query of each variable."""
    for uid, board in boards().items():
        for variable in board["templating"]["list"]:
            yield Asked(f"{uid} / ${variable['name']}", filled(variable["query"], 0, 0, 60, {}))


def rule_query(rule: dict[str, Any], end_ns: int) -> str:
    """Return what a rule asks."""
    step = next(one for one in rule["data"] if one["datasourceUid"] == "cityhub")
    return filled(step["model"]["query"], end_ns, step["relativeTimeRange"]["from"], 60, {})


def firing(rule: dict[str, Any], answer: Sequence[Series]) -> list[dict[str, str]]:
    """Return the labels of each instance that fires, as Grafana evaluates: newest value, compared with the limit."""
    if not answer:
        return [{}] if rule["noDataState"] == "Alerting" else []
    (condition,) = rule["data"][-1]["model"]["conditions"]
    kind, (limit,) = condition["evaluator"]["type"], condition["evaluator"]["params"]
    newest = [(series.tags, float(series.values[-1][1] or 0)) for series in answer]
    return [tags for tags, value in newest if (value > limit if kind == "gt" else value < limit)]


def filled(text: str, end_ns: int, back_s: float, step_s: int, chosen: dict[str, str]) -> str:
    """Return a query with placeholders filled in."""
    bounds = f"time >= {end_ns - int(back_s * SECOND)} AND time <= {end_ns}"
    text = text.replace("$timeFilter", bounds).replace("$__interval", f"{step_s}s").replace("now()", str(end_ns))
    return re.sub(r"\$\{(\w+):regex\}", lambda found: chosen.get(found[1], ".*"), text)


def interval(back_s: float, points: int, least: str | None) -> int:
    """Return seconds of a step, as Grafana computes them."""
    wanted = max(back_s / points, seconds(least) if least else 0)
    return next((nice for nice in _NICE if nice >= wanted), _NICE[-1])


def seconds(span: str) -> int:
    """Return the seconds of a span such as 15m."""
    return int(span[:-1]) * _SPANS[span[-1]]
