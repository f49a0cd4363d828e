from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.local.errors import LocalServerFailed
from hub.local.logins import keep_logins, parse_logins

if TYPE_CHECKING:
    from pathlib import Path

USERS = ("admin", "hub", "grafana")


def test_passwords_are_made_once(tmp_path: Path) -> None:
    assert keep_logins(tmp_path / "logins.json") == keep_logins(tmp_path / "logins.json")


def test_every_user_has_a_password_of_its_own(tmp_path: Path) -> None:
    logins = keep_logins(tmp_path / "logins.json")
    assert len({logins.admin, logins.hub, logins.grafana}) == 3


def test_passwords_are_kept_private(tmp_path: Path) -> None:
    keep_logins(tmp_path / "logins.json")
    assert (tmp_path / "logins.json").stat().st_mode & 0o777 == 0o600


def test_passwords_are_not_printed(tmp_path: Path) -> None:
    logins = keep_logins(tmp_path / "logins.json")
    assert logins.hub.get_secret_value() not in repr(logins)


def test_a_damaged_file_is_neither_replaced_nor_quoted(tmp_path: Path) -> None:
    damaged = json.dumps({"admin": "s3cret-and-short", "hub": "s3cret"})
    (tmp_path / "logins.json").write_text(damaged)
    with pytest.raises(LocalServerFailed, match=r"logins\.json.* grafana: .*hub: .*Restore it from a backup") as caught:
        keep_logins(tmp_path / "logins.json")
    assert "s3cret" not in str(caught.value)
    assert (tmp_path / "logins.json").read_text() == damaged


@given(st.binary() | st.dictionaries(st.sampled_from(USERS) | st.text(), st.text() | st.integers()).map(json.dumps))
def test_any_content_is_logins_or_a_value_error(content: bytes | str) -> None:
    with contextlib.suppress(ValueError):
        parse_logins(content.encode() if isinstance(content, str) else content)
