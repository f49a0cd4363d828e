"""The folder of a certificate authority (mode 0700, every file 0600).

root.key                 may be moved offline: it is needed only to make another issuing CA
root.pem                 20 years, path length 1
issuing.key              signs devices and services
issuing.pem              10 years, path length 0; to replace this file is what makes another CA sign
chain.pem                every issuing CA and the root: what brokers, the hub and devices trust
previous/<key id>.key    an earlier issuing CA, which still signs the list of what it issued and was revoked
previous/<key id>.pem

Each file is replaced as a whole, in an order that leaves a working folder wherever a crash falls.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding

from provisioning.certificates import Signer, key_id
from provisioning.errors import AlreadyExists, AuthorityProblem, StorageProblem
from provisioning.files import sync_folder, write_atomically
from provisioning.keystore import key_pem, read_file, read_key

if TYPE_CHECKING:
    from collections.abc import Iterable

_ROOT_KEY: Final = "root.key"
_ISSUING_KEY: Final = "issuing.key"
_NEXT_KEY: Final = "next.key"  # between the two steps of a replacement
_PREVIOUS: Final = "previous"


@dataclass(frozen=True, slots=True)
class Contents:
    """What the folder holds; `signers` begins with the CA that signs now, followed by the earlier ones."""

    root: x509.Certificate
    signers: tuple[Signer, ...]


def create_folder(folder: Path, root: Signer, issuing: Signer, passphrase: bytes | None) -> None:
    """Fill a folder that does not exist or is empty; all of it or nothing.

    Raises:
        AlreadyExists: there is something in the folder.
        StorageProblem: the folder cannot be made.
    """
    files = {
        _ROOT_KEY: key_pem(root.key, passphrase),
        "root.pem": pem(root.certificate),
        _ISSUING_KEY: key_pem(issuing.key, passphrase),
        "issuing.pem": pem(issuing.certificate),
        "chain.pem": pem(issuing.certificate, root.certificate),
    }
    _create_filled(folder, files)


def read_folder(folder: Path, passphrase: bytes | None) -> Contents:
    """Read all but the root's key.

    Raises:
        AuthorityProblem: a file is missing, damaged, readable by others, or does not belong to the others.
    """
    root, issuing = _read_certificate(folder / "root.pem"), _read_issuing(folder, passphrase)
    _check_issued_by(root, issuing, folder / "issuing.pem")
    paths = sorted((folder / _PREVIOUS).glob("*.pem"))
    previous = [_read_signer(path, passphrase) for path in paths]
    for signer, path in zip(previous, paths, strict=True):
        _check_issued_by(root, signer, path)
    earlier = (signer for signer in previous if signer.certificate != issuing.certificate)
    return Contents(root, (issuing, *sorted(earlier, key=_age)))


def stamp(folder: Path) -> tuple[tuple[int, int], ...]:
    """Return what changes whenever another process replaces or drops an issuing CA."""
    paths = (folder / "issuing.pem", folder / _PREVIOUS)
    return tuple((path.stat().st_ino, path.stat().st_mtime_ns) for path in paths if path.exists())


def replace_issuing(folder: Path, contents: Contents, new: Signer, passphrase: bytes | None) -> None:
    """Let another issuing CA sign, and keep the one that did among the previous.

    Raises:
        StorageProblem: a file cannot be written.
    """
    old, *earlier = contents.signers
    _write_previous(folder, old, passphrase)
    write_atomically(folder / _NEXT_KEY, key_pem(new.key, passphrase))
    _write_chain(folder, [new, old, *earlier], contents.root)  # trusted first, then used
    write_atomically(folder / "issuing.pem", pem(new.certificate))
    _rename(folder / _NEXT_KEY, folder / _ISSUING_KEY)


def drop_previous(folder: Path, contents: Contents, name: str) -> None:
    """Remove the earlier issuing CA with this key id for good.

    Raises:
        StorageProblem: a file cannot be written or removed.
    """
    _write_chain(folder, [one for one in contents.signers if key_id(one.certificate) != name], contents.root)
    for suffix in ("pem", "key"):  # the certificate first: it is what makes the pair known
        remove(folder / _PREVIOUS / f"{name}.{suffix}")


def encrypt_keys(folder: Path, passphrase: bytes | None, new: bytes) -> None:
    """Encrypt every key of the folder anew.

    After a crash some keys open with the old passphrase and some with the new one: run it again, a key that opens
    with the new one is left as it is.

    Raises:
        AuthorityProblem: a key opens with neither passphrase.
        StorageProblem: a file cannot be written.
    """
    for path in sorted([*folder.glob("*.key"), *(folder / _PREVIOUS).glob("*.key")]):
        try:
            key = read_key(path, passphrase)
        except AuthorityProblem:
            key = read_key(path, new)
        write_atomically(path, key_pem(key, new))


def read_root(folder: Path, path: Path | None, passphrase: bytes | None) -> Signer:
    """Return the root, ready to sign, with the key in `path`; None means the folder's own.

    Raises:
        AuthorityProblem: the key is not there, cannot be read, or is not this root's.
    """
    path = path or folder / _ROOT_KEY
    if not path.exists():
        raise AuthorityProblem(f"{path} is not there: the root's key is kept offline, name the file that holds it.")
    root = Signer(_read_certificate(folder / "root.pem"), read_key(path, passphrase))
    _check_pair(root, path, "root.pem")
    return root


def write_root_key(folder: Path, root: Signer, passphrase: bytes | None) -> None:
    """Put the root's key back into the folder; raises StorageProblem when it cannot be written."""
    write_atomically(folder / _ROOT_KEY, key_pem(root.key, passphrase))


