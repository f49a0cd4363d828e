"""Signing requests: bytes from outside, trusted in nothing until checked."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import example, given
from hypothesis import strategies as st

from provisioning.csr import MAX_REQUEST, Stated, read_request, read_stated
from provisioning.errors import BadRequest, KeyProblem

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes


def request(
    key: CertificateIssuerPrivateKeyTypes, *names: str, encoding: Encoding = Encoding.PEM, padding: int = 0
) -> bytes:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name) for name in names])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    if padding:
        extra = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), bytes(padding))
        builder = builder.add_extension(extra, critical=False)
    edwards = isinstance(key, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey)
    return builder.sign(key, None if edwards else hashes.SHA256()).public_bytes(encoding)


@cache
def good_der() -> bytes:
    return request(ec.generate_private_key(ec.SECP256R1()), "cam-1", encoding=Encoding.DER)


@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP384R1()),
        rsa.generate_private_key(65537, 2048),
    ],
    ids=["P-256", "P-384", "RSA-2048"],
)
def test_a_request_yields_its_key(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, encoding: Encoding) -> None:
    assert read_request(request(key, "cam-1", encoding=encoding), "cam-1") == key.public_key()


def test_text_around_a_pem_request_does_not_matter() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    content = b"Certificate Request:\n" + request(key, "cam-1") + b"\n"
    assert read_request(content, "cam-1") == key.public_key()


@pytest.mark.parametrize(
    ("new_key", "sentence"),
    [
        (lambda: ec.generate_private_key(ec.SECP521R1()), "The curve secp521r1 is not accepted"),
        (lambda: ec.generate_private_key(ec.SECP256K1()), "The curve secp256k1 is not accepted"),
        (lambda: rsa.generate_private_key(65537, 1024), "An RSA key of 1024 bits is not accepted"),  # noqa: S505 - on purpose
        (ed25519.Ed25519PrivateKey.generate, "Edwards-curve keys are not accepted, as MQTT clients' TLS cannot"),
        (ed448.Ed448PrivateKey.generate, "Edwards-curve keys are not accepted"),
        (lambda: dsa.generate_private_key(1024), "A key of this kind is not accepted"),  # noqa: S505 - made quickly
    ],
)
def test_a_key_that_cannot_be_used_is_refused_with_the_reason(
    new_key: Callable[[], CertificateIssuerPrivateKeyTypes], sentence: str
) -> None:
    with pytest.raises(KeyProblem, match=sentence):
        read_request(request(new_key(), "cam-1"), "cam-1")


@pytest.mark.parametrize(
    ("names", "found"), [((), "none"), (("cam-2",), "'cam-2'"), (("cam-1", "cam-2"), "'cam-1', 'cam-2'")]
)
def test_the_cn_is_the_devices_id_and_nothing_else(names: tuple[str, ...], found: str) -> None:
    with pytest.raises(BadRequest, match=f"The request's CN is {found}: make the request with `-subj /CN=cam-1`"):
        read_request(request(ec.generate_private_key(ec.SECP256R1()), *names), "cam-1")


def test_a_request_that_its_key_did_not_sign_is_refused() -> None:
    forged = good_der()[:-4] + bytes(4)
    with pytest.raises(BadRequest, match="signature does not match"):
        read_request(forged, "cam-1")


def test_an_oversized_request_is_refused() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    with pytest.raises(BadRequest, match="larger than 16384 bytes"):
        read_request(request(key, "cam-1", padding=MAX_REQUEST), "cam-1")


@pytest.mark.parametrize("content", [b"", b"rubbish", b"-----BEGIN CERTIFICATE REQUEST-----\n%%\n-----END"])
def test_rubbish_is_refused(content: bytes) -> None:
    with pytest.raises(BadRequest, match="not a certificate signing request in PEM or DER"):
        read_request(content, "cam-1")


@given(st.binary(max_size=2000))
@example(b"-----BEGIN")
def test_no_bytes_do_anything_but_be_refused(content: bytes) -> None:
    with pytest.raises(BadRequest):
        read_request(content, "cam-1")


@given(place=st.integers(0, 10_000), value=st.integers(0, 255))
def test_a_damaged_request_is_refused_or_still_proves_the_same_key(place: int, value: int) -> None:
    good = good_der()
    damaged = bytearray(good)
    damaged[place % len(good)] = value
    try:
        key = read_request(bytes(damaged), "cam-1")
    except BadRequest:
        return
    assert key == read_request(good, "cam-1")


@given(length=st.integers(0, 10_000))
def test_a_request_cut_short_is_refused(length: int) -> None:
    with pytest.raises(BadRequest):
        read_request(good_der()[: length % len(good_der())], "cam-1")


def test_a_request_states_an_id_and_perhaps_serial_numbers() -> None:
    names = [x509.NameAttribute(NameOID.COMMON_NAME, "cam-1")]
    names += [x509.NameAttribute(NameOID.SERIAL_NUMBER, serial) for serial in ("DS1", "DS2")]
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(names))
    content = builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256()).public_bytes(Encoding.PEM)
    assert read_stated(content) == Stated("cam-1", ("DS1", "DS2"))
    assert read_stated(good_der()) == Stated("cam-1", ())


@pytest.mark.parametrize(("names", "count"), [((), 0), (("cam-1", "cam-2"), 2)])
def test_a_request_states_one_id(names: tuple[str, ...], count: int) -> None:
    with pytest.raises(BadRequest, match=f"has {count} CNs"):
        read_stated(request(ec.generate_private_key(ec.SECP256R1()), *names))


@given(place=st.integers(0, 10_000), value=st.integers(0, 255))
def test_a_damaged_request_is_refused_or_states_something(place: int, value: int) -> None:
    damaged = bytearray(good_der())
    damaged[place % len(damaged)] = value
    try:
        stated = read_stated(bytes(damaged))
    except BadRequest:
        return
    assert isinstance(stated, Stated)


def test_a_cn_of_a_type_that_no_name_has_is_refused() -> None:
    """Found by mutation: a CN tagged as a BIT STRING."""
    odd = good_der().replace(b"\x06\x03\x55\x04\x03\x0c", b"\x06\x03\x55\x04\x03\x03")
    with pytest.raises(BadRequest):
        read_stated(odd)
