"""Another issuing CA, the root's key offline, keys encrypted: at no moment without a working authority."""

from __future__ import annotations

import shutil
import stat
from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from provisioning import audit, ca_folder
from provisioning.audit import Actor
from provisioning.ca import Authority
from provisioning.certificates import key_id, new_key
from provisioning.errors import AlreadyExists, AuthorityProblem, StillInUse, StorageProblem, Unknown
from provisioning.files import write_atomically
from provisioning.records import NewDevice
from provisioning.rotation import Rotation
from tests.unit.provisioning.life import Moment

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

    from provisioning.enrolment import Enrolment
    from provisioning.registry import Registry

PASSPHRASE = b"correct horse battery staple"
OTHER = b"another horse, another staple"


@pytest.fixture
def clock() -> Moment:
    return Moment()


@pytest.fixture
def pki(tmp_path: Path, authority: Authority) -> Path:
    del authority
    return tmp_path / "pki"


@pytest.fixture
def rotation(engine: Engine, pki: Path, clock: Moment) -> Rotation:
    return Rotation(engine, pki, clock, actor=Actor("siti", "cli@hub"))


@pytest.fixture
def guarded(engine: Engine, rotation: Rotation, pki: Path, clock: Moment) -> Rotation:
    """The same, once its keys are encrypted."""
    rotation.encrypt(PASSPHRASE)
    return Rotation(engine, pki, clock, PASSPHRASE)


@pytest.fixture
def camera(registry: Registry, enrolment: Enrolment) -> Enrolment:
    """An enrolment for cam-1."""
    registry.add_device(NewDevice(id="cam-1", profile="generic_ipcamera"))
    return enrolment


def issuers(authority: Authority) -> list[str]:
    """The key ids of the issuing CAs, the one that signs first."""
    return [key_id(one) for one in authority.certificates[:-1]]


def signs(authority: Authority) -> x509.Certificate:
    return authority.issue_device(new_key().public_key(), "cam-1")


def test_another_ca_signs_and_the_earlier_one_is_trusted_still(authority: Authority, rotation: Rotation) -> None:
    before = signs(authority)
    [earlier] = issuers(authority)
    new = rotation.rotate()
    after = signs(authority)
    assert issuers(authority) == [new, earlier]
    assert before.issuer != after.issuer
    assert len(x509.load_pem_x509_certificates(authority.chain_pem)) == 3


def test_a_loaded_authority_knows_them_all(authority: Authority, rotation: Rotation, pki: Path, clock: Moment) -> None:
    [first] = issuers(authority)
    clock.pass_days(1)
    second = rotation.rotate()
    clock.pass_days(1)
    third = rotation.rotate()
    assert issuers(Authority.load(pki, clock=clock)) == [third, second, first]
    assert (pki / "chain.pem").read_bytes() == authority.chain_pem


def test_every_certificate_comes_with_its_own_issuer(authority: Authority, rotation: Rotation) -> None:
    before = signs(authority)
    rotation.rotate()
    for certificate in (before, signs(authority)):
        leaf, issuing = x509.load_pem_x509_certificates(authority.with_chain(certificate).presented_pem)
        leaf.verify_directly_issued_by(issuing)
        trusted = x509.load_pem_x509_certificates(authority.with_chain(certificate).chain_pem)
        assert set(trusted) == set(authority.certificates)


def test_all_files_are_private(rotation: Rotation, pki: Path) -> None:
    rotation.rotate()
    modes = {stat.S_IMODE(path.stat().st_mode) for path in pki.rglob("*") if path.is_file()}
    folders = {stat.S_IMODE(path.stat().st_mode) for path in (pki, pki / "previous")}
    assert (modes, folders) == ({0o600}, {0o700})


