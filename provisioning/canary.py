"""The canary: a certificate that is on the list of its issuing CA from the start, with its key.

Whoever presents it to a broker must be refused; when it gets in, the broker does not enforce the list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography import x509

from provisioning.certificates import issuer_id, key_id
from provisioning.files import write_atomically

if TYPE_CHECKING:
    from pathlib import Path

    from provisioning.ca import Authority


def ensure_canary(path: Path, authority: Authority) -> None:
    """Write the canary's certificate, its issuing CA's and its key, PEM in one file, unless it is there already.

    After a rotation, or when it is damaged, it is made anew. Two processes may do so at once: either file is whole,
    and its certificate has the serial number that is on the list.

    Raises:
        AuthorityProblem: the issuing CA is not valid now.
        StorageProblem: the file cannot be written.
    """
    if not _is_current(path, key_id(authority.certificates[0])):
        issued = authority.issue_canary()
        write_atomically(path, issued.presented_pem + issued.key_pem)


def _is_current(path: Path, issuer: str) -> bool:
    try:
        return issuer_id(x509.load_pem_x509_certificate(path.read_bytes())) == issuer
    except (OSError, ValueError, x509.ExtensionNotFound):
        return False
