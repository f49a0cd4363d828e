"""As a technician does it at a pole: the sticker is printed and scanned, its code exchanged, and telemetry arrives."""

from __future__ import annotations

import base64
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs7 import load_der_pkcs7_certificates

from provisioning.claim_code import parse_claim_text
from tests.integration.one_box import LOOPBACK, OneBox, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NEEDED = ("zbarimg", "curl", "openssl", "mosquitto_pub")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not all(map(shutil.which, NEEDED)), reason="needs zbarimg, curl, openssl and mosquitto_pub"),
]


@pytest.fixture
def box(tmp_path: Path) -> Iterator[OneBox]:
    box = OneBox(tmp_path / "box")
    box.start()
    yield box
    box.end()


def run(*words: str, cwd: Path, stdin: str = "") -> str:
    result = subprocess.run(words, cwd=cwd, input=stdin, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_a_claim_is_printed_scanned_exchanged_and_the_first_telemetry_is_seen(box: OneBox, tmp_path: Path) -> None:
    box.run("device", "add", "cam-tiang-7", "--profile", "generic_ipcamera")
    box.run("device", "sticker", "cam-tiang-7", "--png", "sticker.png")
    box.until(lambda health: health.devices == 1)

    claim = parse_claim_text(run("zbarimg", "-q", "--raw", "sticker.png", cwd=box.folder).strip())
    device = tmp_path / "pole"
    device.mkdir()
    shutil.copy(box.settings.pki_dir / "chain.pem", device / "ca.pem")
    make_key = "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout device.key -outform DER"
    run(*make_key.split(), "-subj", f"/CN={claim.device_id}", "-out", "csr.der", cwd=device)
    (device / "csr.b64").write_bytes(base64.b64encode((device / "csr.der").read_bytes()))
    (device / "login").write_text(f'user = "{claim.device_id}:{claim.code}"\n')
    url = f"https://{LOOPBACK}:{claim.port}/.well-known/est/simpleenroll"
    enrol = "curl -sS --fail --config login --cacert ca.pem -H Content-Type:application/pkcs10 --data-binary @csr.b64"
    issued = load_der_pkcs7_certificates(base64.b64decode(run(*enrol.split(), url, cwd=device)))
    (device / "device.pem").write_bytes(b"".join(one.public_bytes(Encoding.PEM) for one in issued))
    said = box.publish("devices/cam-tiang-7/telemetry", '{"fps": 25}', device)

    assert "RC:0" in said, said
    found = "SELECT fps FROM cctv WHERE device = 'cam-tiang-7'"
    wait_until(lambda: box.query(found))
    assert box.query(found)[0][1] == 25


def test_a_revoked_device_is_refused_at_its_next_connect(box: OneBox) -> None:
    bundle = box.bundle("cam-dicuri")
    assert "RC:0" in box.publish("devices/cam-dicuri/telemetry", '{"fps": 25}', bundle)

    box.run("device", "revoke", "cam-dicuri", "--reason", "key_compromise")

    def refused() -> bool:
        return "PUBACK" not in box.publish("devices/cam-dicuri/telemetry", '{"fps": 26}', bundle)

    assert any(refused() for _ in range(100))
    assert box.query("SELECT fps FROM cctv WHERE device = 'cam-dicuri'")[0][1] == 25