@pytest.mark.parametrize("crash_at", ["previous", "next.key", "chain.pem", "issuing.pem", "issuing.key"])
def test_a_crash_at_any_step_leaves_a_working_authority(
    pki: Path, rotation: Rotation, clock: Moment, monkeypatch: pytest.MonkeyPatch, crash_at: str
) -> None:
    """The disk fails at the file named, and at every one after it."""
    failed = False

    def write(path: Path, content: bytes) -> None:
        nonlocal failed
        failed = failed or crash_at in {path.name, path.parent.name}
        if failed:
            raise StorageProblem("no space left")
        write_atomically(path, content)

    def rename(source: Path, target: Path) -> None:
        write(target, b"")
        source.replace(target)

    monkeypatch.setattr(ca_folder, "write_atomically", write)
    monkeypatch.setattr(ca_folder, "_rename", rename)
    with pytest.raises(StorageProblem):
        rotation.rotate()
    monkeypatch.undo()
    signs(Authority.load(pki, clock=clock))
    rotation.rotate()
    signs(Authority.load(pki, clock=clock))


def test_a_rotation_that_fails_is_not_recorded(rotation: Rotation, pki: Path, engine: Engine) -> None:
    (pki / "root.key").unlink()
    with pytest.raises(AuthorityProblem, match="kept offline, name the file that holds it"):
        rotation.rotate()
    assert audit.read(engine, 10) == []


def test_an_earlier_ca_is_dropped_once_nothing_depends_on_it(
    authority: Authority, rotation: Rotation, camera: Enrolment, clock: Moment, pki: Path
) -> None:
    camera.issue_with_hub_key("cam-1", days=30)
    [earlier] = issuers(authority)
    new = rotation.rotate()
    with pytest.raises(StillInUse, match="1 certificates"):
        rotation.drop(earlier)
    clock.pass_days(31)
    rotation.drop(earlier)
    assert issuers(authority) == [new]
    assert not authority.trusts(earlier)
    assert list((pki / "previous").iterdir()) == []
    assert len(x509.load_pem_x509_certificates((pki / "chain.pem").read_bytes())) == 2


def test_an_earlier_ca_can_be_dropped_by_force(
    authority: Authority, rotation: Rotation, camera: Enrolment, engine: Engine
) -> None:
    camera.issue_with_hub_key("cam-1")
    [earlier] = issuers(authority)
    rotation.rotate()
    rotation.drop(earlier, force=True)
    [row] = audit.read(engine, 1)
    assert (row.action, row.detail) == ("authority.drop", {"issuer": earlier, "depending": 1})


def test_the_ca_that_signs_cannot_be_dropped(authority: Authority, rotation: Rotation) -> None:
    [current] = issuers(authority)
    with pytest.raises(Unknown, match="There is no earlier issuing CA"):
        rotation.drop(current, force=True)


def test_the_roots_key_goes_offline_and_comes_back(guarded: Rotation, pki: Path, tmp_path: Path, clock: Moment) -> None:
    stick = tmp_path / "root.key"
    guarded.export_root(stick)
    assert not (pki / "root.key").exists()
    assert stat.S_IMODE(stick.stat().st_mode) == 0o600
    assert b"ENCRYPTED" in stick.read_bytes()
    signs(Authority.load(pki, clock=clock, passphrase=PASSPHRASE))

    guarded.import_root(stick)
    assert (pki / "root.key").exists()
    guarded.rotate()


def test_a_root_that_is_offline_signs_from_where_it_is(guarded: Rotation, pki: Path, tmp_path: Path) -> None:
    guarded.export_root(tmp_path / "root.key")
    guarded.rotate(tmp_path / "root.key")
    assert not (pki / "root.key").exists()


def test_a_root_that_was_exported_keeps_its_passphrase(
    guarded: Rotation, pki: Path, tmp_path: Path, engine: Engine, clock: Moment
) -> None:
    guarded.export_root(tmp_path / "root.key")
    guarded.encrypt(OTHER)
    again = Rotation(engine, pki, clock, OTHER)
    with pytest.raises(AuthorityProblem, match="is not opened by the passphrase"):
        again.rotate(tmp_path / "root.key")
    again.rotate(tmp_path / "root.key", PASSPHRASE)
    again.import_root(tmp_path / "root.key", PASSPHRASE)
    again.rotate()


def test_the_roots_key_leaves_only_encrypted(rotation: Rotation, pki: Path, tmp_path: Path) -> None:
    with pytest.raises(AuthorityProblem, match="may leave only encrypted: run `cityhub ca encrypt` first"):
        rotation.export_root(tmp_path / "root.key")
    assert (pki / "root.key").exists()


