"""`cityhub init`: a home for a hub, with commented settings, its certificate authority and an empty registry."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from shlex import quote
from time import time_ns
from typing import Annotated, Any, Final

import typer
from pydantic import BaseModel, SecretStr

from hub.cli.context import find_config
from hub.errors import SettingsError, UsageError
from hub.local.options import ManagedBrokerOptions, ManagedInfluxOptions
from hub.local.services import lan_address
from hub.migrations import upgrade
from hub.pipeline.options import PipelineOptions
from hub.settings import (
    FILE_NAME,
    BundleSettings,
    CitySettings,
    ProfilesSettings,
    RegistrySettings,
    Settings,
    load_settings,
)
from hub.sinks.options import InfluxV1Options, InfluxV2Options
from hub.spool.options import SpoolOptions
from hub.status.options import HealthOptions, StatusOptions
from hub.transport.options import MqttOptions
from hub.web.options import ApiOptions, WebOptions
from provisioning.ca import Authority
from provisioning.database import open_engine
from provisioning.files import write_atomically
from provisioning.keystore import find_passphrase

Overrides = Mapping[str, Mapping[str, Any]]

_HEAD: Final = """\
# Settings of Cityhub. What is commented out shows the default; "..." stands for a value that has none.
# CITYHUB_<SECTION>__<KEY> in the environment replaces a key, e.g. CITYHUB_WEB__PORT=8931.
# Paths are relative to this file.

# Everything that must survive: keys, registry, spool, the managed servers' data.
state_dir = "state"
"""
_SECTIONS: Final[tuple[tuple[str, type[BaseModel], str], ...]] = (
    ("city", CitySettings, "The city itself."),
    ("bundle", BundleSettings, "What devices are told; empty: this machine's name, the managed broker's port."),
    ("profiles", ProfilesSettings, "The city's own device profiles, beside those that ship with the hub."),
    ("local_broker", ManagedBrokerOptions, "The broker that the hub runs itself, unless [broker] names another."),
    ("local_influxdb", ManagedInfluxOptions, "The database that the hub runs itself, unless [influxdb] names another."),
    ("registry", RegistrySettings, "Where devices are registered; empty: SQLite in the state folder."),
    ("pipeline", PipelineOptions, "From messages to batches and writes."),
    ("spool", SpoolOptions, "What waits on disk for the database."),
    ("status", StatusOptions, "When a device is offline, and what becomes one incident."),
    ("health", HealthOptions, "From where on a vital sign is a bad one."),
    ("web", WebOptions, "Health and metrics, on loopback."),
    ("api", ApiOptions, "REST, EST and the revocation lists, over TLS for the network."),
)
_SERVERS: Final[tuple[tuple[str, type[BaseModel], str], ...]] = (
    ("broker", MqttOptions, "An MQTT 5 broker that is there already replaces the managed one."),
    ("influxdb", InfluxV1Options, "An InfluxDB 1.x that is there already replaces the managed one."),
    ("influxdb", InfluxV2Options, "The same for InfluxDB 2.x or 3.x: version = 2 or 3."),
)


def init(
    folder: Annotated[Path, typer.Argument(help="Where the hub shall live.")] = Path(),
    *,
    city: Annotated[str, typer.Option(help="The city's name, for the dashboards.")] = "",
    host: Annotated[str, typer.Option(help="Name or address under which devices reach this machine.")] = "",
) -> None:
    """Write the settings, make the certificate authority and the registry.

    Example: cityhub init /srv/cityhub --city Purbalingga --host hub.purbalinggakab.go.id
    """
    overrides = {"city": {"name": city} if city else {}, "bundle": {"broker_host": host or lan_address()}}
    settings = write_home(folder, overrides)
    typer.echo(f"Settings: {settings.file}\nState:    {settings.state_dir}")
    typer.echo(f"Devices will connect to {':'.join(map(str, settings.broker_address))} (bundle.broker_host).\n")
    typer.echo(f"Keep a copy of {settings.pki_dir} in a safe place: it is the root of every device's trust.")
    where = "" if find_config(None).absolute() == settings.file else f" --config {quote(str(settings.file))}"
    typer.echo(f"Next:     cityhub{where} up")


def write_home(folder: Path, overrides: Overrides) -> Settings:
    """Make a hub's home in `folder` and return its settings.

    Args:
        overrides: section -> key -> value, written into the file in place of the commented defaults.

    Raises:
        UsageError: there is one already, or there can be none.
        SettingsError: `overrides` or the environment hold a bad value; nothing is left behind.
    """
    file = folder / FILE_NAME
    if file.exists():
        raise UsageError(f"{file} is there already; edit it, or name another folder")
    settings = _write_settings(file, render(overrides))
    Authority.create(settings.pki_dir, clock=time_ns, passphrase=find_passphrase(os.environ))
    engine = open_engine(settings.registry_url)
    upgrade(engine)
    engine.dispose()
    return settings


def _write_settings(file: Path, text: str) -> Settings:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(file, text.encode())  # mode 0600: it may come to hold passwords
        settings = load_settings(file)
        settings.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{error.filename} cannot be made: {error.strerror}; name another folder") from error
    except UnicodeEncodeError as error:
        raise UsageError(f"a name is not UTF-8: {error.object[error.start : error.end]!a}") from error
    except SettingsError:
        file.unlink()
        raise
    return settings


def render(overrides: Overrides) -> str:
    """Return the text of a settings file: every key with its meaning and default."""
    lines = [_HEAD]
    for name, model, about in _SECTIONS:
        lines += [f"# {about}", f"[{name}]", *_keys(model, overrides.get(name, {})), ""]
    for name, model, about in _SERVERS:
        values = overrides.get(name) if model is not InfluxV2Options else None
        lines += [f"# {about}", f"[{name}]" if values else f"# [{name}]", *_keys(model, values or {}), ""]
    return "\n".join(lines)


def _keys(model: type[BaseModel], values: Mapping[str, Any]) -> Iterator[str]:
    for key, field in model.model_fields.items():
        about = f"  # {field.description}" if field.description else ""
        if key in values:
            yield f"{key} = {_toml(values[key])}{about}"
        else:
            default = None if field.is_required() else field.get_default()
            yield f"# {key} = {'...' if default is None else _toml(default)}{about}"


def _toml(value: object) -> str:
    """Return a scalar or a table as TOML; JSON's numbers are TOML's too, and its text is but for one character."""
    match value:
        case dict():
            return f"{{{', '.join(f'{_toml(key)} = {_toml(one)}' for key, one in value.items())}}}"
        case SecretStr():
            return '""'
        case bool() | int() | float():
            return json.dumps(value)
        case _:
            return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
