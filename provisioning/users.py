"""Those who use the hub: who they are, what they are trusted with, and how they prove it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Final, Self, TypedDict, Unpack

from sqlalchemy import delete, func, insert, select, update

from provisioning import audit, tables
from provisioning.access import Access, Role
from provisioning.audit import Actor
from provisioning.database import reading, writing
from provisioning.errors import InvalidIdentity, NotAuthenticated
from provisioning.identity import check_name, check_slug
from provisioning.passwords import hash_password, is_password
from provisioning.statements import insert_rows, missing, replace_row
from provisioning.tokens import Token, TokenText
from provisioning.user_tables import token, user, user_agency

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, RowMapping

    from provisioning.audit import Detail
    from provisioning.clock import Clock
    from provisioning.statements import Row

_DAY_NS: Final = 86_400 * 10**9
_LONGEST_DAYS: Final = 3_650
_AGENCIES = (
    select(func.aggregate_strings(user_agency.c.agency, ","))
    .where(user_agency.c.user == user.c.id)
    .scalar_subquery()
    .label("agencies")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUser:
    """A user to be added.

    Attributes:
        role: what the user is trusted with.
        agencies: ids of the agencies that it holds for; None means the whole city.
        name: for people to read.
    """

    id: str
    role: Role
    agencies: frozenset[str] | None = None
    name: str = ""

    def check(self) -> None:
        """Raise InvalidIdentity when a field breaks its rule."""
        check_slug("user", self.id)
        check_name(self.name)
        if self.agencies is not None and not self.agencies:
            raise InvalidIdentity(f"The user {self.id!r} would be limited to no agency at all: name one, or disable.")


@dataclass(frozen=True, slots=True, kw_only=True)
class User(NewUser):
    """A user; times in nanoseconds UTC."""

    disabled: bool
    has_password: bool
    created_ns: int
    updated_ns: int


class UserChanges(TypedDict, total=False):
    """What may change about a user; see NewUser for the meaning."""

    role: Role
    agencies: frozenset[str] | None
    name: str
    disabled: bool


class Users:
    """The users in the registry's database, and the tokens that programs hold for them.

    Every change is recorded in the audit log as the actor's, in the same transaction; it takes effect at the next
    authentication. All methods raise StorageProblem when the database cannot be used.
    """

    def __init__(self, engine: Engine, clock: Clock, actor: Actor = audit.SYSTEM) -> None:
        self._engine = engine
        self._clock = clock
        self._actor = actor

    def acting(self, actor: Actor) -> Self:
        """Return the same users, on behalf of another actor."""
        return type(self)(self._engine, self._clock, actor)

    def add(self, new: NewUser) -> User:
        """Add a user, who cannot authenticate before a password is set or a token added.

        Raises:
            InvalidIdentity: a field breaks its rule.
            AlreadyExists: the id is taken.
            Unknown: an agency does not exist.
        """
        new.check()
        now = self._clock()
        with writing(self._engine) as connection:
            born = {"disabled": False, "created_ns": now, "updated_ns": now}
            insert_rows(connection, user, [_row(new) | born])
            _limit(connection, new)
            self._record(connection, "user.add", new.id, _stated(new))
            return _read_user(connection, new.id)

    def all(self) -> list[User]:
        """Return all users, in the order of their ids."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(user, _AGENCIES).order_by(user.c.id)).mappings()
            return [_user(row) for row in rows]

    def get(self, user_id: str) -> User:
        """Return one user; raises Unknown when there is none."""
        with reading(self._engine) as connection:
            return _read_user(connection, user_id)

    def update(self, user_id: str, **changes: Unpack[UserChanges]) -> User:
        """Change what is given and leave the rest; raises as `add` does, and Unknown for the user."""
        with writing(self._engine) as connection:
            before = _read_user(connection, user_id)
            changed = replace(before, **changes, updated_ns=self._clock())
            changed.check()
            stored = {"disabled": changed.disabled, "updated_ns": changed.updated_ns}
            replace_row(connection, user, _row(changed) | stored)
            connection.execute(delete(user_agency).where(user_agency.c.user == user_id))
            _limit(connection, changed)
            self._record(connection, "user.update", user_id, _difference(before, changed))
        return changed

    def set_password(self, user_id: str, password: str) -> None:
        """Set a user's password; raises WeakPassword, and Unknown for the user."""
        hashed = hash_password(password)
        with writing(self._engine) as connection:
            replace_row(connection, user, {"id": user_id, "password_hash": hashed, "updated_ns": self._clock()})
            self._record(connection, "user.password", user_id, {})

    def authenticate(self, user_id: str, password: str, origin: str) -> Access:
        """Return what whoever knows this password may do; takes about a tenth of a second.

        Args:
            user_id: who it claims to be.
            password: as it was typed.
            origin: from where, for the audit log, e.g. the client's address.

        Raises:
            NotAuthenticated: no such user, another password, or disabled; which of them is not told.
        """
        with reading(self._engine) as connection:
            row = _find(connection, user_id)
        known = is_password(row["password_hash"] if row else None, password)
        if row is None or row["disabled"] or not known:
            raise NotAuthenticated(
                "The user name or the password is wrong, or the user is disabled: try again, or ask an administrator."
            )
        return _access(_user(row), origin)

    def authenticate_token(self, text: str, origin: str) -> Access:
        """Return what whoever holds this token may do, which is what its user may; raises as `authenticate` does."""
        presented = TokenText.parse(text)
        with reading(self._engine) as connection:
            holder = _holder(connection, presented, self._clock()) if presented else None
        if holder is None:
            raise NotAuthenticated(
                "The token is unknown, expired or revoked, or its user is disabled: ask an administrator for a new one."
            )
        return _access(holder, origin)

    # Tokens

    def add_token(self, user_id: str, name: str = "", days: int = 365) -> TokenText:
        """Make a token that acts for a user; only its hash is kept, so this is the one time to see it.

        Args:
            user_id: whose rights it has.
            name: what it is for.
            days: how long it is valid, 1 to 3650.

        Raises:
            InvalidIdentity: the name or the days break their rule.
            Unknown: there is no such user.
        """
        check_name(name)
        if not 1 <= days <= _LONGEST_DAYS:
            raise InvalidIdentity(f"A token cannot be valid for {days} days: choose 1 to {_LONGEST_DAYS}.")
        made = TokenText.new()
        now = self._clock()
        about = Token(made.id, user_id, name, now, now + days * _DAY_NS)
        with writing(self._engine) as connection:
            insert_rows(connection, token, [asdict(about) | {"secret_hash": made.secret_hash()}])
            detail: Detail = {"token": about.id, "name": name, "expires_ns": about.expires_ns}
            self._record(connection, "token.add", user_id, detail)
        return made

    def tokens(self, user_id: str | None = None) -> list[Token]:
        """Return the tokens of a user, or of all, the latest first; revoked and expired ones too."""
        query = select(*(token.c[field.name] for field in fields(Token)))
        if user_id is not None:
            query = query.where(token.c.user == user_id)
        with reading(self._engine) as connection:
            rows = connection.execute(query.order_by(token.c.created_ns.desc(), token.c.id)).mappings()
            return [Token(**row) for row in rows]

    def revoke_token(self, token_id: str) -> None:
        """Revoke a token for good; once more changes nothing. Raises Unknown when there is none of that id."""
        with writing(self._engine) as connection:
            known = connection.execute(select(token).where(token.c.id == token_id)).one_or_none()
            if known is None:
                raise missing(connection, token, token_id)
            if known.revoked_ns is None:
                connection.execute(update(token).where(token.c.id == token_id).values(revoked_ns=self._clock()))
                self._record(connection, "token.revoke", known.user, {"token": token_id})

    def _record(self, connection: Connection, action: str, user_id: str, detail: Detail) -> None:
        audit.record(connection, self._clock(), self._actor, action, f"user/{user_id}", detail)


