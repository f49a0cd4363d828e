"""Grafana's HTTP API as its Swagger document describes it: is a request one that Grafana would take?

The document is Grafana Labs' own, made strict, with what is wrong in it put right here: `for` of an alert rule is a
duration in text, a mute timing's intervals are items, and the types of contact points have blanks before them.
"""

from __future__ import annotations

import json
import os
import re
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft4Validator
from referencing import Registry
from referencing.jsonschema import DRAFT4

SHARED = Path(os.environ.get("CITYHUB_SHARED", Path(__file__).parents[2] / "shared"))
DOCUMENT = SHARED / "data" / "grafana-api.swagger.json"
MISSING = f"the description of Grafana's API is not at {DOCUMENT}; CITYHUB_SHARED names its folder"
OUTSIDE = re.compile(r"/api/live/|/api/health$")
"""What the document leaves out."""

Json = dict[str, Any]


@cache
def document() -> Json:
    """Return the corrected document."""
    api: Json = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    kinds = api["definitions"]
    kinds["ProvisionedAlertRule"]["properties"]["for"] = {"type": "string"}
    kinds["MuteTimeInterval"]["properties"]["time_intervals"]["items"] = {"$ref": "#/definitions/TimeIntervalItem"}
    contact = kinds["EmbeddedContactPoint"]["properties"]["type"]
    contact["enum"] = [kind.strip() for kind in contact["enum"]]
    return api


@cache
def _routes() -> list[tuple[re.Pattern[str], Json]]:
    routes = []
    for path, methods in document()["paths"].items():
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path))
        routes.append((path.count("{"), re.compile(f"{pattern}/?$"), methods))
    return [(pattern, methods) for _, pattern, methods in sorted(routes, key=lambda route: route[0])]


def faults(method: str, path: str, query: set[str], content: Any) -> list[str]:  # noqa: ANN401 - JSON of any shape
    """Return what the API does not know or does not take in a request; nothing when all is well."""
    if OUTSIDE.search(path):
        return []
    operation = next(
        (found[method.lower()] for route, found in _routes() if route.match(path) and method.lower() in found), None
    )
    if operation is None:
        return [f"the API has no {method} {path}"]
    parameters = operation.get("parameters", [])
    unknown = query - {one["name"] for one in parameters if one["in"] == "query"}
    body = next((one for one in parameters if one["in"] == "body"), None)
    found = [f"{method} {path} knows no parameter {name}" for name in sorted(unknown)]
    if body is not None:
        found += [
            f"{method} {path}: {error.json_path}: {error.message}"
            for error in _validator(body["schema"]["$ref"]).iter_errors(content)
        ]
    return found


@cache
def _validator(ref: str) -> Draft4Validator:
    registry: Registry[Any] = Registry().with_resource("urn:grafana", DRAFT4.create_resource(document()))
    return Draft4Validator({"$ref": f"urn:grafana{ref}"}, registry=registry)
