"""Supervision of real processes: how they start, end, come back and are stopped."""

from __future__ import annotations

import asyncio
import fcntl
import os
import resource
import signal
import socket
import subprocess
import sys
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hub.local.child import Program
from hub.local.errors import LocalServerFailed
from hub.local.supervisor import Pace, State, Supervisor
from tests.integration.local_pki import eventually, is_alive
from tests.ports import free_ports

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

REPOSITORY = Path(__file__).parents[2]
PACE = Pace(first_pause=0.01, longest_pause=0.05, settled=0.0, check=0.02, answer=0.2, stop=10.0)

SERVER = (
    "import signal, time; signal.signal(signal.SIGHUP, lambda *_: print('reloaded', flush=True)); {}; time.sleep(600)"
)
SAY_READY = "print('ready', flush=True)"
STUBBORN = f"signal.signal(signal.SIGTERM, signal.SIG_IGN); {SAY_READY}"

PARENT = """
import asyncio, sys
from pathlib import Path
from hub.local.child import Program
from hub.local.supervisor import Supervisor

async def ready() -> bool:
    return True

async def main():
    supervisor = Supervisor(Program("sleep", ("/bin/sleep", "600"), ready, Path(sys.argv[1])))
    running = asyncio.create_task(supervisor.run())
    await supervisor.ready()
    print(supervisor.pid, flush=True)
    await running

asyncio.run(main())
"""


def _program(folder: Path, *argv: str) -> Program:
    """Return a program that is ready once it has said so in its log."""
    log_file = folder / "server.log"

    async def ready() -> bool:
        return log_file.exists() and "ready" in log_file.read_text()

    return Program("server", argv, ready, log_file)


def _server(folder: Path, doing: str = SAY_READY) -> Program:
    return _program(folder, sys.executable, "-c", SERVER.format(doing))


@asynccontextmanager
async def _running(supervisor: Supervisor) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(supervisor.run())
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def _pid(supervisor: Supervisor) -> int:
    assert supervisor.pid is not None
    return supervisor.pid


async def test_a_program_that_says_that_it_serves_is_ready(tmp_path: Path) -> None:
    supervisor = Supervisor(_server(tmp_path), pace=PACE)
    async with _running(supervisor):
        await supervisor.ready()
        assert (supervisor.state, supervisor.restarts, is_alive(_pid(supervisor))) == (State.RUNNING, 0, True)


async def test_stopping_leaves_no_process(tmp_path: Path) -> None:
    supervisor = Supervisor(_server(tmp_path), pace=PACE)
    async with _running(supervisor):
        await supervisor.ready()
        pid = _pid(supervisor)
    assert (supervisor.state, supervisor.pid, is_alive(pid)) == (State.STOPPED, None, False)


async def test_a_killed_program_is_started_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    supervisor = Supervisor(_server(tmp_path), pace=PACE)
    async with _running(supervisor):
        await supervisor.ready()
        killed = _pid(supervisor)
        os.kill(killed, signal.SIGKILL)
        await eventually(lambda: supervisor.restarts == 1)
        await supervisor.ready()
        assert _pid(supervisor) != killed
        await eventually(lambda: len(caplog.messages) == 2)
    assert caplog.messages[0].startswith("server is being started again: server was ended by SIGKILL.")
    assert caplog.messages[1] == "server is well again"


