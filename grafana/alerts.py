"""Alert rules that read incidents, which the hub has grouped by their cause: Grafana never makes the storm anew.

One rule a severity, whose instances are the open incidents, and one for a hub that says nothing. Only that one speaks
when data is missing or cannot be read, so that a database that is away is one alert.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final, Literal

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.alerting import Rule

from grafana.dashboards.influx import RAW

FOLDER: Final = "cityhub"
GROUP: Final = "cityhub"
FINGERPRINT: Final = "cityhub_fingerprint"
NoData = Literal["OK", "Alerting", "NoData", "KeepLast"]
OnError = Literal["OK", "Alerting", "Error", "KeepLast"]
EXPRESSION: Final = "__expr__"
MINUTE: Final = 60
WHAT_AND_WHERE: Final = (
    "{{ $labels.kind }}{{ with $labels.site }} — {{ . }}{{ end }}{{ with $labels.agency }} ({{ . }}){{ end }}"
)
"""The city's own troubles have no site, and may have no agency."""


def rules() -> list[dict[str, Any]]:
    """Return all rules as Grafana's provisioning API takes them."""
    return [_incidents("critical", "0s", "KRITIS"), _incidents("warning", "5m", "PERINGATAN"), _silence()]


def _incidents(severity: str, wait: str, word: str) -> dict[str, Any]:
    """One instance for each open incident; no incident is the usual night, and no reason to speak."""
    query = (
        'SELECT last("open") FROM "incident" '
        f'WHERE $timeFilter AND "severity" = \'{severity}\' GROUP BY "incident", "agency", "site", "kind"'
    )
    return _rule(
        f"cityhub-incident-{severity}",
        f"Insiden {word.lower()} · {severity.capitalize()} incident",
        _chain(query, 15 * MINUTE, "gt", 0),
        wait=wait, no_data="OK", on_error="OK", severity=severity,
        summary=f"{word} · {severity.upper()}: " + WHAT_AND_WHERE,
        runbook=(
            "Buka dasbor Perangkat untuk lokasi ini: sebab, siapa yang dihubungi dan nomornya ada di baris teratas. · "
            "Open the dashboard Device for this site: the cause, whom to call and the number are in the top row."
        ),
        dashboard="cityhub-device",
    )  # fmt: skip


def _silence() -> dict[str, Any]:
    """The hub writes every ten seconds: none in two minutes, or a database that cannot be asked, is an alert."""
    return _rule(
        "cityhub-hub-silent",
        "Hub diam · The hub says nothing",
        _chain('SELECT count("well") FROM "hub" WHERE $timeFilter', 2 * MINUTE, "lt", 1),
        wait="1m", no_data="Alerting", on_error="Alerting", severity="critical",
        summary="KRITIS · CRITICAL: hub diam selama dua menit · the hub has written nothing for two minutes",
        runbook=(
            "Di mesin hub jalankan `cityhub status`, lalu `systemctl status cityhub`; periksa juga basis data. · "
            "On the hub's machine run `cityhub status`, then `systemctl status cityhub`; look at the database as well."
        ),
        dashboard="cityhub-hub",
    )  # fmt: skip


def _rule(
    uid: str, title: str, data: list[dict[str, Any]], *, wait: str, no_data: NoData, on_error: OnError, severity: str,
    summary: str, runbook: str, dashboard: str,
) -> dict[str, Any]:  # fmt: skip
    rule = Rule(
        uid=uid, title=title, folder_uid=FOLDER, rule_group=GROUP, condition="C", for_val=wait, is_paused=False,
        no_data_state=no_data, exec_err_state=on_error, org_id=1, labels={"cityhub": "true", "severity": severity},
    )  # fmt: skip
    plain: dict[str, Any] = json.loads(json.dumps(rule, cls=JSONEncoder))
    plain["data"] = data
    plain["annotations"] = {"summary": summary, "runbook": runbook, "__dashboardUid__": dashboard, "__panelId__": "1"}
    plain["annotations"][FINGERPRINT] = hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:16]
    return plain


def _chain(query: str, back_s: int, compare: str, limit: float) -> list[dict[str, Any]]:
    """Ask, take the newest value of each series, compare it."""
    return [
        _step("A", RAW, {
            "rawQuery": True, "query": query, "resultFormat": "time_series",
            "datasource": {"type": "influxdb", "uid": RAW},
        }, back_s),
        _step("B", EXPRESSION, {"type": "reduce", "expression": "A", "reducer": "last"}),
        _step("C", EXPRESSION, {
            "type": "threshold", "expression": "B",
            "conditions": [{"evaluator": {"type": compare, "params": [limit]}}],
        }),
    ]  # fmt: skip


def _step(ref: str, uid: str, model: dict[str, Any], back_s: int = 0) -> dict[str, Any]:
    full = {"refId": ref, "intervalMs": 10_000, "maxDataPoints": 100, **model}
    if uid == EXPRESSION:
        full["datasource"] = {"type": EXPRESSION, "uid": EXPRESSION}
    span = {"from": back_s, "to": 0}
    return {"refId": ref, "queryType": "", "datasourceUid": uid, "relativeTimeRange": span, "model": full}
