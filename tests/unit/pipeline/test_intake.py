from __future__ import annotations

import asyncio
import logging
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from hub.decode.watch import Watch, Word
from hub.directory import Route
from hub.errors import Reason
from hub.model import Burst, DeadLetter
from hub.pipeline.intake import DETAIL_KEPT, PAYLOAD_KEPT, RETRY_S, TOPIC_KEPT, BatchingIntake
from hub.pipeline.options import PipelineOptions
from hub.spool.store import read_dead_letters
from tests.unit.decode.line_protocol import parse_lines
from tests.unit.pipeline.helpers import NOW, burst, publish, running
from tests.unit.spool.helpers import batch, impatient, lines_on_disk, locked, until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import mqtt5

    from hub.directory import Directory
    from hub.pipeline.counters import Counters
    from hub.spool.sqlite import SqliteSpool

TELEMETRY = "devices/cam/telemetry"
DEFAULTS = PipelineOptions()


@pytest.fixture
def intake(directory: Directory, spool: SqliteSpool, counters: Counters) -> BatchingIntake:
    return BatchingIntake(directory, spool, PipelineOptions(commit_every_ms=0), counters)


def fps(value: int) -> mqtt5.PublishPacket:
    return publish(TELEMETRY, b'{"fps":%d}' % value)


def seen(file: Path) -> list[tuple[object, int]]:
    """Return (fps, nanoseconds after NOW) of every line that is on disk."""
    return [(point.fields["fps"], point.time - NOW) for point in parse_lines(lines_on_disk(file).decode())]


async def test_nothing_is_acknowledged_before_an_independent_reader_sees_it_on_disk(
    intake: BatchingIntake, file: Path
) -> None:
    at_acknowledge: list[bytes] = []
    intake.offer(burst(fps(25), acknowledge=lambda: at_acknowledge.append(lines_on_disk(file))))
    assert at_acknowledge == []

    async with running(intake.run()):
        await intake.settled()

    assert at_acknowledge == [b"cctv,device=cam,profile=generic_ipcamera fps=25 %d\n" % NOW]


async def test_a_rejected_message_is_acknowledged_once_it_lies_in_the_dead_letters(
    intake: BatchingIntake, file: Path
) -> None:
    at_acknowledge: list[list[DeadLetter]] = []
    intake.offer(burst(publish(TELEMETRY, b"{"), acknowledge=lambda: at_acknowledge.append(read_dead_letters(file, 9))))

    await intake.commit()

    assert [[letter.payload for letter in letters] for letters in at_acknowledge] == [[b"{"]]


async def test_neighbours_share_one_commit_and_are_acknowledged_in_their_order(
    intake: BatchingIntake, counters: Counters, file: Path
) -> None:
    acknowledged: list[int] = []

    def acknowledging(number: int) -> Callable[[], None]:
        return lambda: acknowledged.append(number)

    for number in range(10):
        assert intake.offer(burst(fps(number), acknowledge=acknowledging(number)))
    async with running(intake.run()):
        await intake.settled()

    assert acknowledged == list(range(10))
    assert [value for value, _ in seen(file)] == list(range(10))
    assert (counters.commits, counters.messages, counters.messages_acknowledged, counters.points_spooled) == (
        1,
        10,
        10,
        10,
    )
    assert counters.bytes == 10 * len(b'{"fps":1}')


async def test_messages_of_a_burst_never_share_a_time_of_receipt(intake: BatchingIntake, file: Path) -> None:
    intake.offer(burst(fps(1), publish(TELEMETRY, b"{"), fps(2)))

    await intake.commit()

    assert seen(file) == [(1, 0), (2, 2)]
    assert [letter.received_ns for letter in read_dead_letters(file, 9)] == [NOW + 1]


