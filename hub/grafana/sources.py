"""How Grafana is told to reach the hub's two databases: by InfluxQL, whichever InfluxDB it is. Pure."""

from __future__ import annotations

import hashlib
from typing import Any, Final, assert_never

from hub.sinks.credentials import password, token
from hub.sinks.options import InfluxV1Options, InfluxV2Options, SinkOptions

NAMES: Final = {"cityhub": "Cityhub", "cityhub-history": "Cityhub history"}
"""Our data sources, by uid."""
MARK: Final = "cityhubSecretMark"

Json = dict[str, Any]


def data_sources(options: SinkOptions) -> list[Json]:
    """Return both data sources with their secrets, as Grafana's API takes them.

    Raises:
        SettingsError: the file that holds the secret cannot be used.
    """
    both = (options, options.history())
    return [_data_source(uid, name, one) for (uid, name), one in zip(NAMES.items(), both, strict=True)]


def _data_source(uid: str, name: str, options: SinkOptions) -> Json:
    common = {
        "uid": uid, "name": name, "type": "influxdb", "access": "proxy", "url": options.address, "isDefault": False,
    }  # fmt: skip
    match options:
        case InfluxV1Options():
            secret = password(options)
            data = {"dbName": options.database, "httpMode": "POST"}
            own = {"user": options.username, "secureJsonData": {"password": secret}}
        case InfluxV2Options():
            secret = token(options)
            data = {"dbName": options.bucket, "httpMode": "POST", "httpHeaderName1": "Authorization"}
            own = {"user": "", "secureJsonData": {"httpHeaderValue1": f"Token {secret}"}}
        case _:
            assert_never(options)
    return {**common, **own, "jsonData": {**data, MARK: secret_mark(secret, f"{uid} {options.address}")}}


def secret_mark(secret: str, salt: str) -> str:
    """Return by what a changed secret is known: Grafana shows no secret, and this does not tell it either."""
    return hashlib.scrypt(secret.encode(), salt=salt.encode(), n=2**14, r=8, p=1, dklen=12).hex()
