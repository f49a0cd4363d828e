from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from hub.profiles.certificate import CertificateSpec, certificate_rules
from provisioning.certificate_rules import USUAL, CertificateRule, KeyKind
from tests.shipped import PROFILES


def test_a_profile_that_says_nothing_asks_for_a_year_and_elliptic_curves() -> None:
    assert certificate_rules({"camera": PROFILES["generic_ipcamera"]}) == {"camera": USUAL}


def test_a_profile_may_ask_for_more_years_and_for_rsa() -> None:
    spec = CertificateSpec.model_validate({"years": 5, "key": "rsa"})
    old = PROFILES["generic_ipcamera"].model_copy(update={"certificate": spec})
    assert certificate_rules({"old": old}) == {"old": CertificateRule(5, KeyKind.RSA)}


@pytest.mark.parametrize("section", [{"years": 0}, {"years": 6}, {"years": 1.5}, {"key": "dsa"}, {"days": 30}])
def test_anything_else_is_refused(section: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        CertificateSpec.model_validate(section)
