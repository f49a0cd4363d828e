"""What a program does once is done once for all unit tests too."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pytest
from typer.utils import get_params_from_function

from hub.grafana.sources import secret_mark
from hub.profiles.document import Document
from hub.profiles.loader import profiles_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SHIPPED = profiles_folder()
shipped_document = cache(Document)


def document(file: Path) -> Document:
    """Read a document: what ships, and so stays as it is, only once."""
    return shipped_document(file) if file.is_relative_to(SHIPPED) else Document(file)


@pytest.fixture(autouse=True, scope="session")
def _only_the_first_time_is_dear() -> Iterator[None]:
    """Typer evaluates the annotations of all commands at each invocation; YAML is slow, and scrypt is meant to be."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("typer.main.get_params_from_function", cache(get_params_from_function))
        patch.setattr("hub.profiles.loader.Document", document)
        patch.setattr("hub.grafana.sources.secret_mark", cache(secret_mark))
        yield
