"""What each device may say and hear, as mosquitto's access list (mosquitto.conf(5), `acl_file`). Pure.

A device needs no line of its own: patterns give each user name (%u, the certificate's CN) its own tree, and the topics
of a vendor's that hold the device's id. Lines of their own need only gateways, for what they say in the name of others,
devices whose vendor puts their serial or IMEI into the topic, and devices that must be silent. So 100,000 devices make
a list of a kilobyte. The rest was measured with mosquitto 2.0.11, which serves nobody while it reads:

==============================  =======  ========
1,000 gateways, 30 children       10 MB     0.4 s
1,000 gateways, 100 children      32 MB     1.5 s
10,000 gateways, 10 children      32 MB      18 s
10,000 denied devices           0.36 MB     0.3 s
1,000 trackers, 2 topics        0.09 MB    0.02 s
10,000 trackers, 2 topics       0.85 MB     0.8 s
==============================  =======  ========

It grows with the square of the users that have lines. How mosquitto 2.0 judges: a user's own `deny`, a user's own
grant, a pattern's `deny`, a pattern's grant, refusal. A list that is missing or cannot be read to its end *at a
reload* lets everybody do everything.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from hub.directory import topic_root
from hub.profiles.topics import fill
from provisioning.identity import check_device_id, check_service_name

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from hub.broker.base import Entry

WRITES: Final = ("telemetry", "events", "status", "reported", "replies")
READS: Final = ("desired", "commands/+", "acks")

Topics = Mapping[str, Sequence[str]]
_NO_TOPICS: Final[Topics] = {}
_DEVICE: Final = "{device}"
_ABOUT: Final = "# Written by the hub whenever something changes; what is changed here is undone.\n"


class AccessList:
    """The access list, kept true to the registry's changes.

    Args:
        services: CNs that may say and hear everything where devices come in.
        vendors: profile -> the vendor's own topics, as the profile writes them.

    Raises:
        InvalidIdentity: the name of a service could be a device's.
    """

    def __init__(self, services: Sequence[str] = (), vendors: Topics = _NO_TOPICS) -> None:
        for service in services:
            check_service_name(service)
        self._services = services
        self._vendors = vendors
        self._bound: dict[str, Entry] = {}
        self._denied: frozenset[str] = frozenset()

    def update(self, entries: Iterable[Entry], changed: Collection[str] = ()) -> None:
        """Take in `entries` as they are now; a device of `changed` that is not among them is forgotten."""
        for device in changed:
            self._bound.pop(device, None)
        for entry in entries:
            self._bound.pop(entry.device, None)
            if own_lines(entry, self._vendors):
                self._bound[entry.device] = entry

    def deny(self, devices: Collection[str]) -> None:
        """Silence exactly these, and what gateways would say in their name.

        Raises:
            InvalidIdentity: one of them is no device id.
        """
        for device in devices:
            check_device_id(device)
        self._denied = frozenset(devices)

    def render(self) -> bytes:
        """Return the list, the same bytes for the same rights."""
        users = {service: ["topic readwrite #", "topic read $SYS/#"] for service in self._services}
        users |= self._spoken_for()
        users |= {device: ["topic deny #"] for device in sorted(self._denied)}
        sections = ("\n".join((f"user {user}", *lines)) for user, lines in users.items())
        patterns = "\n".join((*_patterns(), *_vendor_patterns(self._vendors)))
        return "\n\n".join((_ABOUT + patterns, *sections, "")).encode()

    def _spoken_for(self) -> dict[str, list[str]]:
        """Return each speaker's own lines."""
        lines: defaultdict[str, list[str]] = defaultdict(list)
        for device in sorted(self._bound.keys() - self._denied):
            entry = self._bound[device]
            lines[entry.parent or device] += own_lines(entry, self._vendors)
        return lines


def own_lines(entry: Entry, vendors: Topics = _NO_TOPICS) -> list[str]:
    """Return what the one who speaks for a device, itself or its gateway, may do beyond the patterns.

    That is a gateway's child's tree, and the topics that the vendor binds to the device's serial or IMEI.
    """
    topics = vendors.get(entry.profile, ())
    if entry.parent is None:
        own = [topic for topic in topics if not _is_pattern(topic)]
        return [f"topic write {filled}" for topic in own if (filled := fill(topic, entry))]
    root = topic_root(entry.device, entry.parent)
    theirs = [filled for topic in topics if (filled := fill(topic, entry))]
    return [f"topic write {topic}" for topic in (*(f"{root}/{leaf}" for leaf in WRITES), *theirs)]


def _vendor_patterns(vendors: Topics) -> list[str]:
    """Return what every device may say on vendors' topics that hold its id; other than its model's leads nowhere."""
    topics = {topic for topics in vendors.values() for topic in topics if _is_pattern(topic)}
    return [f"pattern write {topic.replace(_DEVICE, '%u')}" for topic in sorted(topics)]


def _is_pattern(topic: str) -> bool:
    return "{" not in topic.replace(_DEVICE, "")


def _patterns() -> list[str]:
    """Return what holds for every device.

    A gateway hears all children of its tree, where only the hub speaks: it is in a pattern because a session that
    is away loses at a reload what a `user` line gives it, and with it the commands that are sent meanwhile.

    The denials are for a CN with slashes, which no authority of ours signs (provisioning.identity): it would
    otherwise speak where a gateway's child or a command belongs. A gateway's own lines come before them; no command
    may be named like one of these leaves. mosquitto warns that they lack a %u: they are meant for everybody.
    """
    deeper = [f"pattern deny devices/{above}/{leaf}" for above in ("+/+", "+/+/+") for leaf in WRITES]
    own = [f"pattern write devices/%u/{leaf}" for leaf in WRITES] + [
        f"pattern read devices/%u/{leaf}" for leaf in READS
    ]
    return deeper + own + [f"pattern read devices/%u/children/+/{leaf}" for leaf in READS]
