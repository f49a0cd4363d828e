"""The certificate authority: signs devices, services and the lists of what was revoked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from cryptography.hazmat.primitives.hashes import SHA256

from provisioning.ca_folder import Contents, create_folder, pem, read_folder, stamp
from provisioning.certificates import (
    LeafKey,
    Signer,
    issuer_id,
    key_id,
    make_issuing,
    make_root,
    new_key,
    private_pem,
    sign_canary,
    sign_device,
    sign_service,
)
from provisioning.clock import utc
from provisioning.crl import canary_serial, sign_list
from provisioning.errors import AuthorityProblem, InvalidIdentity
from provisioning.identity import check_device_id, check_service_name
from provisioning.issued import Issued, IssuedWithKey
from provisioning.sealing import seal, unseal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from cryptography import x509

    from provisioning.clock import Clock
    from provisioning.crl import Revoked


class Authority:
    """The issuing CA, ready to sign, with those that came before it; `create` or `load` make one.

    Certificates begin five minutes back, end with the issuing CA at the latest, and have random serial numbers
    of 159 bits. When another process replaces or drops an issuing CA, the next use follows; every method raises
    AuthorityProblem when the folder can then not be read.
    """

    def __init__(self, folder: Path, clock: Clock, passphrase: bytes | None) -> None:
        self._folder = folder
        self._clock = clock
        self._passphrase = passphrase
        self._stamp = stamp(folder)
        self._read = read_folder(folder, passphrase)

    @classmethod
    def create(cls, folder: Path, *, clock: Clock, passphrase: bytes | None = None) -> Self:
        """Make a new authority in a folder that does not exist or is empty; all of it or nothing.

        Args:
            folder: see provisioning/ca_folder.py.
            clock: nanoseconds UTC.
            passphrase: encrypts the keys; None leaves that to the disk.

        Raises:
            AlreadyExists: there is something in the folder.
            StorageProblem: the folder cannot be made.
        """
        now = utc(clock())
        root = make_root(now)
        create_folder(folder, root, make_issuing(root, now), passphrase)
        return cls(folder, clock, passphrase)

    @classmethod
    def load(cls, folder: Path, *, clock: Clock, passphrase: bytes | None = None) -> Self:
        """Load an authority that `create` made; the root's key is not needed.

        Raises:
            AuthorityProblem: a file is missing, damaged, readable by others, does not belong to the others, or is
                encrypted with another passphrase.
        """
        return cls(folder, clock, passphrase)

    @property
    def chain_pem(self) -> bytes:
        """What a TLS endpoint trusts: the issuing CA, the earlier ones, then the root."""
        contents = self._contents
        return pem(*(signer.certificate for signer in contents.signers), contents.root)

    @property
    def certificates(self) -> list[x509.Certificate]:
        """The issuing CA, the earlier ones, then the root."""
        contents = self._contents
        return [*(signer.certificate for signer in contents.signers), contents.root]

    def trusts(self, issuer: str | None) -> bool:
        """Whether the issuing CA with this key id, as a CertificateRecord names it, is still one of this authority's.

        None is the CA of certificates that were recorded before there could be another.
        """
        return issuer is None or any(key_id(signer.certificate) == issuer for signer in self._contents.signers)

    def issue_device(self, public_key: LeafKey, device_id: str, days: int = 365) -> x509.Certificate:
        """Sign a certificate that lets a device connect, for `days` from now.

        Raises:
            InvalidIdentity: not a device id.
            AuthorityProblem: the issuing CA is not valid now.
        """
        check_device_id(device_id)
        issuing, now = self._signing()
        return sign_device(issuing, public_key, device_id, now, days)

    def issue_service(
        self, name: str, *, dns: Sequence[str] = (), ips: Sequence[str] = (), days: int = 365
    ) -> IssuedWithKey:
        """Make a key and certificate for a service: a client, and a server under these DNS names and IP addresses.

        Raises:
            InvalidIdentity: not a service name, DNS name or IP address.
            AuthorityProblem: the issuing CA is not valid now.
        """
        check_service_name(name)
        key, (issuing, now) = new_key(), self._signing()
        try:
            certificate = sign_service(issuing, key.public_key(), name, now, days, dns=dns, ips=ips)
        except ValueError as error:
            raise InvalidIdentity(
                f"The service {name!r} cannot be served as {[*dns, *ips]}: {error}. Use plain DNS names and addresses."
            ) from error
        return self.with_key(certificate, private_pem(key))

    def issue_canary(self) -> IssuedWithKey:
        """Make a certificate that is on every list of its issuing CA from the start: a broker must refuse it.

        Raises:
            AuthorityProblem: the issuing CA is not valid now.
        """
        key, (issuing, now) = new_key(), self._signing()
        certificate = sign_canary(issuing, key.public_key(), now, canary_serial(issuing.certificate))
        return self.with_key(certificate, private_pem(key))

    def sign_lists(self, revoked: Mapping[str | None, Sequence[Revoked]], number: int) -> bytes:
        """Sign the lists of revoked certificates (CRL, RFC 5280), one an issuing CA that is valid now, as PEM.

        Args:
            revoked: the certificates by their issuer's key id; those under None are put on every list.
            number: the lists' CRL number, higher each time.

        Raises:
            AuthorityProblem: the issuing CA is not valid now.
        """
        _, now = self._signing()
        unnamed = revoked.get(None, ())
        valid = (signer for signer in self._contents.signers if _is_valid(signer.certificate, now))
        return b"".join(
            sign_list(signer, [*revoked.get(key_id(signer.certificate), ()), *unnamed], number, now) for signer in valid
        )

    def with_chain(self, certificate: x509.Certificate) -> Issued:
        """Put a certificate of this authority together with those that vouch for it."""
        contents = self._contents
        issuer, *others = sorted(
            (signer.certificate for signer in contents.signers), key=lambda one: one.subject != certificate.issuer
        )
        return Issued(pem(certificate), pem(issuer), pem(contents.root), others_pem=pem(*others))

    def with_key(self, certificate: x509.Certificate, key_pem: bytes) -> IssuedWithKey:
        """Put a certificate of this authority together with its chain and its private key."""
        chained = self.with_chain(certificate)
        return IssuedWithKey(
            chained.cert_pem, chained.issuing_pem, chained.root_pem, key_pem, others_pem=chained.others_pem
        )

    def seal(self, key_pem: bytes, certificate: x509.Certificate) -> bytes:
        """Encrypt the private key of a certificate of this authority, under its issuing CA's."""
        issuer = next(
            signer for signer in self._contents.signers if key_id(signer.certificate) == issuer_id(certificate)
        )
        return seal(issuer, key_pem, certificate.fingerprint(SHA256()))

    def unseal(self, sealed: bytes, certificate: x509.Certificate) -> bytes | None:
        """Decrypt what `seal` made of that certificate's key; None when it cannot be, as its CA was dropped."""
        for signer in self._contents.signers:
            if key_id(signer.certificate) == issuer_id(certificate):
                return unseal(signer, sealed, certificate.fingerprint(SHA256()))
        return None

    @property
    def _contents(self) -> Contents:
        if (now := stamp(self._folder)) != self._stamp:
            self._read = read_folder(self._folder, self._passphrase)
            self._stamp = now
        return self._read

    def _signing(self) -> tuple[Signer, datetime]:
        """The CA that signs, and the time."""
        now, signer = utc(self._clock()), self._contents.signers[0]
        if not _is_valid(signer.certificate, now):
            raise AuthorityProblem(
                f"The issuing CA is valid from {signer.certificate.not_valid_before_utc:%Y-%m-%d} to "
                f"{signer.certificate.not_valid_after_utc:%Y-%m-%d}, and it is {now:%Y-%m-%d}: "
                f"check this machine's clock, or replace the CA with `cityhub ca rotate`."
            )
        return signer, now


def _is_valid(certificate: x509.Certificate, now: datetime) -> bool:
    return certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc
