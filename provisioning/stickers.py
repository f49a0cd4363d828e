"""Stickers: a text as a QR code (ISO/IEC 18004), as PNG or SVG, or with words beside it on sheets of labels (PDF).

A sheet is A4 with 3 x 8 labels of 63.5 x 33.9 mm, as they are sold for address labels; print it at 100 %.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING, Final, NamedTuple

import pydyf
import segno

from provisioning.errors import InvalidIdentity

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

_MM: Final = 72 / 25.4  # PDF measures in points, from the lower left corner
_A4: Final = (210 * _MM, 297 * _MM)
_COLUMNS, _ROWS = 3, 8
_WIDTH, _HEIGHT = 63.5 * _MM, 33.9 * _MM
_ACROSS: Final = 66 * _MM  # from one label's left edge to the next one's
_LEFT: Final = (_A4[0] - 2 * _ACROSS - _WIDTH) / 2
_BOTTOM: Final = (_A4[1] - _ROWS * _HEIGHT) / 2
_QR: Final = 30 * _MM  # with its quiet zone
_PADDING: Final = 1.5 * _MM
_QUIET: Final = 4  # modules, ISO/IEC 18004, 9.1

_FONTS: Final = {  # every viewer has them
    "Bold": "Helvetica-Bold",
    "Plain": "Helvetica",
    "Slanted": "Helvetica-Oblique",
    "Typed": "Courier-Bold",
}
_WORDS: Final = 22  # characters a line of Helvetica that almost always fit
_TYPED: Final = 18  # characters a line of Courier, which is 0.6 em wide


@dataclass(frozen=True, slots=True)
class Sticker:
    """A label: the text of its QR code, and what people read beside it.

    Attributes:
        text: what a scanner reads; may be a secret.
        device: the device's id.
        name: its name, or ''.
        site: the name or id of its site, or ''.
        until: the last day on which the text is of use.
    """

    text: str
    device: str
    name: str
    site: str
    until: date


class _Line(NamedTuple):
    font: str
    size: float
    text: str


def qr_png(text: str) -> bytes:
    """Return a text as a QR code in PNG, black on white, 10 pixels a module; raises InvalidIdentity if too long."""
    return _saved(text, "png")


def qr_svg(text: str) -> bytes:
    """Return a text as a QR code in SVG, black on white; raises InvalidIdentity if too long."""
    return _saved(text, "svg")


def sheets_pdf(stickers: Sequence[Sticker]) -> bytes:
    """Return sheets of labels as PDF, row by row in the order given; the same stickers give the same bytes.

    Raises:
        InvalidIdentity: a text is too long for a QR code.
    """
    pdf = pydyf.PDF()
    fonts = pydyf.Dictionary({name: _font(base) for name, base in _FONTS.items()})
    a_sheet = _COLUMNS * _ROWS
    for start in range(0, len(stickers), a_sheet):
        content = pydyf.Stream(compress=True)
        for place, sticker in enumerate(stickers[start : start + a_sheet]):
            row, column = divmod(place, _COLUMNS)
            _draw(content, sticker, _LEFT + column * _ACROSS, _BOTTOM + (_ROWS - 1 - row) * _HEIGHT)
        _add_page(pdf, content, fonts)
    output = io.BytesIO()
    pdf.write(output)
    return output.getvalue()


def _code(text: str) -> segno.QRCode:
    """Level Q: still read when a quarter of it is scratched or faded."""
    try:
        return segno.make_qr(text, error="q")
    except segno.DataOverflowError as error:
        raise InvalidIdentity(f"A text of {len(text)} characters is too long for a QR code: shorten it.") from error


def _saved(text: str, kind: str) -> bytes:
    output = io.BytesIO()
    _code(text).save(output, kind=kind, scale=10, border=_QUIET, light="white")
    return output.getvalue()


def _font(base: str) -> pydyf.Dictionary:
    return pydyf.Dictionary(
        {"Type": "/Font", "Subtype": "/Type1", "BaseFont": f"/{base}", "Encoding": "/WinAnsiEncoding"}
    )


def _add_page(pdf: pydyf.PDF, content: pydyf.Stream, fonts: pydyf.Dictionary) -> None:
    pdf.add_object(content)
    page = {
        "Type": "/Page",
        "Parent": pdf.pages.reference,
        "MediaBox": pydyf.Array([0, 0, *_A4]),
        "Resources": pydyf.Dictionary({"Font": fonts}),
        "Contents": content.reference,
    }
    pdf.add_page(pydyf.Dictionary(page))


def _draw(content: pydyf.Stream, sticker: Sticker, left: float, bottom: float) -> None:
    """Draw a label whose lower left corner is given; nothing reaches beyond its edges."""
    content.push_state()
    content.rectangle(left, bottom, _WIDTH, _HEIGHT)
    content.clip()
    content.end()
    _draw_code(content, _code(sticker.text), left + _PADDING, bottom + (_HEIGHT - _QR) / 2)
    _draw_lines(content, _lines(sticker), left + _QR + 2 * _PADDING, bottom + _HEIGHT - _PADDING)
    content.pop_state()


def _draw_code(content: pydyf.Stream, code: segno.QRCode, left: float, bottom: float) -> None:
    """One path for all modules: separate ones would show hairlines between them."""
    side = len(code.matrix)
    module = _QR / (side + 2 * _QUIET)
    content.push_state()
    content.set_matrix(module, 0, 0, module, left + _QUIET * module, bottom + _QUIET * module)
    for row, modules in enumerate(code.matrix):
        for column, dark in enumerate(modules):
            if dark:
                content.rectangle(column, side - 1 - row, 1, 1)
    content.fill()
    content.pop_state()


def _draw_lines(content: pydyf.Stream, lines: Iterator[_Line], left: float, top: float) -> None:
    for font, size, text in lines:
        top -= 1.2 * size
        content.begin_text()
        content.set_font_size(font, size)
        content.move_text_to(left, top)
        content.show_text_string(text.encode("cp1252", "replace"))
        content.end_text()


def _lines(sticker: Sticker) -> Iterator[_Line]:
    yield _Line("Bold", 9, "Cityhub")
    yield from (_Line("Typed", 7.5, part) for part in wrap(sticker.device, _TYPED, break_on_hyphens=False))
    yield from (_Line("Plain", 7, part) for part in wrap(sticker.name, _WORDS, max_lines=2, placeholder="…"))
    yield from (_Line("Slanted", 7, part) for part in wrap(sticker.site, _WORDS, max_lines=1, placeholder="…"))
    yield _Line("Plain", 6.5, f"Berlaku s.d. {sticker.until:%d-%m-%Y}")
    yield _Line("Plain", 5.5, f"Valid until {sticker.until:%Y-%m-%d}")
