"""Who runs a command: for the audit log, a person rather than an account.

Whoever can read the state folder holds the keys in it, so a command asks for no role: it runs as administrator of
the whole city. What it changes is recorded under the name of who logged in, from `cli@<this machine>`.
"""

from __future__ import annotations

import os
import pwd
import socket

from provisioning.audit import Actor


def caller() -> Actor:
    """Return the one who logged in, behind sudo and su too; without a login, e.g. in a service, the account."""
    return Actor(_login_name() or os.environ.get("SUDO_USER") or _account_name(), f"cli@{socket.gethostname()}")


def _login_name() -> str | None:
    try:
        return os.getlogin()  # from the kernel's loginuid, which no environment can change
    except OSError:
        return None


def _account_name() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"
