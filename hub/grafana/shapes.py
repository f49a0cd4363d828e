"""The shapes of Grafana's answers that the hub relies on; everything else in them is Grafana's own business."""

from __future__ import annotations

from typing import Any, Final, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from hub.grafana.errors import Refused

Json = dict[str, Any]
_Shape = TypeVar("_Shape")


class Meta(BaseModel):
    """What Grafana says of a dashboard."""

    provisioned: bool = False
    folderUid: str = ""  # noqa: N815 - Grafana's own word


class Dashboard(BaseModel):
    """A dashboard and what Grafana says of it."""

    dashboard: Json
    meta: Meta


class Version(BaseModel):
    """One of a dashboard's versions."""

    message: str = ""
    createdBy: str = ""  # noqa: N815 - Grafana's own word
    created: str = ""


class Versions(BaseModel):
    """A dashboard's versions, the newest first."""

    versions: list[Version]


class Annotation(BaseModel):
    """An annotation; times in milliseconds since 1970."""

    id: int
    timeEnd: int = 0  # noqa: N815 - Grafana's own word
    text: str = ""
    tags: list[str] = []


class Made(BaseModel):
    """What was made, by its number."""

    id: int


class Account(BaseModel):
    """A service account."""

    id: int
    name: str


class Accounts(BaseModel):
    """What a search for service accounts found."""

    serviceAccounts: list[Account]  # noqa: N815 - Grafana's own word


class Key(BaseModel):
    """A new token, told once."""

    key: str


class Named(BaseModel):
    """Something with a name."""

    name: str


class Health(BaseModel):
    """Who is there: only a Grafana tells both."""

    database: str
    version: str


OBJECT: Final = TypeAdapter(Json)
OBJECTS: Final = TypeAdapter(list[Json])
COUNTS: Final = TypeAdapter(dict[str, int])
DASHBOARD: Final = TypeAdapter(Dashboard)
VERSIONS: Final = TypeAdapter(Versions)
ANNOTATIONS: Final = TypeAdapter(list[Annotation])
MADE: Final = TypeAdapter(Made)
ACCOUNTS: Final = TypeAdapter(Accounts)
KEY: Final = TypeAdapter(Key)
NAMES: Final = TypeAdapter(list[Named])
HEALTH: Final = TypeAdapter(Health)


def read(shape: TypeAdapter[_Shape], answer: object) -> _Shape:
    """Return an answer in its shape.

    Raises:
        Refused: it has another; quotes none of it, for it may hold a secret.
    """
    try:
        return shape.validate_python(answer)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise Refused(
            f"Grafana's answer is not one that this hub knows ({place}: {first['msg']}); it needs 11 to 13"
        ) from None
