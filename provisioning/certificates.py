"""The X.509 certificates of the house (RFC 5280): a root, an issuing CA under it, and leaves. No files, no clock."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from provisioning.certificate_rules import KeyKind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

LeafKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey
"""The kinds of public key that a device or service may have."""
PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

CANARY = "canary.cityhub"
"""CN of the certificate that is revoked for good: whoever lets it in does not enforce the list."""

_ROOT_DAYS = 20 * 365
_ISSUING_DAYS = 10 * 365
_RSA_BITS = 2048  # what devices without elliptic curves can take, and NIST SP 800-57 allows until 2030
_BACKDATED = timedelta(minutes=5)  # clocks of devices are off: a new certificate must not look as if from the future


@dataclass(frozen=True, slots=True)
class Signer:
    """A CA's certificate with its private key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey = field(repr=False)


def new_key() -> ec.EllipticCurvePrivateKey:
    """Make a P-256 key."""
    return ec.generate_private_key(ec.SECP256R1())


def new_device_key(kind: KeyKind) -> PrivateKey:
    """Make a key for a device; RSA takes a good part of a second."""
    if kind is KeyKind.EC:
        return new_key()
    return rsa.generate_private_key(public_exponent=65537, key_size=_RSA_BITS)


def private_pem(key: PrivateKey) -> bytes:
    """Write a private key as PEM (PKCS #8, not encrypted)."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def key_fingerprint(key: LeafKey) -> str:
    """Return the SHA-256 of a key's SubjectPublicKeyInfo (DER), hexadecimal."""
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def key_kind(key: LeafKey) -> str:
    """Return a key's kind and size, e.g. `EC-256` or `RSA-2048`."""
    return f"{'RSA' if isinstance(key, rsa.RSAPublicKey) else 'EC'}-{key.key_size}"


def key_id(authority: x509.Certificate) -> str:
    """Return the subject key identifier of a CA, hexadecimal: what tells it from the CAs before and after it."""
    return authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest.hex()


def issuer_id(certificate: x509.Certificate) -> str:
    """Return the `key_id` of the CA that signed a certificate of the house."""
    named = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    return (named or b"").hex()


def make_root(now: datetime) -> Signer:
    """Make a root CA that may sign issuing CAs; valid 20 years."""
    key, subject = new_key(), _ca_name("Root")
    builder = _unsigned(subject, key.public_key(), subject, now, now + timedelta(days=_ROOT_DAYS))
    return Signer(_as_ca(builder, path_length=1).sign(key, hashes.SHA256()), key)


def make_issuing(root: Signer, now: datetime) -> Signer:
    """Make an issuing CA under `root` that may sign leaves only; valid 10 years."""
    key, end = new_key(), now + timedelta(days=_ISSUING_DAYS)
    builder = _unsigned(_ca_name("Issuing"), key.public_key(), root.certificate.subject, now, end)
    return Signer(_sign(_as_ca(builder, path_length=0), root), key)


def sign_device(issuer: Signer, key: LeafKey, device_id: str, now: datetime, days: int) -> x509.Certificate:
    """Sign a device's certificate: a client, never a server."""
    usages = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
    return _sign(_leaf(issuer, key, device_id, now, days).add_extension(usages, critical=False), issuer)


def sign_service(  # noqa: PLR0913 - the two lists are what makes it a service
    issuer: Signer, key: LeafKey, name: str, now: datetime, days: int, *, dns: Sequence[str], ips: Sequence[str]
) -> x509.Certificate:
    """Sign a service's certificate: a server under the DNS names and IP addresses given, and a client.

    Raises:
        ValueError: a name or address is none.
    """
    usages = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    builder = _leaf(issuer, key, name, now, days).add_extension(usages, critical=False)
    names = [*map(x509.DNSName, dns), *(x509.IPAddress(ip_address(ip)) for ip in ips)]
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return _sign(builder, issuer)


def sign_canary(issuer: Signer, key: LeafKey, now: datetime, serial: int) -> x509.Certificate:
    """Sign the canary's certificate: a client, for as long as its issuer lives."""
    usages = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
    builder = _leaf(issuer, key, CANARY, now, _ISSUING_DAYS, serial)
    return _sign(builder.add_extension(usages, critical=False), issuer)


def _leaf(  # noqa: PLR0913, PLR0917 - what a leaf is made of
    issuer: Signer, key: LeafKey, name: str, now: datetime, days: int, serial: int | None = None
) -> x509.CertificateBuilder:
    end = min(now + timedelta(days=days), issuer.certificate.not_valid_after_utc)
    builder = _unsigned(_common_name(name), key, issuer.certificate.subject, now, end, serial)
    usage = _key_usage(digital_signature=True, key_encipherment=isinstance(key, rsa.RSAPublicKey))
    return builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True).add_extension(
        usage, critical=True
    )


def _unsigned(  # noqa: PLR0913, PLR0917 - what a certificate is made of
    subject: x509.Name, key: LeafKey, issuer: x509.Name, now: datetime, end: datetime, serial: int | None = None
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _as_ca(builder: x509.CertificateBuilder, path_length: int) -> x509.CertificateBuilder:
    return builder.add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True).add_extension(
        _key_usage(key_cert_sign=True, crl_sign=True, digital_signature=True), critical=True
    )


def _sign(builder: x509.CertificateBuilder, issuer: Signer) -> x509.Certificate:
    identifier = issuer.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    authority = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)
    return builder.add_extension(authority, critical=False).sign(issuer.key, hashes.SHA256())


def _key_usage(
    *,
    digital_signature: bool = False,
    key_encipherment: bool = False,
    key_cert_sign: bool = False,
    crl_sign: bool = False,
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=key_encipherment,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )


def _ca_name(role: str) -> x509.Name:
    # The random part keeps an old and a new CA apart in a trust store that holds both.
    return _common_name(f"Cityhub {role} CA {secrets.token_hex(4)}")


def _common_name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
