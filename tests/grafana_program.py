"""The stand-in for Grafana as a program: reads grafana.ini as Grafana does, and serves where it says."""

from __future__ import annotations

import re
import sys
from argparse import ArgumentParser
from base64 import b64encode
from configparser import RawConfigParser
from pathlib import Path

from aiohttp import web

from tests.grafana_server import Grafana, application


def main() -> None:
    """Serve until told to end."""
    parser = ArgumentParser()
    parser.add_argument("command", choices=["server"])
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--homepath", required=True)
    config = RawConfigParser()
    config.read(parser.parse_args().config, encoding="utf-8")
    security, server = config["security"], config["server"]
    kept = re.fullmatch(r"\$__file\{(.+)\}", security["admin_password"])
    password = Path(kept[1]).read_text(encoding="ascii") if kept else sys.exit("no password")
    login = b64encode(f"{security['admin_user']}:{password}".encode()).decode()
    there = Grafana(logins={f"Basic {login}"})
    web.run_app(application(there), host=server["http_addr"], port=int(server["http_port"]), print=None)


if __name__ == "__main__":
    main()
