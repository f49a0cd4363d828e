"""The life of the authority itself: another issuing CA, the root's key offline, keys encrypted.

After `rotate` the new issuing CA signs, and the earlier one is trusted still: devices come over as they renew. Once
none depends on it, `drop` ends it: with no list of its own any more, whatever it issued is refused by those who check
lists. `drop` is also the answer to a stolen issuing key, after a rotation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from sqlalchemy import func, select

from provisioning import audit, feed
from provisioning.ca_folder import (
    drop_previous,
    encrypt_keys,
    read_folder,
    read_root,
    remove_root_key,
    replace_issuing,
    write_root_key,
)
from provisioning.certificates import key_id, make_issuing
from provisioning.clock import utc
from provisioning.database import writing
from provisioning.errors import AlreadyExists, AuthorityProblem, StillInUse, Unknown
from provisioning.files import write_atomically
from provisioning.keystore import check_passphrase, key_pem
from provisioning.tables import certificate

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection, Engine

    from provisioning.audit import Actor, Detail
    from provisioning.clock import Clock


class Rotation:
    """Changes the authority in its folder; each change is recorded as the actor's.

    Authorities that are loaded follow at their next use, but for a new passphrase, which they have to be given. All
    methods raise AuthorityProblem when a file of the authority cannot be read, and StorageProblem when one cannot be
    written, or the database not be used.
    """

    def __init__(
        self, engine: Engine, folder: Path, clock: Clock, passphrase: bytes | None = None, actor: Actor = audit.SYSTEM
    ) -> None:
        self._engine = engine
        self._folder = folder
        self._clock = clock
        self._passphrase = passphrase
        self._actor = actor

    def acting(self, actor: Actor) -> Self:
        """Return the same, on behalf of another actor."""
        return type(self)(self._engine, self._folder, self._clock, self._passphrase, actor)

    def rotate(self, root_key: Path | None = None, root_passphrase: bytes | None = None) -> str:
        """Make another issuing CA, which signs from now on; returns its key id.

        Args:
            root_key: where the root's key is when it is kept offline; it is read and not copied.
            root_passphrase: that key's, when it is not the folder's.

        Raises:
            AuthorityProblem: the root's key is not there, or not this root's.
        """
        contents = read_folder(self._folder, self._passphrase)
        root = read_root(self._folder, root_key, root_passphrase or self._passphrase)
        new = make_issuing(root, utc(self._clock()))
        name = key_id(new.certificate)
        with writing(self._engine) as connection:
            self._record(connection, "authority.rotate", {"issuer": name})
            replace_issuing(self._folder, contents, new, self._passphrase)
        return name

    def drop(self, issuer: str, *, force: bool = False) -> None:
        """End an earlier issuing CA: its key is removed, and its certificates are refused from the next list on.

        Args:
            issuer: its key id.
            force: although devices depend on it.

        Raises:
            Unknown: there is no earlier issuing CA with this key id.
            StillInUse: devices hold certificates of it that are still good.
        """
        contents = read_folder(self._folder, self._passphrase)
        earlier = [key_id(signer.certificate) for signer in contents.signers[1:]]
        if issuer not in earlier:
            raise Unknown("earlier issuing CA", issuer, earlier)
        with writing(self._engine) as connection:
            depending = _count_good(connection, issuer, self._clock())
            if depending and not force:
                raise StillInUse(f"{depending} certificates of {issuer} are still good: wait until they are renewed.")
            self._record(connection, "authority.drop", {"issuer": issuer, "depending": depending})
            drop_previous(self._folder, contents, issuer)

    def export_root(self, target: Path) -> None:
        """Move the root's key out of the folder; it is removed only once the copy was read back.

        Raises:
            AuthorityProblem: there is no passphrase: a key on a stick must be encrypted.
            AlreadyExists: the target is there already.
        """
        if self._passphrase is None:
            raise AuthorityProblem("The root's key may leave only encrypted: run `cityhub ca encrypt` first.")
        if target.exists():
            raise AlreadyExists(f"{target} is there already, and may hold another root's key: name another file.")
        root = read_root(self._folder, None, self._passphrase)
        with writing(self._engine) as connection:
            self._record(connection, "authority.export", {"file": str(target)})
            write_atomically(target, key_pem(root.key, self._passphrase))
            read_root(self._folder, target, self._passphrase)
            remove_root_key(self._folder)

    def import_root(self, source: Path, passphrase: bytes | None = None) -> None:
        """Bring the root's key back into the folder; `passphrase` is that file's, when it is not the folder's."""
        root = read_root(self._folder, source, passphrase or self._passphrase)
        with writing(self._engine) as connection:
            self._record(connection, "authority.import", {"file": str(source)})
            write_root_key(self._folder, root, self._passphrase)

    def encrypt(self, passphrase: bytes) -> None:
        """Encrypt every key of the folder with another passphrase; backups made before keep the old one, or none.

        Raises:
            AuthorityProblem: the passphrase is too short, or a key opens with neither the old one nor this.
        """
        check_passphrase(passphrase)
        with writing(self._engine) as connection:
            self._record(connection, "authority.encrypt", {})
            encrypt_keys(self._folder, self._passphrase, passphrase)
        self._passphrase = passphrase

    def _record(self, connection: Connection, action: str, detail: Detail) -> None:
        feed.touch(connection, [])  # who makes lists must make them anew
        audit.record(connection, self._clock(), self._actor, action, "authority", detail)


def _count_good(connection: Connection, issuer: str, now_ns: int) -> int:
    good = (certificate.c.revoked_ns.is_(None), certificate.c.not_after_ns > now_ns)
    query = select(func.count()).where(certificate.c.issuer == issuer, *good)
    return connection.scalar(query) or 0
