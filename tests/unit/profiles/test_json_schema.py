from __future__ import annotations

import json

from hub.profiles.json_schema import json_schema
from hub.profiles.loader import profiles_folder


def test_the_schema_beside_the_profiles_is_what_the_code_says() -> None:
    """When this fails: cityhub profile schema > device_profiles/schema.json."""
    assert (profiles_folder() / "schema.json").read_text(encoding="utf-8") == json_schema()


def test_editors_are_told_that_a_reading_may_be_written_as_its_path_alone() -> None:
    message = json.loads(json_schema())["$defs"]["MessageSpec"]

    reading = message["properties"]["readings"]
    for _ in ("measurement", "name"):
        (reading,) = reading["patternProperties"].values()
    assert {"type": "string"} in reading["anyOf"]