def test_the_roots_key_overwrites_nothing(guarded: Rotation, pki: Path, tmp_path: Path) -> None:
    (tmp_path / "root.key").write_text("another city's")
    with pytest.raises(AlreadyExists):
        guarded.export_root(tmp_path / "root.key")
    assert (pki / "root.key").exists()


def test_a_key_that_cannot_be_written_stays_where_it_is(guarded: Rotation, pki: Path, tmp_path: Path) -> None:
    with pytest.raises(StorageProblem):
        guarded.export_root(tmp_path / "no stick" / "root.key")
    assert (pki / "root.key").exists()


def test_another_roots_key_is_refused(guarded: Rotation, tmp_path: Path, clock: Moment) -> None:
    Authority.create(tmp_path / "other", clock=clock)
    with pytest.raises(AuthorityProblem, match=r"root\.key is not the key of root\.pem"):
        guarded.import_root(tmp_path / "other" / "root.key")
    with pytest.raises(AuthorityProblem, match=r"root\.key is not the key of root\.pem"):
        guarded.rotate(tmp_path / "other" / "root.key")


def test_every_key_is_encrypted(rotation: Rotation, engine: Engine, pki: Path, clock: Moment) -> None:
    rotation.rotate()
    rotation.encrypt(PASSPHRASE)
    assert {b"ENCRYPTED" in path.read_bytes() for path in pki.rglob("*.key")} == {True}
    Rotation(engine, pki, clock, PASSPHRASE).rotate()
    assert {b"ENCRYPTED" in path.read_bytes() for path in pki.rglob("*.key")} == {True}
    signs(Authority.load(pki, clock=clock, passphrase=PASSPHRASE))


def test_an_encryption_that_was_interrupted_is_finished_by_another(
    guarded: Rotation, pki: Path, tmp_path: Path, clock: Moment
) -> None:
    shutil.copytree(pki, tmp_path / "before")
    guarded.encrypt(OTHER)
    shutil.copy(tmp_path / "before" / "root.key", pki / "root.key")
    Rotation(guarded._engine, pki, clock, PASSPHRASE).encrypt(OTHER)
    Rotation(guarded._engine, pki, clock, OTHER).rotate()


def test_a_short_passphrase_is_refused(rotation: Rotation) -> None:
    with pytest.raises(AuthorityProblem, match="shorter than 16 bytes: make one with `openssl rand -base64 32`"):
        rotation.encrypt(b"secret")


def test_a_wrong_passphrase_changes_nothing(guarded: Rotation, engine: Engine, pki: Path, clock: Moment) -> None:
    before = {path: path.read_bytes() for path in pki.rglob("*.key")}
    with pytest.raises(AuthorityProblem, match="is not opened by the passphrase"):
        Rotation(engine, pki, clock, OTHER).encrypt(OTHER)
    assert {path: path.read_bytes() for path in pki.rglob("*.key")} == before
    assert guarded.rotate()


def test_each_change_is_recorded(guarded: Rotation, engine: Engine, tmp_path: Path) -> None:
    guarded.export_root(tmp_path / "root.key")
    guarded.import_root(tmp_path / "root.key")
    guarded.rotate()
    rows = list(reversed(audit.read(engine, 10, "authority")))
    actions = ["authority.encrypt", "authority.export", "authority.import", "authority.rotate"]
    assert [row.action for row in rows] == actions
    assert rows[0].actor == "siti"
    assert PASSPHRASE.decode() not in repr(rows)


def test_a_running_hub_is_told(rotation: Rotation, registry: Registry) -> None:
    before = registry.latest_change()
    rotation.rotate()
    assert registry.changes_since(before) == (before + 1, set())


@pytest.mark.parametrize("name", ["key", "pem"])
def test_a_damaged_earlier_ca_is_named(rotation: Rotation, pki: Path, clock: Moment, name: str) -> None:
    rotation.rotate()
    [path] = (pki / "previous").glob(f"*.{name}")
    path.write_bytes(b"rubbish")
    with pytest.raises(AuthorityProblem, match=path.name):
        Authority.load(pki, clock=clock)
