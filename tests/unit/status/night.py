"""A city of 5,000 devices and a clock: a script makes things happen, and the incidents are what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from hub.decode.watch import Watch, Word
from hub.status.core import Model, Status
from hub.status.fleet import Ear
from hub.status.options import HealthOptions, StatusOptions
from hub.status.presence import SECOND
from hub.status.store import Incidents, StatusStore
from provisioning.records import NewDevice
from provisioning.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from sqlalchemy import Engine

    from hub.status.incidents import Incident

ZONE = ZoneInfo("Asia/Jakarta")
MIDNIGHT = 1_789_923_600 * SECOND
"""2026-09-21 00:00 in Purbalingga."""
MODELS = {"camera": Model("cctv", 30 * SECOND), "sensor": Model("sensor", 60 * SECOND),
          "slow": Model("sensor", 300 * SECOND), "meter": Model("meter", 10 * SECOND)}  # fmt: skip
OPTIONS = StatusOptions()


class Entry(NamedTuple):
    """A row of the registry, as far as status looks at it."""

    device: str
    profile: str = "camera"
    agency: str | None = "dishub"
    site: str | None = None
    zones: tuple[str, ...] = ()
    parent: str | None = None
    modbus: str | None = None
    lifecycle: str = "active"
    maintenance_until_ns: int = 0
    serial: str | None = None
    imei: str | None = None
    unit: int | None = None
    local_recording: bool = False


@dataclass
class Device:
    """What really stands out there: when it speaks, and whether it can."""

    entry: Entry
    watch: Watch
    every_s: int
    phase: int
    alive: bool = True


class City:
    """Devices that speak when they can, a hub that listens when it runs, and its database."""

    def __init__(self, entries: Iterable[Entry], engine: Engine) -> None:
        self.now_s = 0
        self.engine = engine
        self.entries = list(entries)
        self.devices = {
            entry.device: Device(entry, Watch(entry.device, number), MODELS[entry.profile].interval_ns // SECOND,
                                 number * 7 % (MODELS[entry.profile].interval_ns // SECOND))
            for number, entry in enumerate(self.entries)
        }  # fmt: skip
        self.phases: dict[int, list[list[Device]]] = {}
        for device in self.devices.values():
            slots = self.phases.setdefault(device.every_s, [[] for _ in range(device.every_s)])
            slots[device.phase].append(device)
        Registry(engine, lambda: 0).add_devices([NewDevice(id=one.device, profile=one.profile) for one in self.entries])
        self.linked = True
        self.lines: list[str] = []
        self.start()

    @property
    def now(self) -> int:
        return MIDNIGHT + self.now_s * SECOND

    # The hub

    def start(self) -> None:
        """Start the hub with what its database holds; it hears at once, as the broker is there."""
        watches = {name: device.watch for name, device in self.devices.items()}
        self.store = StatusStore(self.engine)
        self.status = Status(watches, MODELS, OPTIONS, HealthOptions(), ZONE)
        self.status.update(self.entries, (), self.now)
        kept = self.store.load(self.now - round(OPTIONS.again_s * SECOND))
        self.status.restore(kept.standings, kept.incidents, kept.next_id, self.now)
        self.running = True
        for ear in Ear:
            self.status.hear(ear, self.now)

    def stop(self, *, killed: bool = False) -> None:
        """Stop the hub, or kill it; what it had not kept is lost then."""
        if not killed:
            self.status.keep_all()
            self.keep()
        self.running = False
        for device in self.devices.values():  # the watches were in its memory
            device.watch.heard_ns = 0
            device.watch.take_samples()
            device.watch.take_words()

    def link(self, *, up: bool) -> None:
        """The link to the broker comes or goes."""
        self.linked = up
        if up:
            self.status.hear(Ear.MQTT, self.now)
        else:
            self.status.deafen(Ear.MQTT, self.now)

    def keep(self) -> None:
        while True:
            standings, incidents = self.status.take_unkept(5_000)
            self.store.keep(standings, incidents)
            if not standings:
                return

    # Time

    def until(self, minute: float) -> None:
        """Let time pass, with a tick every other second: the night is long."""
        while self.now_s < minute * 60:
            self.now_s += 1
            if not self.running:
                continue
            self.speak()
            if self.now_s % 2 == 0:
                self.lines += self.status.tick(self.now).splitlines()
            if self.now_s % 30 == 0:
                self.keep()

    def speak(self) -> None:
        for every_s, slots in self.phases.items():
            for device in slots[self.now_s % every_s]:
                if device.alive and (self.linked or device.entry.modbus):
                    device.watch.heard_ns = self.now - SECOND // 2

    # What happens

    def cut(self, which: Callable[[Entry], bool]) -> None:
        """Those that are meant fall silent."""
        for device in self.devices.values():
            if which(device.entry):
                device.alive = False

    def restore(self, which: Callable[[Entry], bool]) -> None:
        """Those that are meant can speak again."""
        for device in self.devices.values():
            if which(device.entry):
                device.alive = True

    def will(self, name: str) -> None:
        """The broker publishes a device's last will."""
        self.devices[name].alive = False
        self.devices[name].watch.say(Word(self.now, online=False, retained=False))

    def reconnect(self, name: str) -> None:
        """A device is back, and says so."""
        self.devices[name].alive = True
        self.devices[name].watch.say(Word(self.now, online=True, retained=False))

    def change(self, entries: list[Entry], changed: Collection[str] = ()) -> None:
        """The registry says something new."""
        self.status.update(entries, changed, self.now)

    def everything(self) -> list[Incident]:
        """Return all incidents, the oldest first."""
        self.keep()
        return Incidents(self.engine).list(closed=True, limit=1_000)[::-1]

    def story(self) -> list[str]:
        """Return the incidents as a person would note them: when, what, how many devices, until when."""
        return [self._note(one) for one in self.everything()]

    def _note(self, one: Incident) -> str:
        until = f"until {self._minute(one.closed_ns)}" if one.closed_ns else "still open"
        again = f", {one.times} times" if one.times > 1 else ""
        return (
            f"{self._minute(one.opened_ns)} {one.cause} {one.subject} ({len(one.devices)}): {one.text}; {until}{again}"
        )

    @staticmethod
    def _minute(at_ns: int) -> str:
        minutes = (at_ns - MIDNIGHT) // SECOND // 60
        return f"{minutes // 60:02d}:{minutes % 60:02d}"
