"""A private Grafana for one-box mode, where the machine has one: on loopback, with a folder of its own.

Settings: https://grafana.com/docs/grafana/latest/setup-grafana/configure-grafana/. What it shows is pushed to it as to
any other (hub/grafana), so that nothing here knows of dashboards.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import aiohttp

from hub.errors import MissingProgram
from hub.local.child import Program
from hub.local.errors import LocalServerFailed
from hub.local.folder import private_folder
from hub.local.programs import find_program
from provisioning.files import write_atomically

if TYPE_CHECKING:
    from pathlib import Path

    from hub.local.options import ManagedGrafanaOptions

LOOPBACK: Final = "127.0.0.1"
ADMIN: Final = "admin"
_OK: Final = 200
_NAMES: Final = ("grafana", "grafana-server")
"""The program's names, the newer first: `grafana server` took over from `grafana-server` in 9.3."""


@dataclass(frozen=True, slots=True)
class ManagedGrafana:
    """The Grafana of one-box mode.

    Attributes:
        options: port, program, and who may look.
        folder: its configuration, password, log and data; made when it is not there.
        timezone: the city's, in which the graphs are drawn.
    """

    options: ManagedGrafanaOptions
    folder: Path
    timezone: str

    def prepare(self) -> Program:
        """Write the configuration and return the program that reads it.

        Raises:
            MissingProgram: there is no Grafana on this machine, which is no fault: Debian has no package of it.
            LocalServerFailed: the folder cannot be used.
            StorageProblem: the configuration cannot be written.
        """
        argv = self._argv()
        folder = private_folder(self.folder)
        self.password()
        write_atomically(folder / "grafana.ini", render_config(self.options, folder, self.timezone).encode())
        return Program(
            name="grafana",
            argv=(*argv, "--config", str(folder / "grafana.ini"), "--homepath", str(self.options.home)),
            ready=self._ready,
            log_file=folder / "grafana.log",
            listens=((LOOPBACK, self.options.port),),
            cwd=folder,
            env={"HOME": str(folder), "PATH": "/usr/bin:/bin"},  # a GF_... in ours would overrule the file
        )

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://{LOOPBACK}:{self.options.port}"

    def authorization(self) -> str:
        """Return the header that lets the hub in; raises as `password`."""
        return aiohttp.encode_basic_auth(ADMIN, self.password())

    def password(self) -> str:
        """Return the administrator's password, which is made when there is none.

        Raises:
            LocalServerFailed: the file that keeps it cannot be read, or the folder cannot be used.
            StorageProblem: it cannot be written.
        """
        path = private_folder(self.folder) / "password"
        try:
            return path.read_text(encoding="ascii").strip()
        except FileNotFoundError:
            write_atomically(path, secrets.token_urlsafe(24).encode())
            return path.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise LocalServerFailed(f"{path}, the password of Grafana, cannot be read: {error}.") from error

    def _argv(self) -> tuple[str, ...]:
        for name in _NAMES:
            try:
                program = find_program(name, package="grafana", configured=self.options.program)
            except MissingProgram:
                continue
            return (str(program), "server") if program.name == _NAMES[0] else (str(program),)
        raise MissingProgram(
            "Grafana is not installed, so there are no dashboards. Debian has no package of it: "
            "https://grafana.com/docs/grafana/latest/setup-grafana/installation/debian/ tells how to install it"
        )

    async def _ready(self) -> bool:
        try:
            async with aiohttp.ClientSession() as session, session.get(f"{self.address}/api/health") as response:
                return response.status == _OK
        except aiohttp.ClientError:
            return False


def render_config(options: ManagedGrafanaOptions, folder: Path, timezone: str) -> str:
    """Return grafana.ini; what it does not name keeps its default."""
    return f"""\
; Written by the hub at every start; what is changed here is lost.
[paths]
data = {folder}/data
logs = {folder}/logs
plugins = {folder}/plugins
provisioning = {folder}/provisioning

[server]
protocol = http
http_addr = {LOOPBACK}
http_port = {options.port}

[security]
admin_user = {ADMIN}
; Read when the data is made; afterwards Grafana keeps its own copy.
admin_password = $__file{{{folder}/password}}
cookie_samesite = strict

[users]
allow_sign_up = false

[auth.anonymous]
enabled = {str(options.anonymous).lower()}
org_role = Viewer

[analytics]
; Nothing of the city leaves the machine.
reporting_enabled = false
check_for_updates = false
check_for_plugin_updates = false
feedback_links_enabled = false

[news]
news_feed_enabled = false

[snapshots]
external_enabled = false

[plugins]
preinstall_disabled = true

[date_formats]
default_timezone = {timezone}

[log]
mode = console
level = warn
"""
