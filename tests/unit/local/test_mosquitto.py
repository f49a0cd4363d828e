from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hub.errors import SettingsError
from hub.local.mosquitto import ServerFiles, render_acl, render_config
from hub.local.options import ManagedBrokerOptions
from provisioning.errors import InvalidIdentity

SERVER = ServerFiles(
    Path("/pki/ca.pem"), Path("/pki/broker.pem"), Path("/pki/broker.key"), Path("/services/hub-ca.pem")
)
FOLDER = Path("/state/mosquitto")
ACL = Path("/state/mosquitto/acl")


def _listeners(config: str) -> list[list[str]]:
    """Return the lines of each listener, its own line first."""
    return [part.strip().splitlines() for part in ("\n" + config).split("\nlistener ")[1:]]


def test_devices_get_what_the_contract_names_in_its_direction_and_nothing_else() -> None:
    assert render_acl([]).splitlines()[1:] == [
        "pattern write devices/%u/telemetry",
        "pattern write devices/%u/events",
        "pattern write devices/%u/status",
        "pattern write devices/%u/reported",
        "pattern write devices/%u/replies",
        "pattern read devices/%u/desired",
        "pattern read devices/%u/commands/#",
        "pattern read devices/%u/acks",
        "pattern write devices/%u/children/+/telemetry",
        "pattern write devices/%u/children/+/events",
        "pattern write devices/%u/children/+/status",
        "pattern write devices/%u/children/+/reported",
        "pattern write devices/%u/children/+/replies",
        "pattern read devices/%u/children/+/desired",
        "pattern read devices/%u/children/+/commands/#",
        "pattern read devices/%u/children/+/acks",
    ]


def test_a_service_gets_everything() -> None:
    assert render_acl(["hub.cityhub"]).splitlines()[-3:] == [
        "user hub.cityhub",
        "topic readwrite #",
        "topic read $SYS/#",
    ]


@pytest.mark.parametrize("name", ["cam-1", "", "hub.cityhub\ntopic readwrite #", "#"])
def test_a_name_that_is_no_services_gets_nothing(name: str) -> None:
    with pytest.raises(InvalidIdentity):
        render_acl([name])


def test_both_listeners_demand_a_certificate() -> None:
    for lines in _listeners(render_config(ManagedBrokerOptions(), SERVER, FOLDER, ACL)):
        assert "allow_anonymous false" in lines
        assert "require_certificate true" in lines
        assert "use_identity_as_username true" in lines


def test_only_devices_are_bound_to_their_client_id() -> None:
    devices, hub = _listeners(render_config(ManagedBrokerOptions(), SERVER, FOLDER, ACL))
    assert (devices[0], "use_username_as_clientid true" in devices) == ("8883 0.0.0.0", True)
    assert (hub[0], "use_username_as_clientid true" in hub) == ("8884 127.0.0.1", False)


def test_the_backlog_is_bounded_in_bytes_only() -> None:
    lines = render_config(ManagedBrokerOptions(max_queued_mb=3), SERVER, FOLDER, ACL).splitlines()
    assert "max_queued_messages 0" in lines
    assert "max_queued_bytes 3145728" in lines


def test_the_lists_of_who_may_what_are_the_devices_alone() -> None:
    server = replace(SERVER, crl_file=Path("/pki/crl.pem"))
    listeners = _listeners(render_config(ManagedBrokerOptions(), server, FOLDER, ACL))
    assert [f"acl_file {ACL}" in lines for lines in listeners] == [True, False]
    assert ["crlfile /pki/crl.pem" in lines for lines in listeners] == [True, False]


def test_each_listener_trusts_another_ca() -> None:
    devices, hub = _listeners(render_config(ManagedBrokerOptions(), SERVER, FOLDER, ACL))
    assert "cafile /pki/ca.pem" in devices
    assert "cafile /services/hub-ca.pem" in hub


@pytest.mark.parametrize("name", ["ca.pem\nallow_anonymous true", "ca.pem ", "ca\x00.pem"])
def test_a_path_that_would_be_read_as_something_else_is_refused(name: str) -> None:
    server = replace(SERVER, ca_file=Path("/pki") / name)
    with pytest.raises(SettingsError, match="mosquitto cannot read '/pki/ca"):
        render_config(ManagedBrokerOptions(), server, FOLDER, ACL)
