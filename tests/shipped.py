"""What ships with the hub, read once for all tests of a process: nobody changes it."""

from __future__ import annotations

from typing import Final

from hub.profiles.loader import load_profiles

VOCABULARY, PROFILES = load_profiles()
GENERIC: Final = {name: profile for name, profile in PROFILES.items() if name.startswith("generic_")}
"""The few that most tests need; to compile all for each test takes its time."""
