"""Stickers as they are scanned: what was drawn is read back by programs that nobody here wrote."""

from __future__ import annotations

import re
import shutil
import subprocess
from datetime import date
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provisioning.claim_code import claim_text, new_code
from provisioning.errors import InvalidIdentity
from provisioning.stickers import Sticker, qr_png, qr_svg, sheets_pdf

if TYPE_CHECKING:
    from pathlib import Path

UNTIL = date(2026, 12, 24)
LONGEST = claim_text("x" * 64, "h" * 253, 65535, new_code())


def needs(*programs: str) -> pytest.MarkDecorator:
    missing = [program for program in programs if shutil.which(program) is None]
    return pytest.mark.skipif(bool(missing), reason=f"needs {' and '.join(missing)}: run `make setup-tests`")


def label(number: int) -> Sticker:
    device = f"cam-{number:02d}"
    text = claim_text(device, "hub.purbalinggakab.go.id", 8443, new_code())
    return Sticker(text, device, "Gerbang utara", "Pasar Bobotsari", UNTIL)


def scanned(picture: Path) -> list[str]:
    """The texts of all QR codes in a picture, as zbar reads them."""
    command = ["zbarimg", "--quiet", "--raw", "--nodbus", "-Sdisable", "-Sqrcode.enable", str(picture)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout.splitlines()


def printed(folder: Path, stickers: list[Sticker], page: int = 1) -> list[str]:
    """The text of each label of a sheet, cut out where the maker of the labels has cut it, at 200 dpi."""
    (folder / "stickers.pdf").write_bytes(sheets_pdf(stickers))
    return [text for place in range(24) for text in scanned(cut_out(folder, page, *divmod(place, 3)))]


def cut_out(folder: Path, page: int, row: int, column: int) -> Path:
    left, top, width, height = (round(mm * 200 / 25.4) for mm in (7.25 + 66 * column, 12.9 + 33.9 * row, 63.5, 33.9))
    command = ["pdftoppm", "-r", "200", "-f", str(page), "-l", str(page), "-singlefile", "-png"]
    command += ["-x", str(left), "-y", str(top), "-W", str(width), "-H", str(height), "stickers.pdf", "label"]
    told = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=True).stderr
    assert told == ""
    return folder / "label.png"


def words(folder: Path, stickers: list[Sticker]) -> list[str]:
    (folder / "stickers.pdf").write_bytes(sheets_pdf(stickers))
    command = ["pdftotext", "-layout", "stickers.pdf", "-"]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=60, check=True
    ).stdout.splitlines()


@needs("zbarimg")
@pytest.mark.parametrize("text", [label(1).text, LONGEST, "x"], ids=["usual", "longest", "shortest"])
def test_a_png_says_what_it_was_made_of(tmp_path: Path, text: str) -> None:
    (tmp_path / "code.png").write_bytes(qr_png(text))
    assert scanned(tmp_path / "code.png") == [text]


@pytest.mark.slow
@needs("zbarimg")
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(device=st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True), port=st.integers(1, 65535))
def test_the_claim_of_any_device_can_be_scanned(tmp_path: Path, device: str, port: int) -> None:
    text = claim_text(device, "hub.local", port, new_code())
    (tmp_path / "code.png").write_bytes(qr_png(text))
    assert scanned(tmp_path / "code.png") == [text]


def rasterised(svg: str) -> bytes:
    """The one path of an SVG as a PGM picture, 8 pixels a module: strokes of a module's height, drawn by hand."""
    side = int(svg.partition('width="')[2].partition('"')[0]) // 10
    picture = [bytearray(b"\xff" * side) for _ in range(side)]
    x, y = 0, 0.0
    for command, numbers in re.findall(r"([Mmh])([-0-9. ]+)", svg.partition('stroke="#000" d="')[2].partition('"')[0]):
        across, *down = map(float, re.findall(r"-?[0-9.]+", numbers))
        if command == "h":
            picture[int(y)][x : x + int(across)] = bytes(int(across))
        x, y = (int(across), down[0]) if command == "M" else (x + int(across), y + sum(down))
    rows = [bytes(pixel for pixel in row for _ in range(8)) for row in picture for _ in range(8)]
    return f"P5 {side * 8} {side * 8} 255\n".encode() + b"".join(rows)


@needs("zbarimg")
@pytest.mark.parametrize("text", [label(1).text, LONGEST, "x"], ids=["usual", "longest", "shortest"])
def test_an_svg_says_what_it_was_made_of(tmp_path: Path, text: str) -> None:
    (tmp_path / "code.pgm").write_bytes(rasterised(qr_svg(text).decode()))
    assert scanned(tmp_path / "code.pgm") == [text]


@pytest.mark.slow
@needs("zbarimg", "pdftoppm")
def test_every_label_of_a_printed_sheet_can_be_scanned_where_it_is_cut(tmp_path: Path) -> None:
    stickers = [label(number) for number in range(25)]
    assert printed(tmp_path, stickers) == [sticker.text for sticker in stickers[:24]]
    assert printed(tmp_path, stickers, page=2) == [stickers[24].text]


@pytest.mark.slow
@needs("zbarimg", "pdftoppm")
def test_the_longest_names_spoil_neither_their_code_nor_their_neighbours(tmp_path: Path) -> None:
    wide = Sticker(LONGEST, "W" * 64, "W " * 100, "W" * 200, UNTIL)
    stickers = [label(1), wide, label(2), label(3), wide, wide]
    assert printed(tmp_path, stickers) == [sticker.text for sticker in stickers]


@needs("pdftotext")
def test_a_label_tells_people_whose_it_is_and_until_when(tmp_path: Path) -> None:
    assert [line.strip() for line in words(tmp_path, [label(1)]) if line.strip()] == [
        "Cityhub",
        "cam-01",
        "Gerbang utara",
        "Pasar Bobotsari",
        "Berlaku s.d. 24-12-2026",
        "Valid until 2026-12-24",
    ]


@needs("pdftotext")
def test_labels_stand_row_by_row_in_the_order_given(tmp_path: Path) -> None:
    lines = [line.split() for line in words(tmp_path, [label(number) for number in range(5)]) if "cam-" in line]
    assert lines == [["cam-00", "cam-01", "cam-02"], ["cam-03", "cam-04"]]


@pytest.mark.slow
@settings(max_examples=200)
@given(name=st.text(max_size=200), site=st.text(max_size=200))
def test_any_name_can_be_printed(name: str, site: str) -> None:
    assert sheets_pdf([Sticker("x", "cam-1", name, site, UNTIL)]).rstrip().endswith(b"%%EOF")


def test_the_same_stickers_give_the_same_bytes() -> None:
    stickers = [label(1)]
    assert sheets_pdf(stickers) == sheets_pdf(stickers)


def test_a_text_that_no_code_can_hold_is_refused() -> None:
    for draw in (qr_png, qr_svg):
        with pytest.raises(InvalidIdentity, match="too long for a QR code"):
            draw("x" * 3000)
