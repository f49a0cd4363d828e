"""The code as people type it, and the text of its sticker."""

from __future__ import annotations

from ipaddress import IPv6Address
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.claim_code import ClaimText, claim_text, new_code, parse_claim_text, parse_code
from provisioning.errors import BadClaim

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
codes = st.builds(new_code)
ids = st.text("abcXYZ019_-", min_size=1, max_size=64)
names = st.from_regex(r"[a-z0-9]([a-z0-9.-]{0,40}[a-z0-9])?", fullmatch=True)
hosts = names | st.ip_addresses(v=4).map(str) | st.ip_addresses(v=6).map(lambda one: str(IPv6Address(str(one))))
ports = st.integers(1, 65535)


def test_a_code_is_four_groups_that_can_be_read_out() -> None:
    code = new_code()
    assert [len(group) for group in code.split("-")] == [5, 5, 5, 5]
    assert set(code) <= {*ALPHABET, "-"}


def test_codes_are_random() -> None:
    drawn = [new_code() for _ in range(1000)]
    assert len(set(drawn)) == 1000
    assert {character for code in drawn for character in code[:-1]} == {*ALPHABET, "-"}


@given(codes)
def test_a_code_is_read_however_it_was_typed(code: str) -> None:
    typed = [code, code.lower(), code.replace("-", ""), code.replace("-", " "), f" {code}"]
    typed += [code.replace("0", "O"), code.replace("1", "I"), code.replace("1", "l")]
    assert {parse_code(one) for one in typed} == {code}


@given(codes, st.integers(0, 19), st.sampled_from(ALPHABET))
def test_one_wrong_character_is_always_found(code: str, place: int, character: str) -> None:
    plain = code.replace("-", "")
    if plain[place] != character:
        with pytest.raises(BadClaim, match="the last one tells of a slip"):
            parse_code(plain[:place] + character + plain[place + 1 :])


@given(codes)
def test_two_neighbours_exchanged_are_always_found(code: str) -> None:
    plain = code.replace("-", "")
    for place, (one, other) in enumerate(pairwise(plain)):
        if one != other:
            with pytest.raises(BadClaim):
                parse_code(plain[:place] + other + one + plain[place + 2 :])


@given(st.text())
def test_any_text_is_a_code_or_refused(text: str) -> None:
    try:
        assert parse_code(parse_code(text)) == parse_code(text)
    except BadClaim as error:
        assert "compare it with the sticker" in str(error)  # noqa: PT017 - either outcome is right


@given(ids, hosts, ports, codes)
def test_a_sticker_says_what_was_put_on_it(device_id: str, host: str, port: int, code: str) -> None:
    text = claim_text(device_id, host, port, code)
    assert parse_claim_text(text) == ClaimText(device_id, host, port, code)


def test_the_text_of_a_sticker_is_as_documented() -> None:
    text = claim_text("cam-1", "2001:db8::1", 8443, "00000-00000-00000-00000")
    assert text == "CITYHUB:1:cam-1:[2001:db8::1]:8443:00000-00000-00000-00000"


@pytest.mark.parametrize(
    ("device_id", "host", "port"),
    [("cam/1", "hub", 1), ("", "hub", 1), ("cam", "", 1), ("cam", "a b", 1), ("cam", "hub", 0), ("cam", "hub", 65536)],
)
def test_nothing_is_put_on_a_sticker_that_could_not_be_read(device_id: str, host: str, port: int) -> None:
    with pytest.raises(BadClaim, match="CITYHUB:1"):
        claim_text(device_id, host, port, new_code())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "https://example.org",
        "CITYHUB:2:cam-1:hub:8443:00000-00000-00000-00000",
        "CITYHUB:1:cam-1:[::1::]:8443:00000-00000-00000-00000",
        "CITYHUB:1:cam-1:hub:8443:00000-00000-00000-00001",
        "CITYHUB:1:cam-1:hub:8443:00000-00000-00000-00000:more",
    ],
)
def test_what_is_not_a_sticker_is_refused(text: str) -> None:
    with pytest.raises(BadClaim):
        parse_claim_text(text)


@given(st.text() | st.builds(lambda rest: f"CITYHUB:1:{rest}", st.text(":[]0aZ-.", max_size=90)))
def test_any_text_is_a_sticker_or_refused(text: str) -> None:
    try:
        read = parse_claim_text(text)
    except BadClaim:
        return
    assert parse_claim_text(claim_text(*read)) == read
