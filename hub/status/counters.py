"""From the counters that devices keep since boot to exact amounts of bytes. Pure.

A counter may start again (the device rebooted), wrap (it is 32 or 64 bits wide), be read late (a missed poll), twice
(a redelivery), or out of order (a backlog behind the live message). The four are told apart by the device's own boot
number or uptime where it gives one, else by the counter's width:

=====================  ==========================  ==================================================
boot or uptime says    the counter went            which means
=====================  ==========================  ==================================================
rebooted               anywhere                    reset: all it shows was counted since the boot
not rebooted           up                          the difference
not rebooted           down, the width is known    wrapped
not rebooted           down, the width is not      cleared: all it shows was counted since
nothing                up                          the difference
nothing                down, from the last quarter wrapped
                       of the width to the first
nothing                down, otherwise             reset
=====================  ==========================  ==================================================

What a device counted between its last message and a reboot was never told to anybody and is in no sum. A counter
that wraps more than once between two messages cannot be told from one that wraps once: 32 bits last 34 seconds at
1 Gbit/s. What comes late covers a longer time: its rate is an average, never a spike.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

SECOND: Final = 1_000_000_000
FASTEST_BPS: Final = 10_000_000_000
"""The vocabulary's bound of a bit rate: a wrap that would take more is none."""
UPTIME_WRAPS_S: Final = (2**32 / 100, 2**32 / 1000, 2**32)
"""Uptimes that start again without a reboot: 32 bits of hundredths (SNMP sysUpTime), of milliseconds, of seconds."""
UPTIME_SLACK_S: Final = 60.0

Width = Literal[32, 64]
Verdict = Literal["counted", "reset", "wrapped"]


class Reading(NamedTuple):
    """What a device said of one counter at one time.

    Attributes:
        time_ns: when it was measured.
        received_ns: when it arrived here.
        value: bytes since boot; of a rate, bits a second.
        uptime_s: seconds since boot, if it says so.
        boot: number of the boot, if it says so.
    """

    time_ns: int
    received_ns: int
    value: int
    uptime_s: int | None = None
    boot: int | None = None


def counted(before: Reading, after: Reading, width: Width | None) -> tuple[int, Verdict]:
    """Return the bytes between two readings of a counter, `before` being the earlier one, and how that was seen."""
    rebooted = was_rebooted(before, after)
    if rebooted:
        return after.value, "reset"
    if after.value >= before.value:
        return after.value - before.value, "counted"
    if width is not None and _wrapped(before, after, width, certain=rebooted is False):
        return after.value + (1 << width) - before.value, "wrapped"
    return after.value, "reset"


def was_rebooted(before: Reading, after: Reading) -> bool | None:
    """Whether the device rebooted in between; None when it says nothing by which that could be known."""
    if before.boot is not None and after.boot is not None:
        return before.boot != after.boot
    if before.uptime_s is None or after.uptime_s is None:
        return None
    elapsed_s = (after.time_ns - before.time_ns) / SECOND
    if after.uptime_s < before.uptime_s:
        return not _uptime_wrapped(before.uptime_s + elapsed_s - after.uptime_s)
    # Whole seconds are cut off: one who had just booted may seem to have done so again.
    return after.uptime_s <= elapsed_s - int(before.uptime_s == 0)


def estimated(before: Reading, after: Reading, most_ns: int) -> tuple[int, int]:
    """Return (start, bytes) of what a rate stands for: its own interval, but no more than `most_ns` of it.

    A rate is told of the interval that it ends; what a device did while it was silent for long is not known.
    """
    start_ns = max(before.time_ns, after.time_ns - most_ns)
    return start_ns, after.value * (after.time_ns - start_ns) // (8 * SECOND)


def _wrapped(before: Reading, after: Reading, width: Width, *, certain: bool) -> bool:
    """`certain`: the device is known not to have rebooted."""
    quarter = (1 << width) // 4
    if not certain and not (before.value >= 3 * quarter and after.value < quarter):
        return False
    amount = after.value + (1 << width) - before.value
    return amount * 8 * SECOND <= FASTEST_BPS * (after.time_ns - before.time_ns)


def _uptime_wrapped(missing_s: float) -> bool:
    """`missing_s`: by how much the uptime is less than it should be."""
    return any(abs(missing_s - wrap) <= UPTIME_SLACK_S for wrap in UPTIME_WRAPS_S)