@pytest.mark.parametrize("bound", [{"commit_lines": 3}, {"commit_kb": 16}])
async def test_a_full_batch_makes_the_source_wait_until_the_next_one_is_open(
    directory: Directory, spool: SqliteSpool, counters: Counters, bound: dict[str, int]
) -> None:
    intake = BatchingIntake(directory, spool, PipelineOptions(commit_every_ms=50, **bound), counters)
    large = publish(TELEMETRY, b'{"firmware":"%s"}' % (b"x" * 1000))
    offered = 1
    while intake.offer(burst(large)):
        offered += 1
    assert offered == (3 if "commit_lines" in bound else 15)

    waiting = asyncio.create_task(intake.ready())
    await asyncio.sleep(0)
    assert not waiting.done()
    assert not intake.offer(burst(large))
    async with running(intake.run()):
        await waiting
        assert intake.offer(burst(large))
        await intake.settled()

    assert spool.lines == offered + 2


async def test_a_source_that_offers_too_much_is_still_heard(
    directory: Directory, spool: SqliteSpool, counters: Counters
) -> None:
    intake = BatchingIntake(directory, spool, PipelineOptions(commit_lines=1), counters)

    assert [intake.offer(burst(fps(number))) for number in range(3)] == [False] * 3
    await intake.commit()

    assert spool.lines == 3


async def test_settled_waits_for_what_was_offered_during_a_commit(intake: BatchingIntake, file: Path) -> None:
    await intake.settled()

    def offer_another() -> None:
        intake.offer(burst(fps(2)))

    intake.offer(burst(fps(1), acknowledge=offer_another))

    async with running(intake.run()):
        await intake.settled()

    assert [value for value, _ in seen(file)] == [1, 2]


