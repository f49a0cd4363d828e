from __future__ import annotations

from hub.profiles.loader import profiles_folder
from hub.profiles.vocabulary import UNITS


def test_every_unit_stands_in_the_documentation() -> None:
    text = " ".join((profiles_folder().parent / "docs" / "profiles.md").read_text(encoding="utf-8").split())

    assert [unit for unit, about in UNITS.items() if f"`{unit}` {about}" not in text] == []
