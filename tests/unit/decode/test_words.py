from __future__ import annotations

import struct
from contextlib import suppress
from typing import TYPE_CHECKING, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.decode.words import Unreadable, word_reader
from hub.profiles.modbus import WIDTH, Order, RegisterType
from tests.unit.decode.meters import SIGNED, UNSIGNED, encode_integer, words_of

if TYPE_CHECKING:
    from hypothesis.strategies import DataObject

ORDERS = st.sampled_from(get_args(Order))
WORD = st.integers(0, 0xFFFF)


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ("ABCD", [0x1234, 0x5678]),
        ("CDAB", [0x5678, 0x1234]),
        ("BADC", [0x3412, 0x7856]),
        ("DCBA", [0x7856, 0x3412]),
    ],
)
def test_the_letters_name_where_the_bytes_stand(order: Order, words: list[int]) -> None:
    assert word_reader("uint32", 2, order)(words) == 0x12345678


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ("ABCD", [0x0123, 0x4567, 0x89AB, 0xCDEF]),
        ("CDAB", [0xCDEF, 0x89AB, 0x4567, 0x0123]),
        ("BADC", [0x2301, 0x6745, 0xAB89, 0xEFCD]),
        ("DCBA", [0xEFCD, 0xAB89, 0x6745, 0x2301]),
    ],
)
def test_sixty_four_bits_follow_the_same_two_changes(order: Order, words: list[int]) -> None:
    assert word_reader("uint64", 4, order)(words) == 0x0123456789ABCDEF


@given(st.sampled_from(sorted({*SIGNED, *UNSIGNED})), ORDERS, st.data())
def test_every_integer_comes_back(kind: RegisterType, order: Order, data: DataObject) -> None:
    bits = 16 * WIDTH[kind]
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if kind in SIGNED else (0, 2**bits - 1)
    value = data.draw(st.integers(low, high))
    assert word_reader(kind, WIDTH[kind], order)(encode_integer(value, kind, order)) == value


@given(st.floats(width=16, allow_nan=False), ORDERS)
def test_every_float16_comes_back(value: float, order: Order) -> None:
    assert word_reader("float16", 1, order)(words_of(struct.pack(">e", value), order)) == value


@given(st.floats(width=32, allow_nan=False), ORDERS)
def test_every_float32_comes_back(value: float, order: Order) -> None:
    assert word_reader("float32", 2, order)(words_of(struct.pack(">f", value), order)) == value


@given(st.floats(allow_nan=False), ORDERS)
def test_every_float64_comes_back(value: float, order: Order) -> None:
    assert word_reader("float64", 4, order)(words_of(struct.pack(">d", value), order)) == value


@given(st.integers(1, 6), ORDERS, st.data())
def test_every_bcd_number_comes_back(length: int, order: Order, data: DataObject) -> None:
    value = data.draw(st.integers(0, 10 ** (4 * length) - 1))
    words = words_of(bytes.fromhex(f"{value:0{4 * length}d}"), order)
    assert word_reader("bcd", length, order)(words) == value


@given(st.integers(1, 10), ORDERS, st.data())
def test_every_text_comes_back_without_its_padding(length: int, order: Order, data: DataObject) -> None:
    text = data.draw(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=2 * length)).strip()
    padding = data.draw(st.sampled_from([b"\0", b" "]))
    words = words_of(text.encode().ljust(2 * length, padding), order)
    assert word_reader("string", length, order)(words) == text


@given(st.sampled_from(get_args(RegisterType)), st.integers(1, 8), ORDERS, st.data())
def test_any_words_are_a_value_or_unreadable(kind: RegisterType, length: int, order: Order, data: DataObject) -> None:
    width = WIDTH.get(kind, length)
    words = data.draw(st.lists(WORD | st.integers(), min_size=width, max_size=width))
    with suppress(Unreadable):
        word_reader(kind, width, order)(words)


def test_digits_beyond_nine_are_no_bcd() -> None:
    with pytest.raises(Unreadable, match="0x12af is no BCD number"):
        word_reader("bcd", 1, "ABCD")([0x12AF])
