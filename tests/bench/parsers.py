"""Every parser of bytes from outside, with samples of what is right and the errors that it may refuse with."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Final, TypeAlias
from zipfile import ZIP_DEFLATED, ZipFile

import mqtt5
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AttributeOID, NameOID
from openpyxl import Workbook

from hub.decode.messages import compile_profile
from hub.decode.watch import Watch
from hub.errors import Rejected
from hub.profiles.loader import load_cases, load_profiles, profile_names, profiles_folder
from hub.profiles.schema import Case
from hub.transport.codec import MalformedPacket, split_packets
from hub.web.est.messages import read_body
from provisioning.claim_code import claim_text, new_code, parse_claim_text, parse_code
from provisioning.csr import read_request, read_stated
from provisioning.errors import ProvisioningError
from provisioning.importing.cells import readers
from provisioning.importing.importer import read_table
from provisioning.importing.plan import make_plan
from provisioning.importing.rows import read_rows
from provisioning.importing.stored import Stored
from provisioning.records import Agency, Device, Lifecycle, Site

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hub.decode.formats import Decoder
    from tests.bench.mutation import Mutator

Parse: TypeAlias = Callable[[bytes], object]

DEVICE: Final = "cam-pasar-01"
SHEET: Final = "xl/worksheets/sheet1.xml"
DAY_NS: Final = 86_400 * 10**9
RECEIVED_NS: Final = Case(about="", payload="").received_ns
ROWS: Final = (
    ("id", "nama", "profile", "opd", "nama opd", "site", "site_name", "zones", "sn", "imei", "lat", "lon", "no hp"),
    (DEVICE, "Pasar, timur", "generic_ipcamera", "dishub", "Dinas Perhubungan", "pasar", "Pasar", "traffic crime",
     "DS2CD-1", "", "-7.388", "109.363", "081234567890"),
    ("gps-01", "Truk 1", "generic_tracker", "dlh", "Dinas LH", "", "", "waste", "", "490154203237518",
     "-7,4", "109,4", ""),
)  # fmt: skip


@dataclass(frozen=True)
class Parser:
    """A parser under test.

    Attributes:
        name: as the figures have it.
        make: an input, damaged by the mutator.
        parse: takes it, or refuses.
        refusals: the errors that it documents; anything else is a fault.
        share: of the inputs asked for that it gets, less for a slow one.
    """

    name: str
    make: Callable[[Mutator], bytes]
    parse: Parse
    refusals: tuple[type[Exception], ...] = (ProvisioningError,)
    share: float = 1


def all_parsers() -> list[Parser]:
    """Return the parsers, with samples whose keys and codes are minted anew."""
    requests = _requests()
    return [
        Parser("csr", lambda mutator: _request(mutator, requests, [_same, _pem]), _parse_csr),
        Parser("est_body", lambda mutator: _request(mutator, requests, _ON_THE_WIRE), _parse_est),
        _plain("csv", [_csv(separator) for separator in (",", ";", "\t")], _importing()),
        Parser("xlsx", _xlsx_maker(), _importing(), share=0.1),
        _plain("claim_code", [new_code().encode() for _ in range(5)], lambda content: parse_code(_text(content))),
        _plain("claim_text", _stickers(), lambda content: parse_claim_text(_text(content))),
        *_telemetry(),
        _plain("mqtt_packets", _streams(), split_packets, (MalformedPacket,)),
    ]


def _plain(
    name: str, samples: Sequence[bytes], parse: Parse, refusals: tuple[type[Exception], ...] = (ProvisioningError,)
) -> Parser:
    return Parser(name, lambda mutator: mutator.damage(samples), parse, refusals)


# Signing requests


def _requests() -> list[bytes]:
    """Requests in DER: usable keys and others, with what else may stand in one."""
    keys = (
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP384R1()),
        ec.generate_private_key(ec.SECP521R1()),
        rsa.generate_private_key(65537, 2048),
        ed25519.Ed25519PrivateKey.generate(),
    )
    return [_sign(key, attributes) for key in keys for attributes in ((), ((NameOID.SERIAL_NUMBER, "DS2CD-1"),))]


def _sign(
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey,
    attributes: Sequence[tuple[x509.ObjectIdentifier, str]],
) -> bytes:
    named = ((NameOID.COMMON_NAME, DEVICE), (NameOID.ORGANIZATION_NAME, "Purbalingga"), *attributes)
    builder = x509.CertificateSigningRequestBuilder(x509.Name([x509.NameAttribute(*one) for one in named]))
    if attributes:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(DEVICE)]), critical=False)
        builder = builder.add_attribute(AttributeOID.CHALLENGE_PASSWORD, b"secret")
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(key, algorithm).public_bytes(Encoding.DER)


def _same(der: bytes) -> bytes:
    return der


def _pem(der: bytes) -> bytes:
    return b"-----BEGIN CERTIFICATE REQUEST-----\n%s-----END CERTIFICATE REQUEST-----\n" % base64.encodebytes(der)


_ON_THE_WIRE: Final = (base64.b64encode, base64.encodebytes, _same, _pem)


def _request(mutator: Mutator, requests: Sequence[bytes], forms: Sequence[Callable[[bytes], bytes]]) -> bytes:
    """Damage a request within its form, or the form around it: a damaged base64 seldom reaches the DER."""
    form = mutator.random.choice(forms)
    if mutator.random.random() < 0.75:
        return form(mutator.damage(requests))
    return mutator.damage([form(mutator.random.choice(requests))])


def _parse_csr(content: bytes) -> object:
    read_stated(content)
    return read_request(content, DEVICE)


def _parse_est(content: bytes) -> object:
    return _parse_csr(read_body(content))


# Imports


def _importing() -> Parse:
    """From the file's bytes to the plan, against a registry that already holds what the first row states."""
    cells = readers(profile_names())
    device = Device(id=DEVICE, profile="generic_ipcamera", lifecycle=Lifecycle.ACTIVE, created_ns=1, updated_ns=1)
    stored = Stored(
        agencies={"dishub": Agency("dishub", "Dinas Perhubungan")},
        contacts={},
        sites={"pasar": Site("pasar", "Pasar")},
        zones=frozenset({"crime"}),
        devices={DEVICE: device},
        certified=frozenset(),
    )

    def parse(content: bytes) -> object:
        report = make_plan(*read_rows(read_table(content), cells), stored, update=len(content) % 2 == 0).report()
        if report.faults:
            raise ProvisioningError(report.faults[0].problem)  # a report by row is an import's way to refuse
        return report

    return parse


