"""What EST puts on the wire (RFC 7030, section 4; RFC 8951): bytes to bytes, no sockets."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from provisioning.errors import BadRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography import x509

CERTIFICATES_TYPE: Final = "application/pkcs7-mime; smime-type=certs-only"
REQUEST_TYPE: Final = "application/pkcs10"
ATTRIBUTES_TYPE: Final = "application/csrattrs"

# SEQUENCE { SEQUENCE { ecPublicKey, SET { prime256v1 } }, ecdsa-with-SHA256 } in DER (RFC 7030, section 4.5.2)
_ATTRIBUTES: Final = bytes.fromhex("3021 3015 06072a8648ce3d0201 310a 06082a8648ce3d030107 06082a8648ce3d040302")
_SEQUENCE: Final = 0x30  # the first byte of a request in DER; in base64 it would be the digit 0
_LONG_FORM: Final = 0x80  # the second: no request is shorter than 128 bytes, and no base64 has this bit
_PEM: Final = b"-----BEGIN "


def read_body(body: bytes) -> bytes:
    """Return the PKCS #10 request (DER, or PEM as it came) that the body of an enrolment holds.

    It is base64 of DER, in one line or many. DER itself and PEM are taken too: clients send them. The request is
    not looked into.

    Raises:
        BadRequest: it is none of these.
    """
    if not body.strip():
        raise BadRequest("The body is empty: send a certificate signing request (PKCS #10) in base64.")
    if (len(body) > 1 and body[0] == _SEQUENCE and body[1] >= _LONG_FORM) or body.lstrip().startswith(_PEM):
        return body
    try:
        return base64.b64decode(b"".join(body.split()), validate=True)
    except binascii.Error as error:
        raise BadRequest("The body is not base64: send a certificate signing request (PKCS #10) in base64.") from error


def certificates_body(certificates: Sequence[x509.Certificate]) -> bytes:
    """Return certificates as a certs-only CMS message in base64, on one line: strongSwan refuses wrapped lines."""
    return base64.b64encode(pkcs7.serialize_certificates(list(certificates), Encoding.DER))


def attributes_body() -> bytes:
    """Return what the hub wishes of a request, in base64: a P-256 key, and a signature with SHA-256."""
    return base64.b64encode(_ATTRIBUTES)
