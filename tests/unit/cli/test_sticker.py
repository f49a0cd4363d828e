"""Claim codes as stickers, from the command line to the scanner."""

from __future__ import annotations

import shutil
import stat
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from hub.cli.device import register as register_devices
from hub.cli.sticker import register
from hub.errors import UsageError
from provisioning.ca import Authority
from provisioning.claim_code import parse_claim_text
from provisioning.claims import Claims
from provisioning.database import open_engine
from provisioning.errors import UnknownDevice
from provisioning.issued import Issued
from tests.copies import write_copy
from tests.unit.cli.homes import ADDRESS, commands, running, write_home
from tests.unit.provisioning.life import fresh_key, request

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.cli.homes import Run

needs_zbar = pytest.mark.skipif(shutil.which("zbarimg") is None, reason="needs zbarimg: run `make setup-tests`")


APP = commands(register_devices, groups={"paper": register})


def _market(home: Path) -> None:
    write_copy(home, write_home, ADDRESS)
    run = running(APP, home)
    run("site", "add", "pasar", "--name", "Pasar Bobotsari")
    for name in ("cam-1", "cam-2"):
        run("device", "add", name, "--profile", "generic_ipcamera", "--site", "pasar")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in the home of a hub with two cameras."""
    monkeypatch.chdir(tmp_path)
    write_copy(tmp_path, _market)
    return running(APP, tmp_path)


@needs_zbar
def test_a_technician_scans_the_png_and_gets_the_certificate(run: Run, tmp_path: Path) -> None:
    run("paper", "sticker", "cam-1", "--png", "cam-1.png")
    command = ["zbarimg", "--quiet", "--raw", "--nodbus", str(tmp_path / "cam-1.png")]
    sticker = parse_claim_text(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert (sticker.device_id, sticker.host, sticker.port) == ("cam-1", "hub.local", 8443)
    engine = open_engine(tmp_path / "state" / "registry.db")
    claims = Claims(engine, Authority.load(tmp_path / "state" / "pki", clock=time.time_ns), time.time_ns)
    assert isinstance(claims.redeem(sticker.code, request(fresh_key(), "cam-1")), Issued)
    engine.dispose()


@pytest.mark.parametrize(("option", "start"), [("--png", b"\x89PNG"), ("--svg", b"<?xml"), ("--pdf", b"%PDF-1.7")])
def test_each_format_is_written_for_us_alone(run: Run, tmp_path: Path, option: str, start: bytes) -> None:
    result = run("paper", "sticker", "cam-1", option, "out")
    assert result.stdout.startswith("Wrote out: valid until 20")
    assert (tmp_path / "out").read_bytes().startswith(start)
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o600


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="needs pdftotext: run `make setup-tests`")
def test_a_sheet_names_each_device_once_with_its_site(run: Run, tmp_path: Path) -> None:
    run("paper", "sticker", "cam-1", "cam-2", "cam-1", "--pdf", "out.pdf")
    command = ["pdftotext", "-layout", str(tmp_path / "out.pdf"), "-"]
    words = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert (words.count("cam-1"), words.count("cam-2"), words.count("Pasar Bobotsari")) == (1, 1, 2)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["cam-1"], "name one file to write"),
        (["cam-1", "--png", "a", "--svg", "b"], "name one file to write"),
        (["cam-1", "cam-2", "--png", "a"], "PNG and SVG show a single code"),
        (["cam-1", "--pdf", "cityhub.toml"], "cityhub.toml is there already"),
    ],
)
def test_what_cannot_be_written_is_refused_before_a_code_is_made(run: Run, words: list[str], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        run("paper", "sticker", *words)


def test_an_unknown_device_gets_no_sticker(run: Run, tmp_path: Path) -> None:
    with pytest.raises(UnknownDevice, match="did you mean 'cam-2'"):
        run("paper", "sticker", "cam-1", "cam-22", "--pdf", "out.pdf")
    assert not (tmp_path / "out.pdf").exists()
