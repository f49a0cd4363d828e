"""Everything that is generated, by its path below this folder."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from grafana.alerts import rules
from grafana.dashboards.bandwidth import bandwidth
from grafana.dashboards.cctv import cctv
from grafana.dashboards.device import device
from grafana.dashboards.fleet import fleet
from grafana.dashboards.hub import hub
from grafana.dashboards.sensors import sensors
from grafana.dashboards.wall import wall
from grafana.provision import alerting, dashboards, datasources

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Dashboard

ALL: Final = (wall, cctv, bandwidth, fleet, sensors, device, hub)
_NOT_GRAFANAS: Final = {"auto", "auto_min", "auto_count", "definition"}
"""Keys of variables that the SDK writes and Grafana's schema does not know."""


def generated() -> dict[str, str]:
    """Return the content of each generated file."""
    boards = [plain(make()) for make in ALL]
    return {
        **{f"generated/{board['uid']}.json": _json(board) for board in boards},
        "generated/alert-rules.json": _json(rules()),
        "provisioning/datasources/cityhub.yaml": datasources(),
        "provisioning/dashboards/cityhub.yaml": dashboards(),
        "provisioning/alerting/cityhub.yaml": alerting(rules()),
    }


def plain(dashboard: Dashboard) -> dict[str, Any]:
    """Return a dashboard as Grafana takes it."""
    board: dict[str, Any] = json.loads(json.dumps(dashboard, cls=JSONEncoder))
    board["id"] = None
    for variable in board["templating"]["list"]:
        for key in _NOT_GRAFANAS & variable.keys():
            del variable[key]
    for shown in (*board["links"], *board["annotations"]["list"]):
        shown.pop("placement", None)  # the SDK would hide them in a menu
    return board


def _json(content: object) -> str:
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"
