"""A clock that can be moved, and signing requests, for the tests of a certificate's life."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from provisioning.issued import Issued

NOW_NS = 1_790_000_000_000_000_000  # 2026-09-21
MINUTE_NS = 60 * 10**9
DAY_NS = 24 * 60 * MINUTE_NS


@dataclass
class Moment:
    """A clock that stands until somebody moves it."""

    now_ns: int = NOW_NS

    def __call__(self) -> int:
        return self.now_ns

    def pass_days(self, days: int) -> None:
        self.now_ns += days * DAY_NS


def fresh_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def request(key: ec.EllipticCurvePrivateKey, name: str, *serials: str) -> bytes:
    """A signing request whose subject is a CN and, if given, serial numbers."""
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
    attributes += [x509.NameAttribute(NameOID.SERIAL_NUMBER, serial) for serial in serials]
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(attributes))
    return builder.sign(key, SHA256()).public_bytes(Encoding.PEM)


def leaf(issued: Issued) -> x509.Certificate:
    return x509.load_pem_x509_certificate(issued.cert_pem)