async def test_a_program_that_never_starts_is_reported_with_its_own_words(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    supervisor = Supervisor(_program(tmp_path, "/bin/sh", "-c", "echo address in use >&2; exit 3"), pace=PACE)
    async with _running(supervisor):
        with pytest.raises(LocalServerFailed) as caught:
            await supervisor.ready()
        assert supervisor.state in {State.BACKING_OFF, State.STARTING}
    log_file = tmp_path / "server.log"
    assert str(caught.value) == f"server ended with exit code 3. The last it wrote to {log_file}:\naddress in use"
    assert [message.splitlines()[-1] for message in caplog.messages] == ["address in use"]


async def test_a_program_that_cannot_be_executed_is_reported(tmp_path: Path) -> None:
    supervisor = Supervisor(_program(tmp_path, str(tmp_path / "absent")), pace=PACE)
    async with _running(supervisor):
        with pytest.raises(LocalServerFailed, match="No such file or directory"):
            await supervisor.ready()


async def test_a_taken_port_is_reported_before_anything_is_started(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        program = replace(_server(tmp_path), listens=(("127.0.0.1", port),))
        supervisor = Supervisor(program, pace=PACE)
        async with _running(supervisor):
            with pytest.raises(LocalServerFailed, match=f"^Port {port} on 127.0.0.1, which server needs, is in use"):
                await supervisor.ready()
    assert not program.log_file.exists()


async def test_an_address_of_another_machine_is_reported(tmp_path: Path) -> None:
    program = replace(_server(tmp_path), listens=(("192.0.2.1", free_ports(1)[0]),))
    supervisor = Supervisor(program, pace=PACE)
    async with _running(supervisor):
        with pytest.raises(LocalServerFailed, match=r"cannot listen on port \d+ of 192\.0\.2\.1: Cannot assign"):
            await supervisor.ready()


async def test_a_program_waits_for_its_earlier_run_to_end(tmp_path: Path) -> None:
    program = _server(tmp_path)
    supervisor = Supervisor(program, pace=replace(PACE, stop=0.1))
    with program.lock_file.open("w") as earlier:
        fcntl.flock(earlier, fcntl.LOCK_EX)
        async with _running(supervisor):
            with pytest.raises(LocalServerFailed, match=r"An earlier server still holds .*server\.lock"):
                await supervisor.ready()
            earlier.close()
            await eventually(lambda: supervisor.state is State.RUNNING)


async def test_two_supervisors_never_run_the_same_program_twice(tmp_path: Path) -> None:
    first, second = (Supervisor(_server(tmp_path), pace=replace(PACE, stop=1.0)) for _ in range(2))
    async with _running(second):
        await second.ready()
        async with _running(first):
            await asyncio.sleep(0.2)
            assert (first.pid, first.state) == (None, State.STARTING)


async def test_a_program_that_ignores_the_request_to_end_is_killed(tmp_path: Path) -> None:
    supervisor = Supervisor(_server(tmp_path, STUBBORN), pace=replace(PACE, stop=0.1))
    async with _running(supervisor):
        await supervisor.ready()
        pid = _pid(supervisor)
    assert not is_alive(pid)


async def test_cancelling_again_kills_at_once(tmp_path: Path) -> None:
    supervisor = Supervisor(_server(tmp_path, STUBBORN), pace=replace(PACE, stop=1000.0))
    async with _running(supervisor) as task:
        await supervisor.ready()
        pid = _pid(supervisor)
        task.cancel()
        await asyncio.sleep(0.05)
        assert is_alive(pid)
    assert not is_alive(pid)


async def test_a_program_that_does_not_answer_is_reported_and_left_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    program = _server(tmp_path)
    supervisor = Supervisor(program, pace=PACE)
    async with _running(supervisor):
        await supervisor.ready()
        pid = _pid(supervisor)
        program.log_file.write_text("silence\n")
        await eventually(lambda: supervisor.state is State.NOT_ANSWERING)
        program.log_file.write_text("ready\n")
        await supervisor.ready()
        assert (supervisor.pid, supervisor.restarts) == (pid, 0)
    assert caplog.messages[0] == f"server does not answer. See {program.log_file}"
    assert caplog.messages[1].startswith("server answers again after")


async def test_a_start_that_takes_long_is_reported_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    supervisor = Supervisor(_server(tmp_path, "pass"), pace=replace(PACE, overdue=0.0, poll=0.01))
    async with _running(supervisor):
        await eventually(lambda: supervisor.state is State.NOT_ANSWERING)
        await asyncio.sleep(0.05)
    assert [message.split(" in ")[0] for message in caplog.messages] == ["server has not become ready"]


async def test_a_reload_reaches_the_program(tmp_path: Path) -> None:
    program = _server(tmp_path)
    supervisor = Supervisor(program, pace=PACE)
    async with _running(supervisor):
        await supervisor.ready()
        supervisor.reload()
        await eventually(lambda: "reloaded" in program.log_file.read_text())


async def test_a_reload_before_the_program_serves_is_kept_for_it(tmp_path: Path) -> None:
    program = _server(tmp_path)
    supervisor = Supervisor(program, pace=PACE)
    supervisor.reload()
    async with _running(supervisor):
        await eventually(lambda: program.log_file.exists() and "reloaded" in program.log_file.read_text())


async def test_a_program_that_can_is_asked_to_save_again_and_again(tmp_path: Path) -> None:
    saving = "signal.signal(signal.SIGUSR1, lambda *_: print('saved', flush=True)); print('ready', flush=True)"
    program = replace(_server(tmp_path, saving), save_every_s=0.01)
    async with _running(Supervisor(program, pace=PACE)):
        await eventually(lambda: program.log_file.exists() and program.log_file.read_text().count("saved") > 1)


async def test_a_program_may_open_as_many_files_as_the_system_lets_it(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 1024), hard))
    try:
        supervisor = Supervisor(_server(tmp_path), pace=PACE)
        async with _running(supervisor):
            await supervisor.ready()
            assert resource.prlimit(_pid(supervisor), resource.RLIMIT_NOFILE) == (hard, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_ctrl_c_in_the_terminal_does_not_reach_the_program(tmp_path: Path) -> None:
    supervisor = Supervisor(_server(tmp_path), pace=PACE)
    async with _running(supervisor):
        await supervisor.ready()
        assert os.getsid(_pid(supervisor)) == _pid(supervisor)


async def test_the_program_dies_with_a_hub_that_is_killed(tmp_path: Path) -> None:
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PARENT, tmp_path / "sleep.log"), stdout=subprocess.PIPE, cwd=REPOSITORY
    )
    assert parent.stdout is not None
    pid = int(await parent.stdout.readline())
    assert is_alive(pid)
    parent.kill()
    await parent.communicate()
    await eventually(lambda: not is_alive(pid))
