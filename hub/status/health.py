"""Health from vital signs: a score from 0 to 100, the reasons in words, and the troubles that last.

A sample that lacks a sign says nothing of it: what was known still holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hub.status.base import Alarms, Cause, Severity, Trouble
from hub.status.presence import SECOND, State
from hub.status.signs import Finding, Subject, glance, rules_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hub.decode.watch import Vitals, Watch
    from hub.status.fleet import Fleet
    from hub.status.incidents import Incident
    from hub.status.options import HealthOptions
    from hub.status.roster import Entry, Roster
    from hub.status.signs import Rule

WELL: Final = 100
LATEST: Final = 8
"""Samples of one device that are looked at each second; one that sends more is not more ill for it."""
_DAY_NS: Final = 86_400 * SECOND
_CERTIFICATE: Final = "certificate"
_NONE: Final[dict[str, Finding]] = {}


_OF_STATE: Final[Mapping[int, tuple[int, str]]] = {
    State.NEVER_SEEN: (0, "never seen"),
    State.STALE: (70, "silent for longer than it promises"),
    State.OFFLINE: (0, "silent"),
}


class Health:
    """Judges vital signs, as a Part; only devices with something wrong cost memory. Pure: the clock is given."""

    def __init__(
        self, fleet: Fleet, roster: Roster, alarms: Alarms, vitals: Mapping[str, Sequence[str]], options: HealthOptions
    ) -> None:
        self._fleet = fleet
        self._roster = roster
        self._alarms = alarms
        self._options = options
        self._settle_ns = round(options.settle_s * SECOND)
        self._rules = {profile: rules_of(signs) for profile, signs in vitals.items()}
        self._glance = {name: glance(rules, options, options.promises.get(name)) for name, rules in self._rules.items()}
        self._findings: dict[int, dict[str, Finding]] = {}
        self._ripening: dict[tuple[int, Cause], int] = {}
        self._raised: dict[tuple[int, Cause], str] = {}
        self._marked: set[int] = set()
        self._changed: set[int] = set()
        self._subjects = {name: Subject(options, options.promises.get(name), None) for name in vitals}

    def restore(self, incidents: Sequence[Incident]) -> None:
        """Take up the incidents that were open when the hub last ran: they close when a sample says so."""
        for incident in incidents:
            for device in incident.devices:
                index = self._roster.index.get(device)
                if index is not None and incident.cause in _OWN:
                    self._raised[index, incident.cause] = incident.text
                    self._marked.add(index)

    def wants(self, profile: str) -> bool:
        """See `Part.wants`."""
        return bool(self._rules.get(profile))

    def observe(self, entry: Entry, watch: Watch, samples: Sequence[Vitals], now_ns: int) -> None:
        """See `Part.observe`: the newest samples count, for a device may tell of its signs in several messages."""
        index, glance, latest = watch.index, self._glance[entry.profile], samples[-LATEST:]
        known = index in self._findings or index in self._marked or entry.device in self._options.devices
        if not (known or glance(latest[-1]) or any(map(glance, latest[:-1]))):
            return
        subject = self._subject(entry)
        for sample in latest:
            self._examine(index, sample, self._rules[entry.profile], subject)
        if index in self._findings or index in self._marked:
            self._settle(index, now_ns)

    def _examine(self, index: int, sample: Vitals, rules: Sequence[tuple[int, str, Rule]], subject: Subject) -> None:
        for place, sign, rule in rules:
            value = sample[place]
            if value is not None:
                self._note(index, sign, rule.find(value, subject, sign in self._findings.get(index, _NONE)))

    def tick(self, now_ns: int) -> str:
        """Raise what has lasted long enough; it has no lines of its own, for health stands in those of presence."""
        for (index, cause), since_ns in list(self._ripening.items()):
            if now_ns - since_ns >= self._settle_ns and not self._roster.quiet(index, now_ns):
                del self._ripening[index, cause]
                self._raise(index, cause, now_ns)
        return ""

    def certificates(self, expiring: Mapping[str, int], now_ns: int) -> None:
        """Take in which devices hold no certificate that lasts: device -> end of the last one, nanoseconds UTC."""
        old = {index for index, known in self._findings.items() if _CERTIFICATE in known}
        for device, end_ns in expiring.items():
            index = self._roster.index.get(device)
            if index is not None:
                old.discard(index)
                self._note(index, _CERTIFICATE, self._certificate(end_ns, now_ns))
                self._settle(index, now_ns)
        for index in old:
            self._note(index, _CERTIFICATE, None)
            self._settle(index, now_ns)

    def of(self, index: int) -> tuple[int, str]:
        """Return a device's health from 0 to 100 and the reasons, joined by `; `; empty when it is well."""
        score, reason = _OF_STATE.get(self._fleet.state[index], (WELL, ""))
        findings = self._findings.get(index)
        if not findings:
            return score, reason
        reasons = [reason] if reason else []
        return max(0, score - sum(one.points for one in findings.values())), "; ".join(
            reasons + [one.reason for one in findings.values()]
        )

    def take_changed(self) -> set[int]:
        """Return whose health changed since the last call."""
        changed, self._changed = self._changed, set()
        return changed

    def forget(self, index: int) -> None:
        """A device is followed no longer."""
        self._findings.pop(index, None)
        self._marked.discard(index)
        for key in [key for key in (*self._ripening, *self._raised) if key[0] == index]:
            self._ripening.pop(key, None)
            self._raised.pop(key, None)

    def _subject(self, entry: Entry) -> Subject:
        """Return what was promised for the profile, or set for the device."""
        level, promise = self._options.river.get(entry.device), self._options.devices.get(entry.device)
        common = self._subjects[entry.profile]
        if level is None and promise is None:
            return common
        return common._replace(level=level, promise=promise or common.promise)

    def _certificate(self, end_ns: int, now_ns: int) -> Finding | None:
        days = (end_ns - now_ns) / _DAY_NS
        if days > self._options.certificate_days:
            return None
        said = f"certificate ends in {days:.0f} days" if days >= 1 else "certificate ends within a day"
        return Finding(
            20 if days > 0 else 40, said if days > 0 else "certificate has ended", Cause.CERTIFICATE_EXPIRING
        )

    def _note(self, index: int, sign: str, finding: Finding | None) -> None:
        known = self._findings.get(index)
        if finding is None:
            if known is not None and known.pop(sign, None) is not None:
                self._changed.add(index)
                if not known:
                    del self._findings[index]
            return
        if known is None:
            known = self._findings[index] = {}
        if known.get(sign) != finding:
            known[sign] = finding
            self._changed.add(index)

    def _settle(self, index: int, now_ns: int) -> None:
        """Let bad signs ripen, tell what changed in those that are incidents, and clear what is over."""
        causes = {one.cause for one in self._findings.get(index, _NONE).values() if one.cause is not None}
        for cause in causes:
            if (index, cause) in self._raised:
                self._raise(index, cause, now_ns)
            else:
                self._ripening.setdefault((index, cause), now_ns)
        for cause in _OWN - causes if index in self._marked else ():
            self._ripening.pop((index, cause), None)
            if self._raised.pop((index, cause), None) is not None:
                self._alarms.cleared(cause, f"device/{self._name(index)}", now_ns)
        if causes:
            self._marked.add(index)
        else:
            self._marked.discard(index)

    def _raise(self, index: int, cause: Cause, now_ns: int) -> None:
        worst = [one for one in self._findings.get(index, {}).values() if one.cause is cause]
        if not worst:
            return
        entry, name = self._roster.entries[index], self._name(index)
        text = f"{name}: {'; '.join(one.reason for one in worst)}"
        severity = max((one.severity for one in worst), key=list(Severity).index)
        site, agency = (entry.site or "", entry.agency or "") if entry is not None else ("", "")
        if self._raised.get((index, cause)) != text:
            self._raised[index, cause] = text
            self._alarms.raised(Trouble(cause, f"device/{name}", text, severity, site, agency, (name,)), now_ns)

    def _name(self, index: int) -> str:
        watch = self._fleet.watches[index]
        return "" if watch is None else watch.device


_OWN: Final = frozenset({
    Cause.CAMERA_NO_VIDEO, Cause.TAMPERING, Cause.STORAGE, Cause.UPS_ON_BATTERY, Cause.RIVER_LEVEL,
    Cause.CERTIFICATE_EXPIRING,
})  # fmt: skip
