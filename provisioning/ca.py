"""The certificate authority in its folder (mode 0700, every file 0600).

root.key      may be moved offline: it is needed only to make another issuing CA
root.pem      20 years, path length 1
issuing.key   signs devices and services
issuing.pem   10 years, path length 0
chain.pem     issuing and root: what brokers, the hub and devices trust
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Self

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from provisioning.certificates import (
    LeafKey,
    Signer,
    make_issuing,
    make_root,
    new_key,
    private_pem,
    sign_device,
    sign_service,
)
from provisioning.clock import utc
from provisioning.errors import AlreadyExists, AuthorityProblem, InvalidIdentity, StorageProblem
from provisioning.files import sync_folder, write_atomically
from provisioning.identity import check_device_id, check_service_name
from provisioning.issued import Issued, IssuedWithKey

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from provisioning.clock import Clock


class Authority:
    """The issuing CA, ready to sign; `create` or `load` make one.

    Certificates begin five minutes back, end with the issuing CA at the latest, and have random serial numbers
    of 159 bits.
    """

    def __init__(self, issuing: Signer, root: x509.Certificate, clock: Clock) -> None:
        self._issuing = issuing
        self._root = root
        self._clock = clock

    @classmethod
    def create(cls, folder: Path, *, clock: Clock) -> Self:
        """Make a new authority in a folder that does not exist or is empty; all of it or nothing.

        Raises:
            AlreadyExists: there is something in the folder.
            StorageProblem: the folder cannot be made.
        """
        now = utc(clock())
        root = make_root(now)
        issuing = make_issuing(root, now)
        issuing_pem, root_pem = _pem(issuing.certificate), _pem(root.certificate)
        files = {
            "root.key": private_pem(root.key),
            "root.pem": root_pem,
            "issuing.key": private_pem(issuing.key),
            "issuing.pem": issuing_pem,
            "chain.pem": issuing_pem + root_pem,
        }
        _create_folder(folder, files)
        return cls(issuing, root.certificate, clock)

    @classmethod
    def load(cls, folder: Path, *, clock: Clock) -> Self:
        """Load an authority that `create` made; the root's key is not needed.

        Raises:
            AuthorityProblem: a file is missing, damaged, readable by others, or does not belong to the others.
        """
        root, issuing = _read_certificate(folder / "root.pem"), _read_certificate(folder / "issuing.pem")
        key = _read_key(folder / "issuing.key")
        if key.public_key() != issuing.public_key():
            raise AuthorityProblem(f"{folder}/issuing.key is not the key of issuing.pem: restore both from one backup.")
        try:
            issuing.verify_directly_issued_by(root)
        except (InvalidSignature, TypeError, ValueError) as error:
            raise AuthorityProblem(
                f"{folder}/issuing.pem was not signed by root.pem: restore both from one backup."
            ) from error
        return cls(Signer(issuing, key), root, clock)

    def issue_device(self, public_key: LeafKey, device_id: str, days: int = 365) -> x509.Certificate:
        """Sign a certificate that lets a device connect, for `days` from now.

        Raises:
            InvalidIdentity: not a device id.
            AuthorityProblem: the issuing CA is not valid now.
        """
        check_device_id(device_id)
        return sign_device(self._issuing, public_key, device_id, self._now(), days)

    def issue_service(
        self, name: str, *, dns: Sequence[str] = (), ips: Sequence[str] = (), days: int = 365
    ) -> IssuedWithKey:
        """Make a key and certificate for a service: a client, and a server under these DNS names and IP addresses.

        Raises:
            InvalidIdentity: not a service name, DNS name or IP address.
            AuthorityProblem: the issuing CA is not valid now.
        """
        check_service_name(name)
        key = new_key()
        try:
            certificate = sign_service(self._issuing, key.public_key(), name, self._now(), days, dns=dns, ips=ips)
        except ValueError as error:
            raise InvalidIdentity(
                f"The service {name!r} cannot be served as {[*dns, *ips]}: {error}. Use plain DNS names and addresses."
            ) from error
        return self.with_key(certificate, private_pem(key))

    def with_chain(self, certificate: x509.Certificate) -> Issued:
        """Put a certificate of this authority together with those that vouch for it."""
        return Issued(_pem(certificate), _pem(self._issuing.certificate), _pem(self._root))

    def with_key(self, certificate: x509.Certificate, key_pem: bytes) -> IssuedWithKey:
        """Put a certificate of this authority together with its chain and its private key."""
        chained = self.with_chain(certificate)
        return IssuedWithKey(chained.cert_pem, chained.issuing_pem, chained.root_pem, key_pem)

    def _now(self) -> datetime:
        now, issuing = utc(self._clock()), self._issuing.certificate
        if not issuing.not_valid_before_utc <= now < issuing.not_valid_after_utc:
            raise AuthorityProblem(
                f"The issuing CA is valid from {issuing.not_valid_before_utc:%Y-%m-%d} to "
                f"{issuing.not_valid_after_utc:%Y-%m-%d}, and it is {now:%Y-%m-%d}: check this machine's clock."
            )
        return now


def _create_folder(folder: Path, files: dict[str, bytes]) -> None:
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


def _read_certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(_read(path))
    except (ValueError, x509.InvalidVersion) as error:
        raise AuthorityProblem(f"{path} is not a certificate: restore the folder from a backup.") from error


def _read_key(path: Path) -> ec.EllipticCurvePrivateKey:
    content = _read(path)
    if path.stat().st_mode & 0o077:
        raise AuthorityProblem(f"{path} may be read by others: chmod 600 it, and find out who could read it.")
    try:
        key = load_pem_private_key(content, password=None)
    except (ValueError, TypeError) as error:
        raise AuthorityProblem(f"{path} is not a private key: restore the folder from a backup.") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise AuthorityProblem(f"{path} is not an elliptic-curve key: restore the folder from a backup.")
    return key


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise AuthorityProblem(
            f"{path} cannot be read: {error.strerror}. Create the authority first, or check the folder and its owner."
        ) from error


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)
