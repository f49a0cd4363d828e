"""A private InfluxDB 1.x for one-box mode: on loopback, with authentication on, bounded by retention.

Settings: https://docs.influxdata.com/influxdb/v1/administration/config/, tried with Debian's 1.6.7.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp

from hub.local.child import Program
from hub.local.errors import LocalServerFailed
from hub.local.folder import private_folder
from hub.local.influxql import Unauthorised, execute
from hub.local.logins import keep_logins
from hub.local.programs import find_program
from hub.sinks.options import InfluxV1Options
from hub.sinks.query import quote_ident, quote_string
from provisioning.files import write_atomically

if TYPE_CHECKING:
    from pathlib import Path

    from hub.local.logins import Logins
    from hub.local.options import ManagedInfluxOptions

LOOPBACK = "127.0.0.1"
RAW = "cityhub"
HISTORY = "cityhub_history"

_NO_CONTENT = 204
_LONGEST_MONTH = 31
"""Days. Counted so, the last month of the history is never cut short."""


@dataclass(frozen=True, slots=True)
class ManagedInflux:
    """The database of one-box mode.

    Attributes:
        options: ports and retention.
        folder: its configuration, passwords, log and data; made when it is not there.
    """

    options: ManagedInfluxOptions
    folder: Path

    def prepare(self) -> Program:
        """Write the configuration and return the program that reads it.

        Raises:
            MissingProgram: influxd is not installed.
            LocalServerFailed: the folder cannot be used.
            StorageProblem: the configuration cannot be written.
        """
        program = find_program("influxd", package="influxdb", configured=self.options.program)
        folder = private_folder(self.folder)
        write_atomically(folder / "influxd.conf", render_config(self.options, folder).encode())
        return Program(
            name="influxd",
            argv=(str(program), "-config", str(folder / "influxd.conf")),
            ready=self._ready,
            log_file=folder / "influxd.log",
            listens=((LOOPBACK, self.options.port), (LOOPBACK, self.options.rpc_port)),
            cwd=folder,
            env={"HOME": str(folder)},  # an INFLUXDB_… in ours would overrule the file, authentication included
        )

    async def bootstrap(self) -> None:
        """Make users and databases once the server is ready; harmless when they are there.

        A changed retention is applied; InfluxDB drops what has become too old within half an hour.

        Raises:
            LocalServerFailed: the server does not answer or refuses, or its passwords are damaged.
            StorageProblem: the passwords cannot be written.
        """
        logins = self.logins()
        as_admin = aiohttp.encode_basic_auth("admin", logins.admin.get_secret_value())
        with contextlib.suppress(Unauthorised):  # InfluxDB takes its first user from anybody, and only that one
            await execute(self._url, [_create_admin(logins)])
        try:
            await execute(self._url, bootstrap_statements(self.options, logins), as_admin)
        except Unauthorised as error:
            raise LocalServerFailed(
                f"The database in {self.folder} does not know the passwords in {self._logins_file}: one of them was "
                "replaced without the other. Restore both from the same backup."
            ) from error

    def logins(self) -> Logins:
        """Return the passwords of this database, which are made when there are none.

        Raises:
            LocalServerFailed: the file that keeps them is damaged, or the folder cannot be used.
            StorageProblem: it cannot be written.
        """
        private_folder(self.folder)
        return keep_logins(self._logins_file)

    def sink_options(self, database: str = RAW) -> InfluxV1Options:
        """Return how the hub writes to, and reads from, one of the two databases; raises as `logins` does."""
        return InfluxV1Options.model_validate(
            {"url": self._url, "database": database, "username": "hub", "password": self.logins().hub}
        )

    def reader_options(self) -> InfluxV1Options:
        """Return how Grafana reads the raw database, by a login that may not write; raises as `logins` does."""
        return InfluxV1Options.model_validate(
            {"url": self._url, "database": RAW, "username": "grafana", "password": self.logins().grafana}
        )

    @property
    def _url(self) -> str:
        return f"http://{LOOPBACK}:{self.options.port}"

    @property
    def _logins_file(self) -> Path:
        return self.folder / "logins.json"

    async def _ready(self) -> bool:
        try:
            async with aiohttp.ClientSession() as session, session.get(f"{self._url}/ping") as response:
                return response.status == _NO_CONTENT
        except aiohttp.ClientError:
            return False


def bootstrap_statements(options: ManagedInfluxOptions, logins: Logins) -> list[str]:
    """Return what makes databases and users as they should be, whatever they were before."""
    statements: list[str] = []
    for database, days in ((RAW, options.raw_days), (HISTORY, options.history_months * _LONGEST_MONTH)):
        statements += [f"CREATE DATABASE {quote_ident(database)}", _retention(database, days)]
    for user, password, right in (("hub", logins.hub, "ALL"), ("grafana", logins.grafana, "READ")):
        statements.append(f"CREATE USER {quote_ident(user)} WITH PASSWORD {quote_string(password.get_secret_value())}")
        statements += [f"GRANT {right} ON {quote_ident(name)} TO {quote_ident(user)}" for name in (RAW, HISTORY)]
    return statements


def render_config(options: ManagedInfluxOptions, folder: Path) -> str:
    """Return influxd.conf (TOML); what it does not name keeps its default."""
    return f"""\
# Written by the hub at every start; what is changed here is lost.
reporting-disabled = true
bind-address = "{LOOPBACK}:{options.rpc_port}"

[meta]
dir = {_toml(folder / "meta")}
logging-enabled = false

[data]
dir = {_toml(folder / "data")}
wal-dir = {_toml(folder / "wal")}
index-version = "tsi1"
# Confirmed means on disk. A delay would not save work: the hub writes in large batches, and each would wait for it.
wal-fsync-delay = "0s"
cache-max-memory-size = "512m"
query-log-enabled = false
# Tags come from the registry and the profiles, so they are bounded there.
max-series-per-database = 0
max-values-per-tag = 0

[coordinator]
# A careless dashboard query must not take the machine away from the readings.
query-timeout = "60s"

[monitor]
store-enabled = false

[subscriber]
enabled = false

[continuous_queries]
enabled = false

[http]
bind-address = "{LOOPBACK}:{options.port}"
auth-enabled = true
log-enabled = false
pprof-enabled = false

[logging]
level = "warn"
suppress-logo = true
"""


def _create_admin(logins: Logins) -> str:
    password = quote_string(logins.admin.get_secret_value())
    return f"CREATE USER {quote_ident('admin')} WITH PASSWORD {password} WITH ALL PRIVILEGES"


def _retention(database: str, days: int) -> str:
    """Alter the policy that every new database has; data leaves by whole shards, sized by InfluxDB's own rule."""
    shard_days = 1 if days <= 180 else 7  # noqa: PLR2004 - six months, as InfluxDB counts them
    return (
        f'ALTER RETENTION POLICY "autogen" ON {quote_ident(database)} '
        f"DURATION {days}d SHARD DURATION {shard_days}d DEFAULT"
    )


def _toml(path: Path) -> str:
    """Return a path as a TOML basic string, which escapes as JSON does."""
    return json.dumps(str(path), ensure_ascii=False)
