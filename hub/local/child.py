"""One run of a server program: started so that it can neither outlive the hub nor run twice, and stopped in order.

- It dies with the hub, even when the hub is killed with -9: `setpriv` asks the kernel for it (prctl(2),
  PR_SET_PDEATHSIG). The kernel watches the *thread* that starts it, so the event loop's thread must last.
- It inherits a locked file (flock(2)) and so holds the lock for as long as it lives. A hub that comes back at once
  waits for the program of the one before to finish with its data.
- It has a session of its own: Ctrl-C in a terminal reaches the hub alone, which stops its servers in order.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import os
import resource
import shutil
import socket
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.local.errors import LocalServerFailed
from hub.local.logfile import open_log, trim

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import Awaitable, Callable, Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Program:
    """A server program and how to run it.

    Attributes:
        name: what people call it, for messages.
        argv: the program, by its full path, and its arguments. No secrets: every user of the machine can read them.
        ready: tells whether it serves; raises nothing. It is asked often, so it must be cheap.
        log_file: takes its stdout and stderr, mode 0600. A lock file appears beside it.
        listens: the addresses and ports that it will listen on.
        cwd: its working directory; the hub's own when None.
        env: its whole environment; the hub's own when None.
        save_every_s: seconds between requests to save what it holds in memory (SIGUSR1); 0 for a program that does
            not know the signal, and would end from it.
    """

    name: str
    argv: tuple[str, ...]
    ready: Callable[[], Awaitable[bool]]
    log_file: Path
    listens: tuple[tuple[str, int], ...] = ()
    cwd: Path | None = None
    env: Mapping[str, str] | None = None
    save_every_s: float = 0

    @property
    def lock_file(self) -> Path:
        """The file that is locked for as long as the program lives."""
        return self.log_file.with_suffix(".lock")


async def start(program: Program, patience_s: float) -> Process:
    """Start the program as soon as no earlier run of it is left.

    Args:
        program: what to start.
        patience_s: how long an earlier run may take to end.

    Raises:
        LocalServerFailed: an earlier run does not end, or a port is taken.
        OSError: the system cannot start it.
    """
    lock = os.open(program.lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        await _wait_for_lock(lock, program, patience_s)
        for host, port in program.listens:
            _check_free(program.name, host, port)
        return await _spawn(program, lock)
    finally:
        os.close(lock)  # which does not unlock it: the program has a copy by now


async def stop(process: Process, patience_s: float) -> None:
    """Ask the program to end (SIGTERM) and wait; after `patience_s`, or when cancelled, kill it."""
    if process.returncode is not None:
        return
    try:
        process.terminate()
        async with asyncio.timeout(patience_s):
            await process.wait()
    except TimeoutError:
        pass  # the kill below is the answer to it
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _wait_for_lock(descriptor: int, program: Program, patience_s: float) -> None:
    try:
        async with asyncio.timeout(patience_s):
            while not _locked(descriptor):  # noqa: ASYNC110 - the lock is the kernel's, and sends no event
                await asyncio.sleep(0.05)
    except TimeoutError as error:
        raise LocalServerFailed(
            f"An earlier {program.name} still holds {program.lock_file}. Is a second hub running on the same folder?"
        ) from error


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _check_free(name: str, host: str, port: int) -> None:
    """Refuse a port that somebody else listens on.

    influxd binds its port only once its data is loaded: until then a stranger on that port would answer in its
    place, and would be told the administrator's password.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise LocalServerFailed(_cannot_listen(name, host, port, error)) from error


def _cannot_listen(name: str, host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} on {host}, which {name} needs, is in use by another program. Stop that program "
            f"(`sudo ss -ltnp sport = :{port}` shows it) or choose another port in the settings."
        )
    return f"{name} cannot listen on port {port} of {host}: {error.strerror}. Choose another in the settings."


async def _spawn(program: Program, lock: int) -> Process:
    log = open_log(program.log_file)
    try:
        trim(program.log_file)
        process = await asyncio.create_subprocess_exec(
            *tied_to_us(),
            *program.argv,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=program.cwd,
            env=program.env,
            start_new_session=True,
            umask=0o077,
            pass_fds=(lock,),
        )
    finally:
        os.close(log)
    _allow_many_files(process.pid)
    return process


def tied_to_us() -> tuple[str, ...]:
    """Return what to put before a command so that the child ends with this process, also when that is killed."""
    setpriv = shutil.which("setpriv")
    return (setpriv, "--pdeathsig", "TERM", "--") if setpriv else ()


def _allow_many_files(pid: int) -> None:
    """Raise the soft limit of open files to the hard one: a device is a socket, a shard of data a file."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ProcessLookupError):  # it ended at once; its log says why
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (hard, hard))
