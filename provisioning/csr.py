"""Certificate signing requests (PKCS #10, RFC 2986): bytes from outside, trusted in nothing until checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.x509.oid import NameOID

from provisioning.errors import BadRequest, KeyProblem

if TYPE_CHECKING:
    from provisioning.certificates import LeafKey

MAX_REQUEST = 16 * 1024
"""Bytes; a request with an RSA-4096 key and a dozen extensions stays under 3 KiB."""

_RSA_BITS = range(2048, 4096 + 1)  # above, each handshake would cost the broker more than a device is worth
_CURVES = (ec.SECP256R1, ec.SECP384R1)
_MAKE_ONE = "make one with `openssl ecparam -name prime256v1 -genkey -noout`"


class Stated(NamedTuple):
    """Who a request says that it is from; to be believed once something else proves it."""

    device_id: str
    serials: tuple[str, ...]


def read_stated(content: bytes) -> Stated:
    """Return the CN of a request, PEM or DER, and the serial numbers (OID 2.5.4.5) that it names, if any.

    Raises:
        BadRequest: not a request, or it has no CN, or more than one.
    """
    request = _parse(content)
    names = _read_subject(request, NameOID.COMMON_NAME)
    if len(names) != 1:
        raise BadRequest(f"The request has {len(names)} CNs: make it with `-subj /CN=<device id>`.")
    return Stated(names[0], tuple(_read_subject(request, NameOID.SERIAL_NUMBER)))


def read_request(content: bytes, device_id: str) -> LeafKey:
    """Return the public key that a request, PEM or DER, asks to have certified for a device.

    Nothing else is taken from it: its extensions and the rest of its subject are not for the device to choose.

    Raises:
        BadRequest: not a request, its signature does not match its key, or its CN is not `device_id`.
        KeyProblem: the key is too weak or of a kind that cannot be used.
    """
    request = _parse(content)
    key = _usable_key(request)
    if not _holds_key(request):
        raise BadRequest("The request's signature does not match its key: sign it with the key that it contains.")
    _check_subject(request, device_id)
    return key


def _parse(content: bytes) -> x509.CertificateSigningRequest:
    if len(content) > MAX_REQUEST:
        raise BadRequest(f"The request is larger than {MAX_REQUEST} bytes: send only the signing request.")
    try:
        if b"-----BEGIN" in content:
            return x509.load_pem_x509_csr(content)
        return x509.load_der_x509_csr(content)
    except (ValueError, x509.InvalidVersion) as error:
        raise BadRequest(
            "This is not a certificate signing request in PEM or DER: make one with `openssl req -new`."
        ) from error


def _usable_key(request: x509.CertificateSigningRequest) -> LeafKey:
    try:
        key = request.public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyProblem(f"The request's key cannot be read: use P-256, P-384 or RSA; {_MAKE_ONE}.") from error
    match key:
        case ec.EllipticCurvePublicKey() if isinstance(key.curve, _CURVES):
            return key
        case ec.EllipticCurvePublicKey():
            raise KeyProblem(f"The curve {key.curve.name} is not accepted: use P-256 or P-384; {_MAKE_ONE}.")
        case rsa.RSAPublicKey() if key.key_size in _RSA_BITS:
            return key
        case rsa.RSAPublicKey():
            raise KeyProblem(f"An RSA key of {key.key_size} bits is not accepted: use 2048 to 4096 bits, or P-256.")
        case ed25519.Ed25519PublicKey() | ed448.Ed448PublicKey():
            raise KeyProblem(f"Edwards-curve keys are not accepted, as MQTT clients' TLS cannot use them: {_MAKE_ONE}.")
        case _:
            raise KeyProblem(f"A key of this kind is not accepted: use P-256, P-384 or RSA; {_MAKE_ONE}.")


def _holds_key(request: x509.CertificateSigningRequest) -> bool:
    try:
        return request.is_signature_valid
    except (ValueError, UnsupportedAlgorithm) as error:
        raise BadRequest("The request is signed by an unknown algorithm: use SHA-256.") from error


def _check_subject(request: x509.CertificateSigningRequest, device_id: str) -> None:
    names = _read_subject(request, NameOID.COMMON_NAME)
    if names != [device_id]:
        found = ", ".join(map(ascii, names)) or "none"
        raise BadRequest(f"The request's CN is {found}: make the request with `-subj /CN={device_id}`.")


def _read_subject(request: x509.CertificateSigningRequest, oid: x509.ObjectIdentifier) -> list[str]:
    try:
        return [str(attribute.value) for attribute in request.subject.get_attributes_for_oid(oid)]
    except (ValueError, TypeError) as error:  # a TypeError where an attribute is of a type that no name has
        raise BadRequest("The request's subject cannot be read: use `-subj /CN=<device id>`.") from error
