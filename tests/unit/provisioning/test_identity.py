"""What names may be."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.errors import InvalidIdentity
from provisioning.identity import (
    check_device_id,
    check_imei,
    check_name,
    check_phone,
    check_position,
    check_serial,
    check_service_name,
    check_slug,
)

if TYPE_CHECKING:
    from collections.abc import Callable


@given(st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True))
def test_a_device_id_is_letters_digits_underscore_and_hyphen(text: str) -> None:
    check_device_id(text)


@given(st.text())
def test_everything_else_is_refused_as_a_device_id(text: str) -> None:
    if re.fullmatch(r"[A-Za-z0-9_-]{1,64}", text):
        return
    with pytest.raises(InvalidIdentity) as refused:
        check_device_id(text)
    assert str(refused.value).isprintable()


@pytest.mark.parametrize("text", ["", "a" * 65, "dev1/../dev2", "cam 1", "cam-1\n", "cam.1", "kamera-é", "+", "#"])
def test_an_id_that_could_reach_another_topic_is_refused(text: str) -> None:
    with pytest.raises(InvalidIdentity, match="use 1 to 64 of"):
        check_device_id(text)


@given(st.text(max_size=70))
def test_no_text_is_both_a_device_id_and_a_service_name(text: str) -> None:
    assert not (_passes(check_device_id, text) and _passes(check_service_name, text))


@pytest.mark.parametrize("text", ["hub.cityhub", "broker.cityhub", "edge-1.bobotsari.cityhub"])
def test_a_service_name_contains_a_dot(text: str) -> None:
    check_service_name(text)


@pytest.mark.parametrize("text", ["hub", ".hub", "hub.", "a..b", "hub.city/hub", "a." + "b" * 63, "hub.cityhub\n"])
def test_a_service_name_is_words_joined_by_dots(text: str) -> None:
    with pytest.raises(InvalidIdentity):
        check_service_name(text)


@pytest.mark.parametrize("text", ["dishub", "Bobotsari.Pasar_1-2"])
def test_a_slug_may_contain_dots(text: str) -> None:
    check_slug("site", text)


@pytest.mark.parametrize("text", ["", "pasar bobotsari", "a,b", "a=b", "a+b", "a\n"])
def test_a_slug_needs_no_escaping_as_a_tag(text: str) -> None:
    with pytest.raises(InvalidIdentity, match="The site"):
        check_slug("site", text)


@pytest.mark.parametrize("text", ["DS-2CD2043G2", "ACCC8E012345", "a4:14:37:00:11:22"])
def test_a_serial_is_what_a_type_plate_says(text: str) -> None:
    check_serial(text)


@pytest.mark.parametrize("text", ["", "a/b", "+", "#", "$SYS", "a b"])
def test_a_serial_cannot_alter_a_topic(text: str) -> None:
    with pytest.raises(InvalidIdentity, match="The serial"):
        check_serial(text)


def test_an_imei_has_a_check_digit() -> None:
    check_imei("490154203237518")
    with pytest.raises(InvalidIdentity, match="check digit"):
        check_imei("490154203237519")


@pytest.mark.parametrize("text", ["", "49015420323751", "4901542032375188", "49015420323751x", "٤90154203237518"])
def test_an_imei_has_15_digits(text: str) -> None:
    with pytest.raises(InvalidIdentity, match="15 digits"):
        check_imei(text)


def test_a_phone_number_is_international() -> None:
    check_phone("+6281234567890")
    with pytest.raises(InvalidIdentity, match="international"):
        check_phone("081234567890")


@pytest.mark.parametrize("text", ["", "Pasar Bobotsari, gerbang utara", "Kantor Pos ñ"])
def test_a_name_is_free_text(text: str) -> None:
    check_name(text)


@pytest.mark.parametrize("text", ["a" * 201, "two\nlines", "\x1b[31mred"])
def test_a_name_cannot_upset_a_terminal(text: str) -> None:
    with pytest.raises(InvalidIdentity, match="on one line") as refused:
        check_name(text)
    assert str(refused.value).isprintable()


@pytest.mark.parametrize(("lat", "lon"), [(None, None), (-7.307, 109.362), (90, -180)])
def test_a_position_is_on_the_globe(lat: float | None, lon: float | None) -> None:
    check_position(lat, lon)


@pytest.mark.parametrize(
    ("lat", "lon"), [(-7.3, None), (None, 109.4), (91, 0), (0, 181), (float("nan"), 0), (0, float("inf"))]
)
def test_a_position_off_the_globe_or_by_halves_is_refused(lat: float | None, lon: float | None) -> None:
    with pytest.raises(InvalidIdentity, match="osition"):
        check_position(lat, lon)


def _passes(check: Callable[[str], None], text: str) -> bool:
    try:
        check(text)
    except InvalidIdentity:
        return False
    return True