def _csv(separator: str) -> bytes:
    return "\r\n".join(separator.join(f'"{cell}"' if "," in cell else cell for cell in row) for row in ROWS).encode()


def _xlsx_maker() -> Callable[[Mutator], bytes]:
    """Damage a workbook, or a part inside it: the checksums of the zip keep damage from getting further."""
    samples = [_workbook(ROWS), _workbook((*ROWS, ("=A1", 2.5, True, 1e20, "#N/A")))]
    unpacked = [_unzip(sample) for sample in samples]

    def make(mutator: Mutator) -> bytes:
        if mutator.random.random() < 0.25:
            return mutator.damage(samples)
        parts = mutator.random.choice(unpacked)
        name = SHEET if mutator.random.random() < 0.5 else mutator.random.choice(list(parts))
        return _zip(parts | {name: mutator.damage([parts[name]])})

    return make


def _workbook(rows: Sequence[Sequence[object]]) -> bytes:
    workbook, file = Workbook(), BytesIO()
    for row in rows:
        workbook.worksheets[0].append(list(row))
    workbook.save(file)
    return file.getvalue()


def _unzip(content: bytes) -> dict[str, bytes]:
    with ZipFile(BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _zip(parts: dict[str, bytes]) -> bytes:
    file = BytesIO()
    with ZipFile(file, "w", ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file.getvalue()


# Claims


def _stickers() -> list[bytes]:
    hosts = ("hub.purbalingga.go.id", "10.8.0.1", "2001:db8::1", "[::1]")
    return [claim_text(DEVICE, host, port, new_code()).encode() for host in hosts for port in (1, 8443, 65535)]


def _text(content: bytes) -> str:
    """Text as the command line would hand it over, which need not be UTF-8."""
    return content.decode("utf-8", "surrogateescape")


# MQTT


def _telemetry() -> list[Parser]:
    """Return a parser for each message of each profile, with the payloads of the profile's own cases as samples."""
    vocabulary, profiles = load_profiles()
    return [
        _plain(f"{name}/{message}", _payloads(name), _decoding(inlet.bind("")), (Rejected,))
        for name, profile in profiles.items()
        for message, inlet in compile_profile(profile, name, vocabulary, 30 * DAY_NS).items()
    ]


def _payloads(profile: str) -> list[bytes]:
    return [(case.payload or "").encode() for case in load_cases(profiles_folder() / profile).values()]


def _decoding(decode: Decoder) -> Parse:
    watch = Watch("x", 0)
    return lambda payload: decode(",device=x", payload, RECEIVED_NS, False, watch)  # noqa: FBT003 - the decoder's signature


def _streams() -> list[bytes]:
    publish = mqtt5.PublishPacket(
        f"devices/{DEVICE}/telemetry", payload=b'{"fps": 25}', qos=mqtt5.QoS.AT_LEAST_ONCE, packet_id=7,
        user_properties=[("unit", "fps")], content_type="application/json", message_expiry_interval=60,
    )  # fmt: skip
    granted = [mqtt5.SubAckReasonCode.GRANTED_QOS_AT_LEAST_ONCE]
    packets = (publish, mqtt5.ConnAckPacket(), mqtt5.SubAckPacket(1, granted), mqtt5.PubAckPacket(7),
               mqtt5.PingRespPacket(), mqtt5.DisconnectPacket())  # fmt: skip
    return [b"".join(packet.write() for packet in packets), *(packet.write() for packet in packets)]
