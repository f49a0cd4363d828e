"""Dashboards and alert rules, as they were generated (grafana/) and shipped with the hub."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from hub.resources import data_folder

if TYPE_CHECKING:
    from pathlib import Path

FOLDER: Final = "cityhub"
FOLDER_TITLE: Final = "Cityhub"
FINGERPRINT: Final = "cityhub_fingerprint"
"""The annotation by which a rule's own text is known."""

Json = dict[str, Any]


def generated_folder() -> Path:
    """Return the folder that the generated files are in."""
    return data_folder("grafana") / "generated"


def dashboards() -> list[Json]:
    """Return all dashboards."""
    return [orjson.loads(path.read_bytes()) for path in sorted(generated_folder().glob("cityhub-*.json"))]


def alert_rules() -> list[Json]:
    """Return all alert rules."""
    rules: list[Json] = orjson.loads((generated_folder() / "alert-rules.json").read_bytes())
    return rules
