"""A private mosquitto for one-box mode: mutual TLS, a device speaks only for itself, and what is queued survives.

Two listeners, each with its own rules. Devices come in from the LAN: the certificate's CN is user name *and* client
id, the access list says who may do what, and the revocation list who may not come in. The hub comes in on loopback,
with a certificate of a CA that vouches for nobody else, may choose its client ids, and may do everything.

The hub has no access list for a reason: when mosquitto 2.0 reads its files again (SIGHUP), a session that is away
loses what a `user` line gives it, and whatever is published meanwhile is lost to it. And without a revocation list of
its own it stays connected whatever becomes of the devices' one. Settings: mosquitto.conf(5) of 2.0.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.errors import SettingsError
from hub.local.child import Program
from hub.local.folder import private_folder
from hub.local.programs import find_program
from hub.transport.options import MqttOptions
from hub.transport.tls import client_context
from provisioning.files import write_atomically
from provisioning.identity import check_service_name

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hub.local.options import ManagedBrokerOptions

LOOPBACK = "127.0.0.1"
SAVE_EVERY_S = 0.5
"""Counted in whole seconds as it is, `autosave_interval 1` saves every two; it stays, for a hub that is busy."""

_DEVICE_WRITES = ("telemetry", "events", "status", "reported", "replies")
_DEVICE_READS = ("desired", "commands/#", "acks")

_CONNECT = b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00"  # MQTT 3.1.1, section 3.1: clean session, no client id
_ACCEPTED = b"\x20\x02\x00\x00"  # section 3.2: no session present, return code 0
_DISCONNECT = b"\xe0\x00"  # section 3.14


@dataclass(frozen=True, slots=True)
class ServerFiles:
    """What the broker shows to others, and whom it lets in; PEM files.

    Attributes:
        ca_file: issuing CAs and root, which vouch for devices, and for the broker itself.
        cert_file: the broker's certificate with its chain; it must name the IP address 127.0.0.1, and what devices use.
        key_file: the key of that certificate.
        hub_ca_file: the CA that vouches for the hub's own clients, and for nobody else.
        crl_file: the issuing CAs' lists of revoked certificates, if there are any.
    """

    ca_file: Path
    cert_file: Path
    key_file: Path
    hub_ca_file: Path
    crl_file: Path | None = None


@dataclass(frozen=True, slots=True)
class ManagedBroker:
    """The broker of one-box mode.

    Attributes:
        options: addresses, ports, bounds.
        folder: its configuration, log and data; made when it is not there.
        server: the broker's own certificate and whom it trusts.
        hub_cert_file: the hub's client certificate with its chain, PEM.
        hub_key_file: the key of that certificate.
        services: the hub's CN, then those that may read and write everything on the devices' listener.
        acl_file: an access list that somebody else keeps, and has written before the broker starts; without it the
            broker gets one by which every device speaks for itself.
    """

    options: ManagedBrokerOptions
    folder: Path
    server: ServerFiles
    hub_cert_file: Path
    hub_key_file: Path
    services: tuple[str, ...] = ("hub.cityhub",)
    acl_file: Path | None = None

    def prepare(self) -> Program:
        """Write the configuration and return the program that reads it.

        Raises:
            MissingProgram: mosquitto is not installed.
            SettingsError: mosquitto cannot be told a path.
            InvalidIdentity: a service's name could be a device's.
            LocalServerFailed: the folder cannot be used.
            StorageProblem: the files cannot be written.
        """
        program = find_program("mosquitto", package="mosquitto", configured=self.options.program)
        folder = private_folder(self.folder)
        private_folder(folder / "data")
        acl_file = self.acl_file or folder / "acl"
        if self.acl_file is None:
            write_atomically(acl_file, render_acl(self.services).encode())
        config = render_config(self.options, self.server, folder, acl_file)
        write_atomically(folder / "mosquitto.conf", config.encode())
        return Program(
            name="mosquitto",
            argv=(str(program), "-c", str(folder / "mosquitto.conf")),
            ready=self._ready,
            log_file=folder / "mosquitto.log",
            listens=((self.options.listen, self.options.port), (LOOPBACK, self.options.hub_port)),
            env={},
            save_every_s=SAVE_EVERY_S,
        )

    def link_options(self) -> MqttOptions:
        """Return how the hub reaches this broker."""
        return MqttOptions(
            host=LOOPBACK,
            port=self.options.hub_port,
            ca_file=self.server.ca_file,
            cert_file=self.hub_cert_file,
            key_file=self.hub_key_file,
            client_id=self.services[0],
        )

    async def _ready(self) -> bool:
        return await accepts(self.link_options())


def render_acl(services: Sequence[str]) -> str:
    """Return the access list: services may do everything, a device only what docs/contracts name.

    Raises:
        InvalidIdentity: a service's name has no dot and could be a device's.
    """
    lines = [
        "# Written by the hub at every start. A device's user name (%u) is its id, which holds no topic separator."
    ]
    for tree in ("devices/%u", "devices/%u/children/+"):
        lines += [f"pattern write {tree}/{leaf}" for leaf in _DEVICE_WRITES]
        lines += [f"pattern read {tree}/{leaf}" for leaf in _DEVICE_READS]
    for service in services:
        check_service_name(service)
        lines += ["", f"user {service}", "topic readwrite #", "topic read $SYS/#"]
    return "\n".join(lines) + "\n"


def render_config(options: ManagedBrokerOptions, server: ServerFiles, folder: Path, acl_file: Path) -> str:
    """Return mosquitto.conf.

    Raises:
        SettingsError: a path has a character that the file cannot hold.
    """
    return f"""\
