"""What a profile says of its devices' certificates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from hub.profiles.vocabulary import Strict
from provisioning.certificate_rules import CertificateRule, KeyKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hub.profiles.schema import Profile


class CertificateSpec(Strict):
    """How long a certificate lives, and which key the hub makes for it when the device brings none.

    Attributes:
        years: more than one for a model that cannot renew by itself (EST).
        key: `rsa` (2,048 bits) for a model without elliptic curves.
    """

    years: int = Field(default=1, ge=1, le=5)
    key: Literal["ec", "rsa"] = "ec"


def certificate_rules(profiles: Mapping[str, Profile]) -> dict[str, CertificateRule]:
    """Return the rules of provisioning that these profiles state, by the profiles' names."""
    specs = {name: profile.certificate for name, profile in profiles.items()}
    return {name: CertificateRule(spec.years, KeyKind(spec.key)) for name, spec in specs.items()}
