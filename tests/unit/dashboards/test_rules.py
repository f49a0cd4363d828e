"""The alert rules and the files by which Grafana provisions itself."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml

from hub.grafana.policies import WORDS
from hub.resources import data_folder
from tests.asked import alert_rules, boards

RULES = alert_rules()
FILES = data_folder("grafana") / "provisioning"

each_rule = pytest.mark.parametrize("rule", RULES, ids=[rule["uid"] for rule in RULES])


def _files(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((FILES / name / "cityhub.yaml").read_text(encoding="utf-8"))
    return found


@each_rule
def test_a_rule_reads_incidents_or_the_hubs_pulse_and_never_telemetry(rule: dict[str, Any]) -> None:
    assert set(re.findall(r'FROM "(\w+)"', rule["data"][0]["model"]["query"])) <= {"incident", "hub"}


@each_rule
def test_a_rule_says_whom_it_concerns_and_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["cityhub"] == "true"
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert " · " in rule["annotations"]["runbook"]


def test_only_a_silent_hub_speaks_when_data_is_missing_or_cannot_be_read() -> None:
    states = {rule["uid"]: (rule["noDataState"], rule["execErrState"]) for rule in RULES}
    assert states == {
        "cityhub-incident-critical": ("OK", "OK"),
        "cityhub-incident-warning": ("OK", "OK"),
        "cityhub-hub-silent": ("Alerting", "Alerting"),
    }


def test_incidents_keep_their_agency_so_that_alerts_can_be_routed() -> None:
    for rule in RULES[:2]:
        assert '"agency"' in rule["data"][0]["model"]["query"].split("GROUP BY")[1]


def test_the_link_of_an_incidents_notification_leads_to_its_site_and_whom_to_call() -> None:
    assert "{{ .DashboardURL }}{{ with .Labels.site }}&var-site={{ . }}{{ end }}" in WORDS
    for rule in RULES[:2]:
        assert '"site"' in rule["data"][0]["model"]["query"].split("GROUP BY")[1]
        board = boards()[rule["annotations"]["__dashboardUid__"]]
        assert "site" in {variable["name"] for variable in board["templating"]["list"]}
        assert {'"contact"', '"phone"'} <= set(re.findall(r'"\w+"', board["panels"][1]["targets"][0]["query"]))
        assert board["panels"][1]["gridPos"]["y"] == 0, "the runbook says: in the top row"


def test_files_hold_the_same_rules_with_dollars_kept_from_being_variables() -> None:
    (group,) = _files("alerting")["groups"]
    text = json.dumps(group)
    assert re.findall(r"(?<!\$)\$(?!\$)", text) == []
    assert [one["uid"] for one in group["rules"]] == [rule["uid"] for rule in RULES]
    queries = [one["data"][0]["model"]["query"].replace("$$", "$") for one in group["rules"]]
    assert queries == [rule["data"][0]["model"]["query"] for rule in RULES]


def test_files_name_the_data_sources_that_the_dashboards_ask() -> None:
    assert [one["uid"] for one in _files("datasources")["datasources"]] == ["cityhub", "cityhub-history"]


def test_no_secret_stands_in_a_file() -> None:
    for source in _files("datasources")["datasources"]:
        assert all(value.startswith("$") for value in source["secureJsonData"].values())
