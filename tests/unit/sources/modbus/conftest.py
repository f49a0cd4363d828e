from __future__ import annotations

import random

import pytest


@pytest.fixture(autouse=True)
def _the_same_chance_every_time() -> None:
    """Back-off is jittered; hours of a virtual clock shall be the same hours in every run."""
    random.seed(2026)
