"""The bundle: all that a device needs to speak to the broker, as files, a zip, a folder, or PKCS #12.

device.key   the private key, when it was made here
device.pem   the device's certificate and the issuing CA's: what it presents
ca.pem       the root and the issuing CA: what it trusts
config.json  id, broker and topics, for programs
README.txt   the same for people, in Bahasa Indonesia and English

PKCS #12 (RFC 7292) holds key and certificates in one file under a password, as the web pages of cameras take it.
"""

from __future__ import annotations

import io
import json
import secrets
import shlex
import stat
import zipfile
from typing import TYPE_CHECKING, Final, cast

from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, load_pem_private_key
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates

from provisioning.errors import StorageProblem, WeakPassword
from provisioning.files import write_atomically
from provisioning.issued import Issued, IssuedWithKey

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cryptography.hazmat.primitives.serialization.pkcs12 import PKCS12PrivateKeyTypes

_KEY = "device.key"
_WRITES = ("telemetry", "events", "status", "reported", "replies")
_READS = ("desired", "commands/+", "acks")
_RETAINED = {"status", "reported", "desired"}
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first time a zip can state: the same content gives the same bytes
_EASILY_TYPED = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that looks like something else on a camera's page
_SHORTEST: Final = 12
_LONGEST: Final = 50  # what the web pages of cameras take


def bundle_files(
    device_id: str, issued: Issued, *, broker: tuple[str, int], sample: str, vendors: Sequence[str] = ()
) -> dict[str, bytes]:
    """Return the files of a bundle by name, in their order.

    Args:
        device_id: the id that the certificate is for.
        issued: the certificate; with a key when that was made here.
        broker: host name or address, as in the broker's certificate, and port.
        sample: native telemetry that the device's profile understands, for the example; empty when it has none.
        vendors: topics of the vendor's own that the device may write to.
    """
    example = _example(device_id, broker, sample, vendors)
    key = {_KEY: issued.key_pem} if isinstance(issued, IssuedWithKey) else {}
    return key | {
        "device.pem": issued.presented_pem,
        "ca.pem": issued.root_pem + issued.issuing_pem + issued.others_pem,
        "config.json": _config(device_id, broker, vendors),
        "README.txt": _readme(device_id, broker, example, own_key=not key).encode(),
    }


def write_zip(path: Path, files: dict[str, bytes]) -> None:
    """Write a bundle as a zip, mode 0600, whole or not at all; the key inside has mode 0600 too.

    Raises:
        StorageProblem: the file cannot be written.
    """
    write_atomically(path, zipped(files))


def zipped(files: dict[str, bytes]) -> bytes:
    """Return a bundle as the bytes of a zip, in which the key has mode 0600."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, or the mode would be ignored
            entry.external_attr = (stat.S_IFREG | _mode(name)) << 16
            archive.writestr(entry, content)
    return buffer.getvalue()


def write_pkcs12(path: Path, device_id: str, issued: IssuedWithKey, password: str) -> None:
    """Write key, certificate and CAs as PKCS #12, mode 0600, whole or not at all.

    Encrypted with AES-256, and authenticated with SHA-256: OpenSSL from 1.0 on and Windows from 10 (1809) on read it.

    Args:
        path: of the file.
        device_id: the name under which key and certificate stand in it.
        issued: the certificate and its key.
        password: `new_password` makes one, `check_password` says what is accepted.

    Raises:
        WeakPassword: the password cannot be used.
        StorageProblem: the file cannot be written.
    """
    check_password(password)
    content = serialize_key_and_certificates(
        device_id.encode(),
        cast("PKCS12PrivateKeyTypes", load_pem_private_key(issued.key_pem, None)),  # made here: elliptic-curve
        x509.load_pem_x509_certificate(issued.cert_pem),
        x509.load_pem_x509_certificates(issued.chain_pem),
        BestAvailableEncryption(password.encode("ascii")),
    )
    write_atomically(path, content)


def new_password() -> str:
    """Make a password of 79 random bits, in groups that a technician can type."""
    return "-".join("".join(secrets.choice(_EASILY_TYPED) for _ in range(4)) for _ in range(4))


def check_password(password: str) -> None:
    """Check a password for PKCS #12; other than ASCII is encoded differently from one program to the next.

    Raises:
        WeakPassword: too short, too long, or with characters that are not on every keyboard.
    """
    if not _SHORTEST <= len(password) <= _LONGEST:
        raise WeakPassword(
            f"The password for PKCS #12 takes {_SHORTEST} to {_LONGEST} characters, this one has {len(password)}."
        )
    if not (password.isascii() and password.isprintable()):
        raise WeakPassword("The password for PKCS #12 takes only letters, digits and signs of ASCII: devices differ.")


def write_folder(path: Path, files: dict[str, bytes]) -> None:
    """Write a bundle as files into a folder, mode 0700, that is made when missing.

    Raises:
        StorageProblem: the folder or a file cannot be written.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StorageProblem(f"{path} cannot be made: {error.strerror}. Choose another folder.") from error
    for name, content in files.items():
        write_atomically(path / name, content, _mode(name))


