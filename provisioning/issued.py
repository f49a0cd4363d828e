"""What issuing a certificate yields."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate with those that vouch for it, PEM; `others_pem` holds the other issuing CAs of the authority."""

    cert_pem: bytes
    issuing_pem: bytes
    root_pem: bytes
    others_pem: bytes = field(default=b"", kw_only=True)

    @property
    def presented_pem(self) -> bytes:
        """What a TLS endpoint presents: its own certificate, then the issuing CA's."""
        return self.cert_pem + self.issuing_pem

    @property
    def chain_pem(self) -> bytes:
        """What a TLS endpoint trusts: the issuing CA, the others, then the root."""
        return self.issuing_pem + self.others_pem + self.root_pem


@dataclass(frozen=True, slots=True)
class IssuedWithKey(Issued):
    """The same with the private key that was made for it, PEM (PKCS #8, not encrypted); never printed."""

    key_pem: bytes = field(repr=False)
