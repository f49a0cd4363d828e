from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pytest
from typer.utils import get_params_from_function

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True, scope="session")
def _each_command_is_read_once() -> Iterator[None]:
    """Typer evaluates the annotations of every command at each invocation: of a program once, of a test run often."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("typer.main.get_params_from_function", cache(get_params_from_function))
        yield
