"""The hub's settings: one TOML file, overlaid by the environment, read once.

`CITYHUB_<SECTION>__<KEY>` in the environment replaces a key of the file, e.g. CITYHUB_BROKER__PORT=8884.
Paths are relative to the file. Nothing here touches the network.
"""

from __future__ import annotations

import os
import tomllib
from difflib import get_close_matches
from pathlib import Path
from socket import gethostname
from typing import TYPE_CHECKING, Any, Final, TypeVar, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from hub.errors import SettingsError
from hub.local.options import ManagedBrokerOptions, ManagedInfluxOptions
from hub.pipeline.options import PipelineOptions
from hub.sinks.options import SinkOptions
from hub.spool.options import SpoolOptions
from hub.status.options import HealthOptions, StatusOptions
from hub.transport.options import MqttOptions
from hub.web.options import ApiOptions, WebOptions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_core import ErrorDetails

PREFIX: Final = "CITYHUB_"
RESERVED: Final = {"CITYHUB_CONFIG", "CITYHUB_CA_PASSPHRASE_FILE"}
FILE_NAME: Final = "cityhub.toml"
_Model = TypeVar("_Model", bound=BaseModel)


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class CitySettings(_Section):
    """The city itself."""

    name: str = Field(default="Kota", min_length=1)
    timezone: str = "Asia/Jakarta"

    @field_validator("timezone")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError("is no time zone; Indonesia has Asia/Jakarta, Asia/Makassar and Asia/Jayapura") from error
        return value


class RegistrySettings(_Section):
    """Where devices are registered; empty means SQLite in the state folder. The URL may hold a password."""

    url: SecretStr = SecretStr("")


class ProfilesSettings(_Section):
    """A city's own device profiles, in a folder beside those that ship with the hub."""

    folder: Path | None = Field(default=None, description="relative to this file")


class BundleSettings(_Section):
    """What devices are told; empty means this machine's own name and the managed broker's port."""

    broker_host: str = ""
    broker_port: int = Field(default=0, ge=0, le=65535)


class Settings(_Section):
    """Everything the hub is told, frozen.

    `broker` and `influxdb` name servers that are there already; without them the hub runs its own, as
    `local_broker` and `local_influxdb` say.
    """

    file: Path
    state_dir: Path = Path("state")
    city: CitySettings = CitySettings()
    registry: RegistrySettings = RegistrySettings()
    broker: MqttOptions | None = None
    influxdb: SinkOptions | None = None
    local_broker: ManagedBrokerOptions = ManagedBrokerOptions()
    local_influxdb: ManagedInfluxOptions = ManagedInfluxOptions()
    profiles: ProfilesSettings = ProfilesSettings()
    bundle: BundleSettings = BundleSettings()
    pipeline: PipelineOptions = PipelineOptions()
    spool: SpoolOptions = SpoolOptions()
    status: StatusOptions = StatusOptions()
    health: HealthOptions = HealthOptions()
    web: WebOptions = WebOptions()
    api: ApiOptions = ApiOptions()

    @property
    def registry_url(self) -> str:
        """SQLAlchemy URL of the registry."""
        return self.registry.url.get_secret_value() or f"sqlite:///{self.state_dir / 'registry.db'}"

    @property
    def broker_address(self) -> tuple[str, int]:
        """Where devices connect: host and port."""
        external = (self.broker.host, self.broker.port) if self.broker else (gethostname(), self.local_broker.port)
        return self.bundle.broker_host or external[0], self.bundle.broker_port or external[1]

    @property
    def pki_dir(self) -> Path:
        """Folder of the certificate authority."""
        return self.state_dir / "pki"

    @property
    def spool_file(self) -> Path:
        """The spool's SQLite file."""
        return self.state_dir / "spool.db"


