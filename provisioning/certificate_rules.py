"""How long a device's certificate lives, and which key the hub makes for it: a rule a device profile.

A year and P-256, unless the profile says that the model cannot renew by itself, or has no elliptic curves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, TypeAlias


class KeyKind(StrEnum):
    """The kinds of key that the hub makes: P-256 and RSA-2048."""

    EC = "ec"
    RSA = "rsa"


@dataclass(frozen=True, slots=True)
class CertificateRule:
    """What a profile says of its devices' certificates; their own keys are whatever provisioning/csr.py accepts."""

    years: int = 1
    key: KeyKind = KeyKind.EC

    @property
    def days(self) -> int:
        """For how many days a certificate is issued."""
        return self.years * 365


Rules: TypeAlias = Mapping[str, CertificateRule]
"""By the profile's name, or by the device's where it says so; what is not in it goes by USUAL."""

USUAL: Final = CertificateRule()
NO_RULES: Final[Rules] = MappingProxyType({})
