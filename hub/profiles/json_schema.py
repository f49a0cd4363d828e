"""The JSON schema of a profile, for editors that complete and check while one writes."""

from __future__ import annotations

import json
from typing import Any

from hub.profiles.schema import Profile


def json_schema() -> str:
    """Return the schema of `profile.yaml` (JSON Schema 2020-12) as the text of device_profiles/schema.json."""
    schema: dict[str, Any] = Profile.model_json_schema(by_alias=True, mode="validation")
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Cityhub device profile"}
    return json.dumps(head | {key: value for key, value in schema.items() if key != "title"}, indent=2) + "\n"
