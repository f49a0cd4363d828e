"""Files by which Grafana provisions itself, from the same source: for containers (compose/)."""

from __future__ import annotations

from typing import Any, Final

import yaml

from grafana.alerts import GROUP
from grafana.dashboards.influx import HISTORY, RAW

NOTE: Final = "# Written by `make dashboards`; what is changed here is lost.\n"
VARIABLES: Final = """\
# From the environment: CITYHUB_INFLUXDB_URL, and for InfluxDB 1.x CITYHUB_INFLUXDB_USER, CITYHUB_INFLUXDB_PASSWORD and
# CITYHUB_INFLUXDB_HEADER=X-Unused; for 2.x and 3.x CITYHUB_INFLUXDB_HEADER=Authorization and
# CITYHUB_INFLUXDB_AUTHORIZATION="Token ...".
"""
DATABASES: Final = {RAW: ("Cityhub", "cityhub"), HISTORY: ("Cityhub history", "cityhub_history")}
Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None
DASHBOARDS: Final = "/etc/grafana/cityhub"
"""Where the container sees the folder `generated`."""


def datasources() -> str:
    """Return the data sources; address and secret come from the container's environment."""
    found = [_datasource(uid, name, database) for uid, (name, database) in DATABASES.items()]
    return _yaml({"apiVersion": 1, "datasources": found}, VARIABLES)


def dashboards() -> str:
    """Return where the dashboards' files are."""
    provider = {
        "name": "cityhub", "type": "file", "folder": "Cityhub", "folderUid": "cityhub", "allowUiUpdates": False,
        "updateIntervalSeconds": 30, "options": {"path": DASHBOARDS},
    }  # fmt: skip
    return _yaml({"apiVersion": 1, "providers": [provider]})


def alerting(rules: list[dict[str, Any]]) -> str:
    """Return the alert rules."""
    group = {"orgId": 1, "name": GROUP, "folder": "Cityhub", "interval": "1m", "rules": [_rule(one) for one in rules]}
    return _yaml({"apiVersion": 1, "groups": [group]})


def _datasource(uid: str, name: str, database: str) -> dict[str, Any]:
    return {
        "uid": uid, "name": name, "type": "influxdb", "access": "proxy", "url": "$CITYHUB_INFLUXDB_URL",
        "user": "$CITYHUB_INFLUXDB_USER", "editable": False,
        "jsonData": {"dbName": database, "httpMode": "POST", "httpHeaderName1": "$CITYHUB_INFLUXDB_HEADER"},
        "secureJsonData": {
            "password": "$CITYHUB_INFLUXDB_PASSWORD", "httpHeaderValue1": "$CITYHUB_INFLUXDB_AUTHORIZATION",
        },
    }  # fmt: skip


def _rule(rule: dict[str, Any]) -> dict[str, Any]:
    """Files know no folder in a rule, and have keys of their own for its dashboard; `$` would be a variable."""
    kept = {key: value for key, value in rule.items() if key not in {"folderUID", "ruleGroup", "orgID"}}
    notes = dict(rule["annotations"])
    kept["dashboardUid"], kept["panelId"] = notes.pop("__dashboardUid__"), int(notes.pop("__panelId__"))
    return {key: _escaped(value) for key, value in {**kept, "annotations": notes}.items()}


def _escaped(content: Json) -> Json:
    match content:
        case str():
            return content.replace("$", "$$")
        case dict():
            return {key: _escaped(value) for key, value in content.items()}
        case list():
            return [_escaped(one) for one in content]
        case _:
            return content


def _yaml(content: dict[str, Any], note: str = "") -> str:
    return NOTE + note + yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=120)
