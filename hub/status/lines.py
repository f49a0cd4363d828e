"""What status writes, as line protocol: fixed fields, whose types never change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.decode.line import MAX_STRING, string_field, tag_set

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hub.status.incidents import Incident, Series
    from hub.status.presence import State
    from hub.status.wording import Contact

_MS = 1_000_000


def text_field(text: str) -> str:
    """Return any text as a string field: cut to what is allowed, without what cannot be printed."""
    plain = "".join(character if character.isprintable() else " " for character in text[:MAX_STRING])
    return string_field(plain) or '""'


def presence_line(  # noqa: PLR0913, PLR0917 - an argument a field
    tags: str,
    state: State,
    lifecycle: str,
    since_ns: int,
    seen_ns: int,
    health: tuple[int, str],
    now_ns: int,
) -> str:
    """Return the line of a device's presence; `tags` as the telemetry's, with `kind`."""
    word = state.word
    score, reasons = health
    return (
        f'presence{tags} state="{word}",online={int(word == "online")}i,lifecycle="{lifecycle}",'
        f"since_ms={since_ns // _MS}i,last_seen_ms={seen_ns // _MS}i,"
        f"health={score}i,reasons={text_field(reasons)} {now_ns}\n"
    )


def incident_line(incident: Incident, contact: Contact, now_ns: int) -> str:
    """Return the line of an incident as it is now."""
    return (
        f"incident{_incident_tags(incident, incident.series)} "
        f'state="{incident.state}",open={int(not incident.closed_ns)}i,text={text_field(incident.text)},'
        f"devices={len(incident.devices)}i,opened_ms={incident.opened_ns // _MS}i,"
        f"closed_ms={incident.closed_ns // _MS}i,contact={text_field(contact.name)},"
        f"phone={text_field(contact.phone)} {now_ns}\n"
    )


def left_lines(incident: Incident, now_ns: int) -> str:
    """Return the lines that end what an incident was told as before: else boards show it twice until those are old.

    They come a nanosecond before the line as it is now, which is the newest for who does not ask by severity.
    """
    return "".join(
        f'incident{_incident_tags(incident, series)} state="moved",open=0i {now_ns - 1}\n'
        for series in sorted(incident.left)
    )


def _incident_tags(incident: Incident, series: Series) -> str:
    severity, site, agency = series
    return tag_set(
        [
            ("incident", str(incident.id)),
            ("kind", incident.cause),
            ("severity", severity),
            ("agency", agency),
            ("site", site),
        ]
    )


def fields_line(measurement: str, tags: str, fields: Mapping[str, int | float | str], now_ns: int) -> str:
    """Return a line of whole numbers, numbers and texts, each by its Python type."""
    shown = ",".join(f"{name}={_field(value)}" for name, value in fields.items())
    return f"{measurement}{tags} {shown} {now_ns}\n"


def _field(value: float | str) -> str:
    if isinstance(value, str):
        return text_field(value)
    return f"{value}i" if isinstance(value, int) else f"{value}"
