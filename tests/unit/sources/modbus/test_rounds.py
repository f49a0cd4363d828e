from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hub.decode.registers import RegisterGroup, compile_modbus
from hub.profiles.modbus import Limits
from hub.sources.modbus.planner import Block, Bounds
from hub.sources.modbus.rounds import RELEARN_S, Round
from hub.sources.modbus.turns import Turns
from tests.unit.decode.meters import VOCABULARY, meter

SPANS = st.lists(st.tuples(st.integers(0, 40), st.sampled_from([1, 2, 4])), min_size=1, max_size=10, unique=True)
TYPES = {1: "uint16", 2: "uint32", 4: "uint64"}


def group_of(spans: list[tuple[int, int]]) -> RegisterGroup:
    own = {f"r{n}": {"type": "int", "unit": "1", "min": 0, "max": 2**63 - 1, "about": "r"} for n in range(len(spans))}
    registers = {f"r{n}": {"at": at, "type": TYPES[width]} for n, (at, width) in enumerate(spans)}
    (group,) = compile_modbus(meter({"own": registers}, own=own), "m", VOCABULARY)
    return group


def turn(one: Round, illegal: set[int], now: float) -> tuple[set[int], list[Block]]:
    """Ask for a whole turn as the gateway does; return the addresses read, and what was asked."""
    read, asked = set[int](), list[Block]()
    while one.pending:
        block = one.pending[0]
        asked.append(block)
        addresses = set(range(block.start, block.start + block.size))
        if addresses & illegal:
            one.refuse(block, "no such address", now, divide=True)
        else:
            read |= addresses
            one.read(block)
    one.finish(now)
    return read, asked


@given(SPANS, st.sets(st.integers(0, 44), max_size=6))
def test_whatever_a_device_refuses_all_the_rest_is_read_from_the_first_turn_on(
    spans: list[tuple[int, int]], illegal: set[int]
) -> None:
    one = Round(group_of(spans), Bounds(Limits(), "holding"), Turns(10, 0, 0))
    sound = [(at, width) for at, width in spans if not set(range(at, at + width)) & illegal]
    for number in range(4):
        read, _ = turn(one, illegal, number * 10)
        assert all(set(range(at, at + width)) <= read for at, width in sound)
    read, asked = turn(one, illegal, 40)
    refused = [block for block in asked if set(range(block.start, block.start + block.size)) & illegal]
    assert refused == []
    assert len(asked) <= len(sound)
    assert len(list(one.faults())) == len({(at, width) for at, width in spans} - set(sound))


@given(SPANS, st.sets(st.integers(0, 44), max_size=6))
def test_after_a_while_all_is_asked_for_again(spans: list[tuple[int, int]], illegal: set[int]) -> None:
    one = Round(group_of(spans), Bounds(Limits(), "holding"), Turns(10, 0, 0))
    _, before = turn(one, illegal, 0)
    turn(one, illegal, RELEARN_S + 10)
    _, again = turn(one, set(), RELEARN_S + 20)
    wanted = {address for at, width in spans for address in range(at, at + width)}
    assert wanted <= {address for block in again for address in range(block.start, block.start + block.size)}
    assert before[0] == again[0]