def remove_root_key(folder: Path) -> None:
    """Remove the root's key from the folder; raises StorageProblem when it cannot be removed."""
    remove(folder / _ROOT_KEY)


def pem(*certificates: x509.Certificate) -> bytes:
    """Write certificates as PEM, one after the other."""
    return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in certificates)


def remove(path: Path) -> None:
    """Remove a file for good, if it is there; raises StorageProblem when it cannot be removed."""
    try:
        path.unlink(missing_ok=True)
        sync_folder(path.parent)
    except OSError as error:
        raise StorageProblem(f"{path} cannot be removed: {error.strerror}. Check the folder and its owner.") from error


def _create_filled(folder: Path, files: dict[str, bytes]) -> None:
    """Fill a folder beside the wanted one, then move it into place: a crash leaves no half an authority."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        if folder.exists() and any(folder.iterdir()):
            raise AlreadyExists(f"{folder} already holds files: load that authority, or choose another folder.")
        temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    except OSError as error:
        raise StorageProblem(f"{folder} cannot be made: {error.strerror}. Check the folder above it.") from error
    try:
        for name, content in files.items():
            write_atomically(temporary / name, content)
        temporary.rename(folder)
        sync_folder(folder.parent)
    except OSError as error:
        raise StorageProblem(f"{folder} cannot be made: {error.strerror}. Check the folder above it.") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _read_issuing(folder: Path, passphrase: bytes | None) -> Signer:
    """Read the CA that signs; its key may still be the next one when a replacement was interrupted."""
    # The first once more at the end: another process may just be finishing a replacement.
    paths = [folder / name for name in (_ISSUING_KEY, _NEXT_KEY, _ISSUING_KEY)]
    for path in paths:
        if path.exists() or path is paths[0]:
            signer = Signer(_read_certificate(folder / "issuing.pem"), read_key(path, passphrase))
            if _is_pair(signer):
                return signer
    raise _mismatched(paths[0], "issuing.pem")


def _read_signer(path: Path, passphrase: bytes | None) -> Signer:
    signer = Signer(_read_certificate(path), read_key(path.with_suffix(".key"), passphrase))
    _check_pair(signer, path.with_suffix(".key"), path.name)
    return signer


def _write_previous(folder: Path, signer: Signer, passphrase: bytes | None) -> None:
    name = key_id(signer.certificate)
    try:
        (folder / _PREVIOUS).mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise StorageProblem(f"{folder / _PREVIOUS} cannot be made: {error.strerror}. Check its owner.") from error
    write_atomically(folder / _PREVIOUS / f"{name}.key", key_pem(signer.key, passphrase))
    write_atomically(folder / _PREVIOUS / f"{name}.pem", pem(signer.certificate))


def _write_chain(folder: Path, signers: Iterable[Signer], root: x509.Certificate) -> None:
    write_atomically(folder / "chain.pem", pem(*(signer.certificate for signer in signers), root))


def _rename(source: Path, target: Path) -> None:
    try:
        source.replace(target)
        sync_folder(target.parent)
    except OSError as error:
        raise StorageProblem(f"{target} cannot be written: {error.strerror}. Check the folder's owner.") from error


def _check_pair(signer: Signer, key: Path, certificate: str) -> None:
    if not _is_pair(signer):
        raise _mismatched(key, certificate)


def _mismatched(key: Path, certificate: str) -> AuthorityProblem:
    return AuthorityProblem(f"{key} is not the key of {certificate}: restore both from one backup.")


def _is_pair(signer: Signer) -> bool:
    return signer.key.public_key() == signer.certificate.public_key()


def _check_issued_by(root: x509.Certificate, signer: Signer, path: Path) -> None:
    try:
        signer.certificate.verify_directly_issued_by(root)
    except (InvalidSignature, TypeError, ValueError) as error:
        raise AuthorityProblem(f"{path} was not signed by root.pem: restore both from one backup.") from error


def _read_certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(read_file(path))
    except (ValueError, x509.InvalidVersion) as error:
        raise AuthorityProblem(f"{path} is not a certificate: restore the folder from a backup.") from error


def _age(signer: Signer) -> float:
    return -signer.certificate.not_valid_before_utc.timestamp()
