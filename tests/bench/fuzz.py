"""`make fuzz`: damaged inputs for every parser of outside bytes; one JSON object on standard output.

Each parser may take an input or refuse it with the errors that it documents. Anything else is a fault, and so is an
input that keeps it busy for ten seconds: the input is kept in a file, and the exit code is 1.

inputs     how many a parser was given; a slow one gets a share of what was asked for
refused    with a documented error
accepted   the rest
seconds    for making and parsing them
fault      what came out instead, the input in hexadecimal, and the file that holds it
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import signal
import sys
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from random import Random
from tempfile import gettempdir
from typing import TYPE_CHECKING, Final

from tests.bench.mutation import Mutator
from tests.bench.parsers import all_parsers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.bench.parsers import Parser

BUSY_S: Final = 10
"""Of CPU time, so that a busy machine is no fault."""


@dataclass
class Fault:
    """What came out, and how to meet it again."""

    error: str
    input_hex: str
    file: str


@dataclass
class Figures:
    """The outcome for one parser."""

    inputs: int = 0
    refused: int = 0
    accepted: int = 0
    seconds: float = 0
    fault: Fault | None = None


def fuzz(parser: Parser, inputs: int, seed: int, folder: Path) -> Figures:
    """Give a parser its inputs, up to the first fault."""
    mutator, figures, started = Mutator(Random(f"{seed} {parser.name}")), Figures(), time.monotonic()
    for _ in range(inputs):
        content = parser.make(mutator)
        figures.inputs += 1
        try:
            accepted = _accepts(parser, content)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - a panic in a Rust extension is no Exception
            figures.fault = _keep(parser, content, error, folder)
            break
        figures.accepted += accepted
        figures.refused += not accepted
    figures.seconds = round(time.monotonic() - started, 1)
    return figures


def _accepts(parser: Parser, content: bytes) -> bool:
    signal.setitimer(signal.ITIMER_VIRTUAL, BUSY_S)
    try:
        parser.parse(content)
    except parser.refusals:
        return False
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return True


def _keep(parser: Parser, content: bytes, error: BaseException, folder: Path) -> Fault:
    name = f"fuzz-{parser.name.replace('/', '-')}-{sha256(content).hexdigest()[:12]}.bin"
    (folder / name).write_bytes(content)
    return Fault(f"{type(error).__name__}: {error}", content.hex(), str(folder / name))


def _too_long(*_: object) -> None:
    raise TimeoutError(f"still busy after {BUSY_S} s of CPU time")


@contextmanager
def _silence() -> Iterator[None]:
    """Send what extensions write to standard error nowhere: each panic is reported there before Python can catch it."""
    spoken, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(spoken, 2)
        os.close(spoken)
        os.close(nowhere)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make fuzz", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--inputs", type=int, default=20_000, help="for each parser (default 20000)")
    parser.add_argument("--only", default="", help="names of parsers, with commas between; all when left out")
    parser.add_argument("--seed", type=int, default=1, help="of the damage (default 1)")
    parser.add_argument("--folder", type=Path, default=Path(gettempdir()), help="for the inputs that made a fault")
    return parser.parse_args()


def main() -> None:
    """Fuzz and print."""
    options = _options()
    signal.signal(signal.SIGVTALRM, _too_long)
    wanted = set(filter(None, options.only.split(",")))
    parsers = [parser for parser in all_parsers() if not wanted or parser.name in wanted]
    outcome: dict[str, Figures] = {}
    gc.freeze()  # the samples, profiles and modules stay: no need to walk over them a million times
    for parser in parsers:
        inputs = max(1, int(options.inputs * parser.share))
        print(f"{parser.name}: {inputs} inputs ...", file=sys.stderr, flush=True)
        with _silence():
            outcome[parser.name] = fuzz(parser, inputs, options.seed, options.folder)
    print(json.dumps({"seed": options.seed, "parsers": {name: asdict(one) for name, one in outcome.items()}}, indent=2))
    if any(one.fault for one in outcome.values()):
        sys.exit(1)


if __name__ == "__main__":
    main()
