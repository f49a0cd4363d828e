from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.decode.line import MAX_STRING, string_field, tag_set
from tests.unit.decode.line_protocol import parse_line

KEYS = st.sampled_from(["agency", "device", "site", "zone", "profile"])


@given(st.dictionaries(KEYS, st.text()))
def test_tags_read_back_as_written_sorted_and_without_the_empty_ones(tags: dict[str, str]) -> None:
    read = parse_line(f"m{tag_set(tags.items())} v=1 1").tags

    assert read == {key: writable(value) for key, value in tags.items() if value}
    assert list(read) == sorted(read)


def writable(text: str) -> str:
    return "".join("_" if character == "\\" or not character.isprintable() else character for character in text)


def test_no_tags_are_no_text() -> None:
    assert tag_set([("site", "")]) == ""


@pytest.mark.parametrize(
    ("value", "written"),
    [("a b", r"a\ b"), ("a,b", r"a\,b"), ("a=b", r"a\=b"), ("a\\", "a_"), ("a\nb", "a_b"), ("é", "é")],
)
def test_special_characters_of_a_tag(value: str, written: str) -> None:
    assert tag_set([("site", value)]) == f",site={written}"


@given(st.text(max_size=MAX_STRING + 1))
def test_a_text_reads_back_as_itself_or_is_refused(text: str) -> None:
    quoted = string_field(text)

    if quoted is None:
        assert len(text) > MAX_STRING or not text.isprintable()
    else:
        assert parse_line(f"m v={quoted} 1").fields == {"v": text}


@pytest.mark.parametrize("text", ["x" * (MAX_STRING + 1), "a\nb", "\0", "\ud800", "\x7f"])
def test_texts_that_are_refused(text: str) -> None:
    assert string_field(text) is None
