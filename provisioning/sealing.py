"""Sealing a secret so that it takes an issuing CA's private key to open it again.

AES-256-GCM under a key that HKDF-SHA256 (RFC 5869) derives from the CA's: whoever can sign can open, and nobody else.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

if TYPE_CHECKING:
    from provisioning.certificates import Signer

_NONCE: Final = 12  # bytes, NIST SP 800-38D section 8.2


def seal(signer: Signer, secret: bytes, purpose: bytes) -> bytes:
    """Encrypt a secret; it opens only for the same purpose."""
    nonce = os.urandom(_NONCE)
    return nonce + _cipher(signer).encrypt(nonce, secret, purpose)


def unseal(signer: Signer, sealed: bytes, purpose: bytes) -> bytes | None:
    """Decrypt what `seal` made; None when it was altered, or sealed by another CA or for another purpose."""
    try:
        return _cipher(signer).decrypt(sealed[:_NONCE], sealed[_NONCE:], purpose)
    except (InvalidTag, ValueError):  # ValueError: cut short
        return None


def _cipher(signer: Signer) -> AESGCM:
    key = signer.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return AESGCM(HKDF(SHA256(), length=32, salt=None, info=b"cityhub sealing").derive(key))