@pytest.mark.usefixtures("naps")
async def test_a_full_spool_stops_acknowledging_says_so_once_and_recovers_by_itself(
    intake: BatchingIntake, spool: SqliteSpool, naps: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    acknowledged: list[str] = []
    await spool.append(batch(0, size=1_000_000))
    parcel = await spool.take(1, 1)

    intake.offer(burst(fps(25), acknowledge=lambda: acknowledged.append("first")))
    async with running(intake.run()):
        await until(lambda: len(naps) >= 5)
        intake.offer(burst(fps(26), acknowledge=lambda: acknowledged.append("second")))
        assert acknowledged == []
        assert spool.full == "the spool holds 1 of 1 MB"

        spool.release(parcel)
        await intake.settled()

    assert acknowledged == ["first", "second"]
    assert set(naps) == {RETRY_S}
    assert spool.full == ""
    assert caplog.messages == [
        "not acknowledging any more: the spool holds 1 of 1 MB",
        "acknowledging again: the spool has room",
    ]


async def test_while_the_spool_is_full_no_more_than_two_batches_are_held(
    directory: Directory, spool: SqliteSpool, counters: Counters, naps: list[float]
) -> None:
    intake = BatchingIntake(directory, spool, PipelineOptions(commit_lines=2), counters)
    await spool.append(batch(0, size=1_000_000))

    async with running(intake.run()):
        assert not intake.offer(burst(fps(1), fps(2)))
        await until(lambda: naps)
        assert intake.offer(burst(fps(3)))
        assert not intake.offer(burst(fps(4)))
        waiting = asyncio.create_task(intake.ready())
        await until(lambda: len(naps) >= 5)
        assert not waiting.done()

        spool.release(await spool.take(1, 1))
        await waiting
        await intake.settled()

    assert spool.lines == 4


@pytest.mark.usefixtures("naps")
async def test_cancelled_before_there_was_room_it_has_acknowledged_nothing(
    intake: BatchingIntake, spool: SqliteSpool, naps: list[float], file: Path
) -> None:
    acknowledged: list[int] = []
    await spool.append(batch(0, size=1_000_000))
    intake.offer(burst(fps(25), acknowledge=lambda: acknowledged.append(1)))

    async with running(intake.run()):
        await until(lambda: naps)

    assert acknowledged == []
    assert lines_on_disk(file) == batch(0, size=1_000_000).lines


async def test_cancelled_in_the_middle_of_a_commit_nothing_is_acknowledged_and_nothing_durable_is_lost(
    intake: BatchingIntake, spool: SqliteSpool, file: Path
) -> None:
    acknowledged: list[int] = []
    intake.offer(burst(fps(25), acknowledge=lambda: acknowledged.append(1)))

    with locked(file):
        committing = asyncio.create_task(intake.commit())
        await asyncio.sleep(0)
        await asyncio.sleep(0)  # now the thread has it and waits for the lock
        committing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await committing
    intake.offer(burst(fps(26), acknowledge=lambda: acknowledged.append(2)))
    await intake.commit()

    assert acknowledged == [2]
    assert [value for value, _ in seen(file)] == [25, 26]
    assert (await spool.take(10, 10_000)).count == 2


async def test_a_file_that_cannot_be_written_for_a_while_is_waited_for(
    intake: BatchingIntake, spool: SqliteSpool, naps: list[float], file: Path
) -> None:
    impatient(spool)
    async with running(intake.run()):
        with locked(file):
            intake.offer(burst(fps(25)))
            await until(lambda: len(naps) >= 3)
        await intake.settled()

    assert [value for value, _ in seen(file)] == [25]


REJECTED = [
    (
        "devices/nobody/telemetry",
        b'{"fps":1}',
        "nobody",
        Reason.UNKNOWN_DEVICE,
        "no registered device publishes here: ",
    ),
    ("somewhere/else", b'{"fps":1}', "", Reason.UNKNOWN_DEVICE, "no registered device publishes here: somewhere/else"),
    ("devices/cam/replies", b"{}", "cam", Reason.UNKNOWN_TOPIC, "device cam is registered, but "),
    (
        "devices/child/telemetry",
        b'{"fps":1}',
        "child",
        Reason.UNKNOWN_TOPIC,
        "device child publishes under devices/gw/children/child, ",
    ),
    (TELEMETRY, b"x" * 65_537, "cam", Reason.TOO_LARGE, "65537 bytes, 65536 are allowed"),
    (TELEMETRY, b"{", "cam", Reason.BAD_PAYLOAD, "not JSON: "),
    (TELEMETRY, b"[]", "cam", Reason.WRONG_TYPE, "is neither a JSON object nor an array of them"),
    (TELEMETRY, b'{"fps":"25"}', "cam", Reason.WRONG_TYPE, "fps: is '25', expected a number"),
    (TELEMETRY, b'{"fps":-1}', "cam", Reason.OUT_OF_RANGE, "fps: -1 is not in 0 ... 480 /s"),
    (TELEMETRY, b"{}", "cam", Reason.NO_READINGS, "holds no reading that the profile knows"),
    (TELEMETRY, b'{"ts":1700000000000,"fps":1}', "cam", Reason.BAD_TIME, "time 2023-11-14T22:13:20Z is older than "),
    ("devices/car/telemetry", b'{"ts":0,"lat":1}', "car", Reason.BAD_TIME, "time 1970-01-01T00:00:00Z is before 2020"),
    ("devices/gw/children/child/telemetry", b"{", "child", Reason.BAD_PAYLOAD, "not JSON: "),
]


@pytest.mark.parametrize(("topic", "payload", "device", "reason", "detail"), REJECTED)
async def test_what_cannot_be_stored_lies_in_the_dead_letters_with_its_reason(  # noqa: PLR0913, PLR0917 - a row of the table
    intake: BatchingIntake,
    counters: Counters,
    file: Path,
    topic: str,
    payload: bytes,
    device: str,
    reason: Reason,
    detail: str,
) -> None:
    intake.offer(burst(fps(1), publish(topic, payload), fps(2)))
    await intake.commit()

    (letter,) = read_dead_letters(file, 9)
    assert letter == DeadLetter(NOW + 1, device, topic, reason, letter.detail, payload[:PAYLOAD_KEPT])
    assert letter.detail.startswith(detail)
    assert [value for value, _ in seen(file)] == [1, 2]
    assert counters.rejected == Counter({reason: 1})
    assert counters.messages_acknowledged == 3


async def test_a_live_message_moves_the_watch_even_one_that_is_rejected_and_a_retained_one_does_not(
    intake: BatchingIntake, directory: Directory
) -> None:
    watch = directory.watches["cam"]
    timed = b'{"ts":%d,"bitrate_bps":1}' % (NOW // 1_000_000)
    heard: list[int] = []
    for message in (
        publish(TELEMETRY, timed, retain=True),
        publish("devices/cam/status", b"online", retain=True),
        publish(TELEMETRY, timed),
        publish(TELEMETRY, b"{"),
        publish(TELEMETRY, b"x" * 65_537),
        publish("devices/cam/status", b"offline"),
        publish("devices/cam/status", b"online"),
    ):
        received_ns = NOW + len(heard) + 1
        intake.offer(Burst([message], received_ns, lambda: None))
        heard.append(watch.heard_ns - NOW)

    assert heard == [-NOW, -NOW, 3, 4, 5, 5, 5]  # a word is no reading
    assert [sample[:3] for sample in watch.samples] == [(NOW, NOW + 3, 1)]
    assert watch.words == [
        Word(NOW + 2, online=True, retained=True),
        Word(NOW + 6, online=False, retained=False),
        Word(NOW + 7, online=True, retained=False),
    ]


async def test_the_good_readings_of_a_rejected_message_are_stored(intake: BatchingIntake, file: Path) -> None:
    intake.offer(burst(publish(TELEMETRY, b'{"fps":25,"recording":1,"bitrate_bps":-1}')))
    await intake.commit()

    (letter,) = read_dead_letters(file, 9)
    assert seen(file) == [(25, 0)]
    assert letter.reason == Reason.OUT_OF_RANGE
    assert letter.detail == (
        "bitrate_bps: -1 is not in 0 ... 10000000000 bit/s; recording: is 1, expected true or false"
    )


async def test_a_retained_message_without_time_is_rejected(intake: BatchingIntake, file: Path) -> None:
    intake.offer(burst(publish(TELEMETRY, b'{"fps":25}', retain=True)))
    await intake.commit()

    assert [letter.reason for letter in read_dead_letters(file, 9)] == [Reason.BAD_TIME]


@pytest.mark.parametrize("failure", [ValueError("boom"), KeyError("fps"), RecursionError(), UnicodeError("x" * 9999)])
async def test_a_decoder_that_fails_costs_one_message_and_stops_nothing(
    intake: BatchingIntake, directory: Directory, file: Path, failure: Exception
) -> None:
    def decode(*_: object) -> str:
        raise failure

    directory.routes["devices/broken/telemetry"] = Route(",device=broken", decode, Watch("broken", 9))

    intake.offer(burst(fps(1), publish("devices/broken/telemetry", b"{}"), fps(2)))
    await intake.commit()

    (letter,) = read_dead_letters(file, 9)
    assert (letter.reason, letter.device) == (Reason.DECODER_FAILED, "broken")
    assert letter.detail.startswith(f"{type(failure).__name__}: ")
    assert [value for value, _ in seen(file)] == [1, 2]


async def test_a_dead_letter_is_bounded_whatever_was_sent(intake: BatchingIntake, file: Path) -> None:
    nested = b"[" * 5 + b",".join([b'"' + b"x" * 99 + b'"'] * 500) + b"]" * 5
    payload = b'{"fps":' + nested + b',"recording":' + nested[:-1] + b"]}"
    intake.offer(burst(publish(TELEMETRY, payload), publish("devices/" + "x" * 60_000, b"")))
    await intake.commit()

    for letter in read_dead_letters(file, 9):
        assert len(letter.payload) <= PAYLOAD_KEPT
        assert len(letter.detail) <= DETAIL_KEPT
        assert len(letter.device) <= len(letter.topic) <= TOPIC_KEPT


async def test_a_burst_without_messages_is_acknowledged_too(intake: BatchingIntake) -> None:
    acknowledged: list[int] = []
    intake.offer(burst(acknowledge=lambda: acknowledged.append(1)))

    async with running(intake.run()):
        await intake.settled()

    assert acknowledged == [1]
