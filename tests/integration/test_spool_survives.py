"""A process that appends to the spool is killed with -9 again and again; run as a program this file is that process."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from pathlib import Path
from time import sleep

import pytest

from hub.model import Batch, DeadLetter
from hub.spool.options import SpoolOptions
from hub.spool.sqlite import SqliteSpool
from hub.spool.store import read_dead_letters

ROUNDS = 12
OPTIONS = SpoolOptions(max_mb=500, reserve_mb=0)
ROOT = Path(__file__).parents[2]


async def write(file: Path, first: int) -> None:
    """Append numbered batches for ever: `+n` is said after append returned, `-n` before a release."""
    async with SqliteSpool(file, OPTIONS, memory=100_000) as spool:
        for number in range(first, sys.maxsize):
            line = f"m n={number}i,pad={'1' * (number * 7919 % 20_000 + 1)} {number}\n".encode()
            await spool.append(Batch(line, 1, [DeadLetter(number, "a", "t", "r", "d", b"")]))
            say(f"+{number}")
            if number % 3 == 0:
                parcel = await spool.take(1, 1)
                for taken in numbers(parcel.lines):
                    say(f"-{taken}")
                spool.release(parcel)


def say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def numbers(lines: bytes) -> list[int]:
    return [int(line.rpartition(b" ")[2]) for line in lines.splitlines()]


def killed(file: Path, first: int, chance: random.Random) -> tuple[set[int], set[int]]:
    """Let a process write until a random moment; return what it said it had appended, and released."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.integration.test_spool_survives", str(file), str(first)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(chance.randrange(1, 60))]
        sleep(chance.uniform(0, 0.01))
        process.kill()
        said += process.stdout.readlines()
    words = [word.strip() for word in said if word.endswith("\n")]
    return {int(word[1:]) for word in words if word[0] == "+"}, {int(word[1:]) for word in words if word[0] == "-"}


async def found(file: Path) -> list[int]:
    async with SqliteSpool(file, OPTIONS, memory=100_000) as spool:
        seen: list[int] = []
        while len(seen) < spool.lines:
            seen += numbers((await spool.take(10, 100_000)).lines)
        return seen


@pytest.mark.parametrize("seed", [1, 2])
async def test_whatever_append_returned_from_is_there_after_kill_9(tmp_path: Path, seed: int) -> None:
    file, chance = tmp_path / "spool.db", random.Random(seed)
    appended, released = set[int](), set[int]()

    for _ in range(ROUNDS):
        more, less = await asyncio.to_thread(killed, file, max(appended, default=-1) + 2, chance)
        assert more
        appended |= more
        released |= less

        seen = await found(file)
        assert seen == sorted(set(seen))
        assert appended - released <= set(seen)
        assert set(seen) <= appended | {max(appended) + 1}
        appended |= set(seen)

    dead = {letter.received_ns for letter in read_dead_letters(file, 1_000_000)}
    newest = sorted(appended)[-OPTIONS.max_rejects_per_device :]
    assert dead == set(newest)


if __name__ == "__main__":
    asyncio.run(write(Path(sys.argv[1]), int(sys.argv[2])))
