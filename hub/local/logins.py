"""The users of the managed database: their passwords are made once and kept in one file of mode 0600."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from hub.local.errors import LocalServerFailed
from provisioning.files import write_atomically

if TYPE_CHECKING:
    from pathlib import Path

_Password = Annotated[SecretStr, Field(min_length=16, max_length=128)]


class Logins(BaseModel):
    """Passwords by user name: `admin` may do everything, `hub` write and read, `grafana` read."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    admin: _Password
    hub: _Password
    grafana: _Password


def keep_logins(path: Path) -> Logins:
    """Return the logins in `path`, or new ones that are in it from now on.

    Raises:
        LocalServerFailed: the file is damaged or unreadable. New passwords would not fit the database beside it.
        StorageProblem: it cannot be written.
    """
    try:
        return parse_logins(path.read_bytes())
    except FileNotFoundError:
        content = _new_logins()
        write_atomically(path, content)
        return parse_logins(content)
    except (OSError, ValueError) as error:
        raise LocalServerFailed(
            f"{path}, the passwords of the database, cannot be used: {error}. Restore it from a backup."
        ) from error


def parse_logins(content: bytes) -> Logins:
    """Return the logins in a file's content; raises ValueError, which quotes none of it, when they are not whole."""
    try:
        return Logins.model_validate_json(content)
    except ValidationError as error:
        faults = {f"{'.'.join(map(str, fault['loc'])) or 'content'}: {fault['msg']}" for fault in error.errors()}
        raise ValueError("; ".join(sorted(faults))) from None


def _new_logins() -> bytes:
    return json.dumps({user: secrets.token_urlsafe(24) for user in Logins.model_fields}, indent=1).encode()
