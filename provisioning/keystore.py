"""Private keys of the authority on disk: PKCS #8 PEM, mode 0600, encrypted where there is a passphrase.

The passphrase comes from a file that CITYHUB_CA_PASSPHRASE_FILE names, or else from systemd's credential
`ca-passphrase` (`LoadCredential=` or `LoadCredentialEncrypted=`, systemd.exec(5)): never from an argument or a
variable, which other processes can read.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from provisioning.certificates import private_pem
from provisioning.errors import AuthorityProblem

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE: Final = "CITYHUB_CA_PASSPHRASE_FILE"
_CREDENTIALS: Final = "CREDENTIALS_DIRECTORY"
_CREDENTIAL: Final = "ca-passphrase"
_SHORTEST: Final = 16  # whoever steals the files may try for years; `openssl rand -base64 32` makes a good one


def find_passphrase(environment: Mapping[str, str]) -> bytes | None:
    """Return the passphrase of the authority's keys; None when none is set up.

    Raises:
        AuthorityProblem: it is named but cannot be read, is empty, or may be read by others.
    """
    if named := environment.get(VARIABLE):
        return read_passphrase(Path(named))
    # systemd guards its folder itself, where needed by access lists that a file's mode shows as a group's.
    if (folder := environment.get(_CREDENTIALS)) and (credential := Path(folder) / _CREDENTIAL).exists():
        return _read_passphrase(credential)
    return None


def read_passphrase(path: Path) -> bytes:
    """Read a passphrase from a file of its own, without the end of its line.

    Raises:
        AuthorityProblem: it cannot be read, is empty, or may be read by others.
    """
    check_private(path)
    return _read_passphrase(path)


def check_passphrase(passphrase: bytes) -> None:
    """Check that a passphrase may guard keys from now on; raises AuthorityProblem."""
    if len(passphrase) < _SHORTEST:
        raise AuthorityProblem(
            f"The passphrase is shorter than {_SHORTEST} bytes: make one with `openssl rand -base64 32`."
        )


def key_pem(key: ec.EllipticCurvePrivateKey, passphrase: bytes | None) -> bytes:
    """Write a private key as PEM (PKCS #8), encrypted when there is a passphrase."""
    if passphrase is None:
        return private_pem(key)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(passphrase))


def read_key(path: Path, passphrase: bytes | None) -> ec.EllipticCurvePrivateKey:
    """Read a private key, encrypted or not.

    Raises:
        AuthorityProblem: it is missing, damaged, of another kind, readable by others, or the passphrase is not its.
    """
    content = read_file(path)
    check_private(path)
    encrypted = b"-----BEGIN ENCRYPTED" in content
    if encrypted and passphrase is None:
        raise AuthorityProblem(f"{path} is encrypted: name the file that holds its passphrase in {VARIABLE}.")
    try:
        key = load_pem_private_key(content, passphrase if encrypted else None)
    except (ValueError, TypeError) as error:
        raise AuthorityProblem(_unreadable(path, encrypted=encrypted)) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise AuthorityProblem(f"{path} is not an elliptic-curve key: restore the folder from a backup.")
    return key


def check_private(path: Path) -> None:
    """Check that a file is its owner's alone; raises AuthorityProblem."""
    if path.exists() and path.stat().st_mode & 0o077:
        raise AuthorityProblem(f"{path} may be read by others: chmod 600 it, and find out who could read it.")


def read_file(path: Path) -> bytes:
    """Read a file of the authority; raises AuthorityProblem when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise AuthorityProblem(
            f"{path} cannot be read: {error.strerror}. Create the authority first, or check the folder and its owner."
        ) from error


def _unreadable(path: Path, *, encrypted: bool) -> str:
    if encrypted:
        return f"{path} is not opened by the passphrase: find the one it was encrypted with, or restore a backup."
    return f"{path} is not a private key: restore the folder from a backup."


def _read_passphrase(path: Path) -> bytes:
    try:
        passphrase = path.read_bytes().rstrip(b"\r\n")
    except OSError as error:
        raise AuthorityProblem(
            f"The passphrase in {path} cannot be read: {error.strerror}. Check {VARIABLE} and the owner."
        ) from error
    if not passphrase:
        raise AuthorityProblem(f"{path} is empty: write the passphrase of the authority's keys into it.")
    return passphrase
