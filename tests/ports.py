"""Ports on loopback for servers of tests."""

from __future__ import annotations

import random
import socket
import time
from contextlib import ExitStack, suppress

LOOPBACK = "127.0.0.1"
PATIENCE_S = 60.0
KERNELS = 32_768
"""From here on Linux picks ports by itself: one of those may be a connection's by the time that a server wants it."""
_chance = random.SystemRandom()  # as no test's seed and no neighbour's choice shall lead to the same port


def free_port() -> int:
    """Return a port that nobody listened on a moment ago."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listened on a moment ago, all different."""
    with ExitStack() as stack:
        found: list[int] = []
        while len(found) < count:
            with suppress(OSError):
                port = _chance.randrange(10_000, KERNELS)
                stack.enter_context(socket.create_server((LOOPBACK, port)))
                found.append(port)
        return found


def wait_for_listener(port: int) -> None:
    """Wait until somebody listens on a port.

    Raises:
        AssertionError: nobody does.
    """
    deadline = time.monotonic() + PATIENCE_S
    while True:
        with socket.socket() as probe:
            if probe.connect_ex((LOOPBACK, port)) == 0:
                return
        assert time.monotonic() < deadline, f"nothing listens on port {port}"
        time.sleep(0.02)