def _mode(name: str) -> int:
    return 0o600 if name == _KEY else 0o644


def _config(device_id: str, broker: tuple[str, int], vendors: Sequence[str]) -> bytes:
    host, port = broker
    own = [{"topic": topic, "qos": 1, "retain": False} for topic in vendors]
    config = {
        "device": device_id,
        "client_id": device_id,
        "broker": {"host": host, "port": port, "tls": True, "protocols": ["MQTT 5", "MQTT 3.1.1"]},
        "files": {"key": _KEY, "certificate": "device.pem", "ca": "ca.pem"},
        "topics": {
            "write": [_topic(device_id, name) for name in _WRITES] + own,
            "read": [_topic(device_id, name) for name in _READS],
        },
        "will": {**_topic(device_id, "status"), "payload": "offline"},
    }
    return json.dumps(config, indent=2).encode() + b"\n"


def _topic(device_id: str, name: str) -> dict[str, str | int | bool]:
    return {"topic": f"devices/{device_id}/{name}", "qos": 1, "retain": name in _RETAINED}


def _readme(device_id: str, broker: tuple[str, int], example: tuple[str, str, str], *, own_key: bool) -> str:
    kunci, key = _OWN_KEY if own_key else _HUB_KEY
    coba, try_it, shown = example
    return _README.format(
        device=device_id, host=broker[0], port=broker[1], coba=coba, try_it=try_it, example=shown, kunci=kunci, key=key
    )


def _example(device_id: str, broker: tuple[str, int], sample: str, vendors: Sequence[str]) -> tuple[str, str, str]:
    """Return a command to try, or the topics of a device that has its own way to speak, under their two headings."""
    if sample:
        return *_TRY, _command(device_id, broker, sample)
    return *_TOPICS, "\n".join(f"    {topic}" for topic in vendors or [f"devices/{device_id}/telemetry"])


def _command(device_id: str, broker: tuple[str, int], sample: str) -> str:
    host, port = broker
    return (
        f"mosquitto_pub -h {shlex.quote(host)} -p {port} --cafile ca.pem --cert device.pem --key device.key \\\n"
        f"    -V mqttv5 -i {device_id} -q 1 -t devices/{device_id}/telemetry -m {shlex.quote(sample)}"
    )


_HUB_KEY = (
    "Berkas device.key adalah rahasia perangkat ini: pasang, lalu hapus salinannya.",
    "The file device.key is this device's secret: install it, then delete the copies.",
)
_OWN_KEY = (
    "Kunci dibuat di perangkat; simpan di sini sebagai device.key untuk contoh di bawah.",
    "The key was made on the device; put it here as device.key for the example below.",
)

_TRY = "Untuk mencoba dari folder ini:", "To try it from this folder:"
_TOPICS = "Topik telemetri perangkat ini:", "The topics of this device's telemetry:"

_README = """\
{device}

BAHASA INDONESIA
Perangkat ini terhubung ke broker MQTT {host}, port {port}, dengan TLS dan sertifikatnya sendiri.
{kunci}
Pasang ca.pem sebagai sertifikat tepercaya dan device.pem sebagai sertifikat perangkat.
Client id harus {device}. Topik yang boleh dipakai tercantum di config.json.
{coba}

{example}

Jika ditolak: periksa jam perangkat, nama host broker, dan topiknya.

ENGLISH
This device connects to the MQTT broker {host}, port {port}, by TLS with a certificate of its own.
{key}
Install ca.pem as the trusted certificates and device.pem as the device's certificate.
The client id must be {device}. The topics that it may use are in config.json.
{try_it}

{example}

If it is refused: check the device's clock, the broker's host name, and the topic.
"""
