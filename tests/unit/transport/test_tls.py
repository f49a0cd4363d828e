from __future__ import annotations

import ssl
import subprocess
from typing import TYPE_CHECKING

import pytest

from hub.errors import SettingsError
from hub.transport.options import MqttOptions
from hub.transport.tls import client_context

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.local_pki import Pki


@pytest.fixture
def options(pki: Pki) -> MqttOptions:
    hub = pki.service("hub.cityhub")
    return MqttOptions(host="localhost", ca_file=hub.ca_file, cert_file=hub.cert_file, key_file=hub.key_file)


def complaint(options: MqttOptions, **changes: Path) -> str:
    with pytest.raises(SettingsError) as caught:
        client_context(options.model_copy(update=changes))
    return str(caught.value)


def test_only_the_named_authority_is_trusted_and_names_are_checked(options: MqttOptions) -> None:
    context = client_context(options)

    assert len(context.get_ca_certs()) == 2
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize("content", [None, b"", b"-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n"])
def test_a_missing_or_bad_authority_is_named(options: MqttOptions, tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)

    assert complaint(options, ca_file=file).startswith(f"broker.ca_file: cannot use {file}: ")


@pytest.mark.parametrize("which", ["cert_file", "key_file"])
def test_a_missing_certificate_or_key_is_named(options: MqttOptions, tmp_path: Path, which: str) -> None:
    said = complaint(options, **{which: tmp_path / "lost.pem"})

    assert said.startswith("broker.cert_file, broker.key_file: cannot use ")
    assert str(tmp_path / "lost.pem") in said


def test_a_key_of_another_certificate_is_refused(options: MqttOptions, pki: Pki) -> None:
    assert "key values mismatch" in complaint(options, key_file=pki.service("other.cityhub").key_file).lower()


def test_an_encrypted_key_is_refused_without_asking_the_terminal(options: MqttOptions, tmp_path: Path) -> None:
    encrypted = tmp_path / "encrypted.key"
    command = ["openssl", "pkey", "-aes256", "-passout", "pass:1234", "-in", str(options.key_file), "-out"]
    subprocess.run([*command, str(encrypted)], check=True)

    assert "cannot use" in complaint(options, key_file=encrypted)