def load_settings(file: Path, environment: Mapping[str, str] = os.environ) -> Settings:
    """Read `file` and overlay the environment.

    Raises:
        SettingsError: the file is missing, is not TOML, or has an unknown key or a bad value.
    """
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SettingsError(f"{file} does not exist; `cityhub init` writes one") from error
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file} cannot be read: {error}") from error
    except ValueError as error:  # TOMLDecodeError is one, and so is a number of thousands of digits
        raise SettingsError(f"{file} is not TOML: {error}") from error
    origin = _overlay(document, environment)
    if "file" in document:
        raise SettingsError(f"{origin.get('file', file)}: file: there is no such key")
    return _resolve(_validate(file, document, origin))


def _overlay(document: dict[str, Any], environment: Mapping[str, str]) -> dict[str, str]:
    """Put the environment's values over the file's; return which variable each key came from."""
    origin: dict[str, str] = {}
    for variable in sorted(environment):
        if not variable.startswith(PREFIX) or variable in RESERVED:
            continue
        path = variable.removeprefix(PREFIX).lower().split("__")
        target = document
        for part in path[:-1]:
            target = target.setdefault(part, {})
            if not isinstance(target, dict):
                raise SettingsError(f"{variable}: {part} is no section")
        target[path[-1]] = _typed(path[-1], environment[variable])
        origin[".".join(path)] = variable
    return origin


def _typed(key: str, text: str) -> str | int:
    """Leave text as it is: validation reads numbers where one is due, and a password may look like one.

    Only `version` is a number from the start, for it decides what the other keys mean.
    """
    return int(text) if key == "version" and text.isascii() and text.isdecimal() else text


def _validate(file: Path, document: dict[str, Any], origin: dict[str, str]) -> Settings:
    try:
        return Settings.model_validate({**document, "file": file.absolute()})
    except ValidationError as error:
        raise SettingsError(_sentence(file, error, origin)) from None


def _sentence(file: Path, error: ValidationError, origin: dict[str, str]) -> str:
    """Say the first thing that is wrong: where, what, and the way out. Never quotes a value: it may be a secret."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    path = [str(part) for part in first["loc"] if not (isinstance(part, str) and part.isdigit())]
    key = ".".join(part for part in path if part not in {"1", "2", "3"})
    variables = [variable for name, variable in origin.items() if name == key or name.startswith(f"{key}.")]
    return f"{variables[0] if variables else file}: {key}: {_what(first, path)}"


def _what(first: ErrorDetails, path: list[str]) -> str:
    match first["type"]:
        case "extra_forbidden":
            section = _section(path)
            near = get_close_matches(path[-1], section, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(section)}"
            return f"there is no such key; {hint}"
        case "missing":
            return "is missing"
        case "model_type" | "model_attributes_type":
            return "is a section with keys of its own, not a value"
        case "union_tag_not_found" | "union_tag_invalid":
            return "`version` says which InfluxDB it is: 1, 2 or 3"
        case _:
            return first["msg"].removeprefix("Value error, ")


def _section(path: list[str]) -> list[str]:
    """Return the keys that are known where `path` leads."""
    models: list[type[BaseModel]] = [Settings]
    for part in path[:-1]:
        inner = [found for model in models for found in _models(model, part)]
        models = inner or models
    return sorted({name for model in models for name in model.model_fields} - {"file"})


def _models(model: type[BaseModel], key: str) -> list[type[BaseModel]]:
    """Return the models that may stand under `key`, through unions and annotations."""
    todo: list[object] = [model.model_fields[key].annotation] if key in model.model_fields else []
    found: list[type[BaseModel]] = []
    while todo:
        one = todo.pop()
        if isinstance(one, type) and issubclass(one, BaseModel):
            found.append(one)
        else:
            todo += get_args(one)
    return found


def _resolve(settings: Settings) -> Settings:
    """Make every path absolute, from the folder of the settings file."""
    base = settings.file.parent
    changes: dict[str, Any] = {"state_dir": base / settings.state_dir}
    for name in ("profiles", "broker", "influxdb", "local_broker", "local_influxdb", "api"):
        section = getattr(settings, name)
        if section is not None:
            changes[name] = _absolute(section, base)
    return settings.model_copy(update=changes)


def _absolute(section: _Model, base: Path) -> _Model:
    paths = {name: base / value for name, value in section if isinstance(value, Path)}
    return section.model_copy(update=paths)
