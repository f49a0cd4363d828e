"""What a database asks for before it listens: read when a connection is opened, never printed."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, assert_never

from hub.errors import SettingsError
from hub.sinks.options import InfluxV1Options, InfluxV2Options, SinkOptions

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import SecretStr


def authorization(options: SinkOptions) -> dict[str, str]:
    """Return the Authorization header for a database: Basic for 1.x, Token for 2.x and 3.x; empty without credentials.

    Raises:
        SettingsError: the file that holds the secret cannot be used.
    """
    match options:
        case InfluxV1Options():
            return _basic(options.username, password(options)) if options.username else {}
        case InfluxV2Options():
            secret = token(options)
            return {"Authorization": f"Token {secret}"} if secret else {}
        case _:
            assert_never(options)


def password(options: InfluxV1Options) -> str:
    """Return the password; raises SettingsError when `password_file` cannot be used."""
    return _secret(options.password, options.password_file, "password")


def token(options: InfluxV2Options) -> str:
    """Return the token; raises SettingsError when `token_file` cannot be used."""
    return _secret(options.token, options.token_file, "token")


def _basic(username: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(f"{username}:{secret}".encode()).decode()}


def _secret(value: SecretStr, file: Path | None, key: str) -> str:
    """Return one printable line without its end: anything else could not stand in a header."""
    if file is None:
        secret, place = value.get_secret_value(), f"`{key}`"
    else:
        secret, place = _read(file, f"{key}_file").rstrip("\r\n"), f"`{key}_file` {file}"
        if not secret:
            raise SettingsError(f"{place} is empty; write the {key} into it")
    if not secret.isprintable():
        raise SettingsError(f"{place} holds more than one line or a control character; it takes the {key} alone")
    return secret


def _read(file: Path, key: str) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError(
            f"`{key}` {file} cannot be read: {error.strerror}; create it, readable by the user that the hub runs as"
        ) from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"`{key}` {file} is not UTF-8 text; it takes one line") from error