# Written by the hub at every start; what is changed here is lost.
per_listener_settings true

# Started by root, mosquitto would become another user, who may not read these files; started by others, it stays.
user root

# What was confirmed to a publisher survives a clean stop; a kill costs what came since the last save. The hub asks
# for one twice a second (SIGUSR1); this interval, counted in whole seconds, stands in while the hub is away.
persistence true
persistence_location {_path(folder / "data")}/
autosave_interval 1
autosave_on_changes false

# Bounded in bytes, for each client. Beyond it the newest is dropped, although its publisher was told otherwise; that
# moves $SYS/broker/publish/messages/dropped, which the hub watches.
max_queued_messages 0
max_queued_bytes {options.max_queued_mb * 2**20}
# The hub confirms thousands at a time, every 20 to 50 ms: with 1000 a third of the rate is lost, and from 10000 to
# 60000 it is the same. Packet ids end at 65535, so half of them.
max_inflight_messages 30000
# The broker holds a packet in memory before it judges it. The hub's own link takes a little more, so whatever is
# confirmed here reaches the hub. (message_size_limit would confirm to MQTT 3.1.1 what it drops.)
max_packet_size 1000000
# A session costs memory, and what is queued for it: a device that is gone for good must not keep one.
persistent_client_expiration 30d

# Notices tell of messages being dropped; without connection_messages they tell nothing of each coming and going.
log_dest stderr
log_type error
log_type warning
log_type notice
connection_messages false
log_timestamp_format %Y-%m-%dT%H:%M:%S

# Devices
listener {options.port} {options.listen}
acl_file {_path(acl_file)}
use_username_as_clientid true
cafile {_path(server.ca_file)}
{_revoked(server.crl_file)}{_tls(server)}
# The hub's own connections
listener {options.hub_port} {LOOPBACK}
cafile {_path(server.hub_ca_file)}
{_tls(server)}"""


async def accepts(link: MqttOptions) -> bool:
    """Tell whether the broker accepts an MQTT connection with the hub's certificate.

    A TLS handshake alone would not tell: in TLS 1.3 a client has finished before the server judges its certificate.
    """
    with contextlib.suppress(OSError, EOFError, SettingsError):
        reader, writer = await asyncio.open_connection(
            link.host, link.port, ssl=client_context(link), ssl_shutdown_timeout=1
        )
        with contextlib.closing(writer):
            writer.write(_CONNECT)
            answer = await reader.readexactly(len(_ACCEPTED))
            writer.write(_DISCONNECT)
        await writer.wait_closed()
        return answer == _ACCEPTED
    return False


def _revoked(crl_file: Path | None) -> str:
    return "" if crl_file is None else f"crlfile {_path(crl_file)}\n"


def _tls(server: ServerFiles) -> str:
    return f"""\
allow_anonymous false
certfile {_path(server.cert_file)}
keyfile {_path(server.key_file)}
require_certificate true
use_identity_as_username true
tls_version tlsv1.2
"""


def _path(path: Path) -> str:
    text = os.path.abspath(path)  # noqa: PTH100 - Path.resolve would follow links, which may be moved on renewal
    if not text.isprintable() or text != text.strip():
        raise SettingsError(f"mosquitto cannot read {text!a}: rename it without control characters and outer spaces")
    return text
