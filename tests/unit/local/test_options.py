from __future__ import annotations

import pytest
from pydantic import BaseModel, ValidationError

from hub.local.options import ManagedBrokerOptions, ManagedInfluxOptions


@pytest.mark.parametrize("listen", ["127.0.0.1", "192.168.10.2", "::", "fd00::1"])
def test_the_broker_listens_on_an_ip_address(listen: str) -> None:
    assert ManagedBrokerOptions(listen=listen).listen == listen


@pytest.mark.parametrize("listen", ["", "hub.lan", "1.2.3.4\nallow_anonymous true", "1.2.3.4:8883"])
def test_the_broker_listens_on_nothing_else(listen: str) -> None:
    with pytest.raises(ValidationError, match="does not appear to be an IPv4 or IPv6 address"):
        ManagedBrokerOptions(listen=listen)


@pytest.mark.parametrize(
    ("options", "ports"),
    [
        (ManagedBrokerOptions, {"port": 1883, "hub_port": 1883}),
        (ManagedInfluxOptions, {"port": 8086, "rpc_port": 8086}),
    ],
)
def test_one_port_cannot_serve_two_purposes(options: type[BaseModel], ports: dict[str, int]) -> None:
    with pytest.raises(ValidationError, match="choose two different ones"):
        options.model_validate(ports)
