"""Who is told of what: one branch in Grafana's tree of notification policies, beside everybody else's. Pure.

Grafana replaces the whole tree at once, so ours is put into the tree that is there and the rest is sent back as it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hub.grafana.options import EVERYBODY, window_parts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

OUR_MATCHER: Final = ["cityhub", "=", "true"]
"""The label that all of our rules carry, and nobody else's."""
MUTE: Final = "cityhub-maintenance"
TEMPLATE: Final = "cityhub"
# The link stands for the phone number: labels come from tags alone, and whom to call is a field, which may change while
# the incident is open. The dashboard's address ends in a query of its own (orgId, from, to).
WORDS: Final = """\
{{ define "cityhub.title" }}{{ range .Alerts.Firing }}{{ .Annotations.summary }}
{{ else }}Selesai · Resolved: {{ range .Alerts.Resolved }}{{ .Annotations.summary }} {{ end }}{{ end }}{{ end }}
{{ define "cityhub.message" }}{{ range .Alerts.Firing }}{{ .Annotations.summary }}
{{ .Annotations.runbook }}
{{ .DashboardURL }}{{ with .Labels.site }}&var-site={{ . }}{{ end }}
{{ end }}{{ range .Alerts.Resolved }}Selesai · Resolved: {{ .Annotations.summary }}
{{ end }}{{ end }}
"""

Json = dict[str, Any]


def receiver(agency: str) -> str:
    """Return the name of an agency's contact point."""
    return f"Cityhub {agency}"


def contact_points(contacts: Mapping[str, Sequence[str]]) -> list[Json]:
    """Return the contact points, one an agency."""
    return [
        {
            "uid": f"cityhub-{agency}", "name": receiver(agency), "type": "email", "disableResolveMessage": False,
            "settings": {
                "addresses": ";".join(addresses), "singleEmail": True,
                "subject": '{{ template "cityhub.title" . }}', "message": '{{ template "cityhub.message" . }}',
            },
        }
        for agency, addresses in contacts.items()
    ]  # fmt: skip


def mute_timing(windows: Sequence[str], timezone: str) -> Json | None:
    """Return the times without notifications; None when there are none."""
    if not windows:
        return None
    intervals: list[Json] = []
    for day, start, end in map(window_parts, windows):
        interval: Json = {"times": [{"start_time": start, "end_time": end}], "location": timezone}
        intervals.append({**interval, "weekdays": [day]} if day else interval)
    return {"name": MUTE, "time_intervals": intervals}


def branch(contacts: Mapping[str, Sequence[str]], *, muted: bool) -> Json | None:
    """Return our branch: each agency's alerts to its contact point, all others to the city's; None without contacts."""
    if not contacts:
        return None
    mute = {"mute_time_intervals": [MUTE]} if muted else {}
    agencies = [agency for agency in contacts if agency != EVERYBODY]
    routes = [
        {"receiver": receiver(agency), "object_matchers": [["agency", "=", agency]], **mute} for agency in agencies
    ]
    own: Json = {"receiver": receiver(EVERYBODY)} if EVERYBODY in contacts else {}
    grouping = {"group_by": ["alertname", "incident"], "group_wait": "30s", "repeat_interval": "4h"}
    return {**own, "object_matchers": [OUR_MATCHER], **grouping, **mute, "routes": routes}


def find_branch(tree: Json) -> Json | None:
    """Return our branch in a tree."""
    return next((route for route in tree.get("routes") or [] if _is_ours(route)), None)


def merge(tree: Json, ours: Json | None) -> Json:
    """Return the tree with our branch in its old place, or first; without it when `ours` is None."""
    routes = list(tree.get("routes") or [])
    places = [index for index, route in enumerate(routes) if _is_ours(route)]
    others = [route for route in routes if not _is_ours(route)]
    if ours is not None:
        others.insert(places[0] if places else 0, ours)
    kept = {key: value for key, value in tree.items() if key != "provenance"}
    return {**kept, "routes": others}


def _is_ours(route: Json) -> bool:
    return OUR_MATCHER in (route.get("object_matchers") or [])
