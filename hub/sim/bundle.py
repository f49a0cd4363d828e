"""A device's bundle, read from its folder as a real device's firmware would read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError

from hub.errors import UsageError
from hub.transport.options import MqttOptions

if TYPE_CHECKING:
    from pathlib import Path


class _Broker(BaseModel):
    host: str
    port: int


class _Files(BaseModel):
    key: str
    certificate: str
    ca: str


class _Topic(BaseModel):
    topic: str


class _Topics(BaseModel):
    write: tuple[_Topic, ...]


class _Config(BaseModel):
    client_id: str
    broker: _Broker
    files: _Files
    topics: _Topics


class Bundle:
    """How a device reaches its broker, and where it may publish.

    Raises:
        UsageError: the folder holds no bundle.
    """

    def __init__(self, folder: Path) -> None:
        file = folder / "config.json"
        try:
            self._config = _Config.model_validate_json(file.read_bytes())
        except (OSError, ValidationError) as error:
            raise UsageError(f"{file} is no bundle's config.json; `cityhub device bundle` makes one") from error
        self._folder = folder

    @property
    def options(self) -> MqttOptions:
        """What a connection needs, the files of key and certificates included."""
        files, broker = self._config.files, self._config.broker
        return MqttOptions(
            host=broker.host,
            port=broker.port,
            ca_file=self._folder / files.ca,
            cert_file=self._folder / files.certificate,
            key_file=self._folder / files.key,
            client_id=self._config.client_id,
        )

    def topic(self, channel: str) -> str:
        """Return the topic of a channel such as `telemetry`.

        Raises:
            UsageError: the device may not publish on such a channel.
        """
        for entry in self._config.topics.write:
            if entry.topic.rpartition("/")[2] == channel:
                return entry.topic
        raise UsageError(f"the bundle in {self._folder} names no topic for {channel}")
