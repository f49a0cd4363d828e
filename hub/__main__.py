"""The `cityhub` command."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from hub.cli import certificate, device, device_life, importing, incidents, place, profile, sticker, user
from hub.cli.context import FAILED, WRONG_USAGE, Context, find_config
from hub.cli.demo.command import demo
from hub.cli.init import init
from hub.cli.status import rejects, status
from hub.cli.up import up
from hub.errors import CityhubError, SettingsError, UsageError
from provisioning.errors import ProvisioningError

app = typer.Typer(
    help="Device management and telemetry hub of a city's command center.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _settings(
    ctx: typer.Context,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="Settings file [env: CITYHUB_CONFIG, else ./cityhub.toml].")
    ] = None,
) -> None:
    ctx.obj = Context(find_config(config))


for command in (init, up, status, rejects, demo):
    app.command()(command)
device.register(app)
device_life.register(device.devices)
importing.register(device.devices)
sticker.register(device.devices)
device_life.register_agencies(place.agencies)
incidents.register(app, device.devices, place.sites)
profile.register(app)
certificate.register(app)
user.register(app)


def main() -> None:
    """Run the command; exit code 0: well, 1: failed, 2: wrong usage, 3: unwell."""
    try:
        app()
    except (SettingsError, UsageError) as error:
        _fail(error, WRONG_USAGE)
    except (CityhubError, ProvisioningError) as error:
        _fail(error, FAILED)


def _fail(error: Exception, code: int) -> None:
    print(f"cityhub: {error}", file=sys.stderr)  # noqa: T201 - the command line's own voice
    sys.exit(code)


if __name__ == "__main__":
    main()
