"""Keys on disk, and the passphrase that opens them."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from provisioning.ca import Authority
from provisioning.certificates import new_key
from provisioning.errors import AuthorityProblem
from provisioning.files import write_atomically
from provisioning.keystore import VARIABLE, find_passphrase, key_pem, read_key, read_passphrase

if TYPE_CHECKING:
    from pathlib import Path

    from provisioning.clock import Clock

PASSPHRASE = b"correct horse battery staple"


def test_a_key_is_encrypted_at_rest(tmp_path: Path) -> None:
    key = new_key()
    write_atomically(tmp_path / "a.key", key_pem(key, PASSPHRASE))
    assert (tmp_path / "a.key").read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    assert read_key(tmp_path / "a.key", PASSPHRASE).public_key() == key.public_key()


def test_a_key_without_encryption_is_read_with_and_without_a_passphrase(tmp_path: Path) -> None:
    key = new_key()
    write_atomically(tmp_path / "a.key", key_pem(key, None))
    for passphrase in (None, PASSPHRASE):
        assert read_key(tmp_path / "a.key", passphrase).public_key() == key.public_key()


@pytest.mark.parametrize(
    ("passphrase", "sentence"),
    [(None, f"a.key is encrypted: name the file that holds its passphrase in {VARIABLE}"), (b"no", "is not opened by")],
)
def test_an_encrypted_key_stays_closed(tmp_path: Path, passphrase: bytes | None, sentence: str) -> None:
    write_atomically(tmp_path / "a.key", key_pem(new_key(), PASSPHRASE))
    with pytest.raises(AuthorityProblem, match=sentence):
        read_key(tmp_path / "a.key", passphrase)


def test_an_authority_works_with_encrypted_keys(tmp_path: Path, clock: Clock) -> None:
    Authority.create(tmp_path / "pki", clock=clock, passphrase=PASSPHRASE)
    authority = Authority.load(tmp_path / "pki", clock=clock, passphrase=PASSPHRASE)
    authority.issue_device(new_key().public_key(), "cam-1")
    with pytest.raises(AuthorityProblem, match="is encrypted"):
        Authority.load(tmp_path / "pki", clock=clock)
    for name in ("root.key", "issuing.key"):
        assert b"ENCRYPTED" in (tmp_path / "pki" / name).read_bytes()
        assert stat.S_IMODE((tmp_path / "pki" / name).stat().st_mode) == 0o600


def test_no_passphrase_is_set_up_by_default() -> None:
    assert find_passphrase({}) is None
    assert find_passphrase({VARIABLE: ""}) is None


@pytest.mark.parametrize("ending", [b"", b"\n", b"\r\n"])
def test_the_passphrase_is_in_the_file_that_is_named(tmp_path: Path, ending: bytes) -> None:
    write_atomically(tmp_path / "secret", PASSPHRASE + ending)
    assert find_passphrase({VARIABLE: str(tmp_path / "secret")}) == PASSPHRASE


def test_the_passphrase_is_a_credential_of_systemd(tmp_path: Path) -> None:
    (tmp_path / "ca-passphrase").write_bytes(PASSPHRASE)
    (tmp_path / "ca-passphrase").chmod(0o440)  # as systemd shows a credential that an access list guards
    assert find_passphrase({"CREDENTIALS_DIRECTORY": str(tmp_path)}) == PASSPHRASE


def test_a_service_with_other_credentials_has_no_passphrase(tmp_path: Path) -> None:
    assert find_passphrase({"CREDENTIALS_DIRECTORY": str(tmp_path)}) is None


def test_the_file_that_is_named_goes_before_the_credential(tmp_path: Path) -> None:
    (tmp_path / "ca-passphrase").write_bytes(b"of systemd")
    write_atomically(tmp_path / "secret", PASSPHRASE)
    environment = {"CREDENTIALS_DIRECTORY": str(tmp_path), VARIABLE: str(tmp_path / "secret")}
    assert find_passphrase(environment) == PASSPHRASE


def test_a_passphrase_that_cannot_be_read_is_not_taken_for_none(tmp_path: Path) -> None:
    with pytest.raises(AuthorityProblem, match="missing cannot be read: No such file"):
        find_passphrase({VARIABLE: str(tmp_path / "missing")})


def test_an_empty_passphrase_is_refused(tmp_path: Path) -> None:
    write_atomically(tmp_path / "secret", b"\n")
    with pytest.raises(AuthorityProblem, match="secret is empty"):
        read_passphrase(tmp_path / "secret")


def test_a_passphrase_that_others_may_read_is_refused(tmp_path: Path) -> None:
    write_atomically(tmp_path / "secret", PASSPHRASE, 0o644)
    with pytest.raises(AuthorityProblem, match="may be read by others: chmod 600"):
        read_passphrase(tmp_path / "secret")