def _access(holder: User, origin: str) -> Access:
    return Access(Actor(holder.id, origin), holder.role, holder.agencies)


def _holder(connection: Connection, presented: TokenText, now_ns: int) -> User | None:
    """The user that a token acts for, unless one of them is not valid."""
    known = connection.execute(select(token).where(token.c.id == presented.id)).one_or_none()
    if known is None or not presented.matches(known.secret_hash):
        return None
    if known.revoked_ns is not None or known.expires_ns <= now_ns:
        return None
    holder = _read_user(connection, known.user)
    return None if holder.disabled else holder


def _find(connection: Connection, user_id: str) -> RowMapping | None:
    return connection.execute(select(user, _AGENCIES).where(user.c.id == user_id)).mappings().one_or_none()


def _read_user(connection: Connection, user_id: str) -> User:
    row = _find(connection, user_id)
    if row is None:
        raise missing(connection, user, user_id)
    return _user(row)


def _user(row: RowMapping) -> User:
    return User(
        id=row["id"],
        role=row["role"],
        agencies=None if row["every_agency"] else frozenset((row["agencies"] or "").split(",")) - {""},
        name=row["name"],
        disabled=row["disabled"],
        has_password=row["password_hash"] is not None,
        created_ns=row["created_ns"],
        updated_ns=row["updated_ns"],
    )


def _row(new: NewUser) -> Row:
    return {"id": new.id, "name": new.name, "role": new.role, "every_agency": new.agencies is None}


def _limit(connection: Connection, new: NewUser) -> None:
    if not new.agencies:
        return
    if lost := new.agencies - set(connection.scalars(select(tables.agency.c.id))):
        raise missing(connection, tables.agency, min(lost))
    connection.execute(insert(user_agency), [{"user": new.id, "agency": agency} for agency in sorted(new.agencies)])


def _stated(one: NewUser) -> dict[str, Any]:
    """What the audit log says of a user: not the name, for it forgets nothing."""
    return {"role": one.role.value, "agencies": None if one.agencies is None else sorted(one.agencies)}


def _difference(before: User, after: User) -> Detail:
    old, new = _stated(before) | {"disabled": before.disabled}, _stated(after) | {"disabled": after.disabled}
    return {field: [old[field], new[field]] for field in old if old[field] != new[field]}
