"""What ships with the hub, read once for all tests of a process: nobody changes it."""

from __future__ import annotations

from hub.profiles.loader import load_profiles

VOCABULARY, PROFILES = load_profiles()
