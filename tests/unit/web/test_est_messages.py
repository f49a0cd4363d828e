from __future__ import annotations

import base64
import subprocess
from contextlib import suppress

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from hub.web.est.messages import attributes_body, certificates_body, read_body
from provisioning.certificates import make_issuing, make_root, new_key
from provisioning.clock import utc
from provisioning.csr import read_request
from provisioning.errors import BadRequest, ProvisioningError

KEY = new_key()
REQUEST = (
    x509.CertificateSigningRequestBuilder()
    .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cam-1")]))
    .sign(KEY, SHA256())
)
DER, PEM = REQUEST.public_bytes(Encoding.DER), REQUEST.public_bytes(Encoding.PEM)
BASE64 = base64.b64encode(DER)
WHITE = st.text(" \t\r\n", max_size=3).map(str.encode)


def damaged(body: bytes) -> st.SearchStrategy[bytes]:
    """The body with some bytes replaced, removed or doubled."""
    places = st.integers(0, len(body))
    return st.builds(lambda at, to, new: body[:at] + new + body[to:], places, places, st.binary(max_size=4))


@pytest.mark.parametrize(
    "body",
    [BASE64, base64.encodebytes(DER), BASE64 + b"\r\n", DER, PEM, b"\n" + PEM, base64.b64encode(PEM)],
    ids=["one line", "many lines", "newline at the end", "DER", "PEM", "PEM after a newline", "PEM in base64"],
)
def test_a_request_is_found_in_every_form_that_clients_send(body: bytes) -> None:
    assert read_request(read_body(body), "cam-1") == KEY.public_key()


@given(gaps=st.lists(st.tuples(st.integers(0, len(BASE64)), WHITE), max_size=20))
def test_line_breaks_may_stand_anywhere_in_base64(gaps: list[tuple[int, bytes]]) -> None:
    body = BASE64
    for at, gap in gaps:
        body = body[:at] + gap + body[at:]
    assert read_body(body) == DER


@pytest.mark.parametrize("body", [b"", b" \r\n", b"MIIB*", BASE64[:-3], b"0", b"0A", "Ã¤".encode()])
def test_what_is_no_base64_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequest):
        read_request(read_body(body), "cam-1")


@given(st.binary(max_size=2000) | damaged(BASE64) | damaged(DER) | damaged(PEM))
def test_any_body_is_a_request_or_an_error_in_words(body: bytes) -> None:
    with suppress(ProvisioningError):
        read_request(read_body(body), "cam-1")


def test_certificates_stand_on_one_line() -> None:
    root = make_root(utc(1_790_000_000 * 10**9))
    issuing = make_issuing(root, utc(1_790_000_000 * 10**9))
    body = certificates_body([issuing.certificate, root.certificate])
    found = pkcs7.load_der_pkcs7_certificates(base64.b64decode(body))
    assert (b"\n" in body, set(found)) == (False, {issuing.certificate, root.certificate})


def test_openssl_reads_in_the_attributes_what_the_hub_wishes() -> None:
    command = ["openssl", "asn1parse", "-inform", "DER"]
    parsed = subprocess.run(command, input=base64.b64decode(attributes_body()), capture_output=True, check=True).stdout
    assert [line.rpartition(b":")[2] for line in parsed.splitlines() if b"OBJECT" in line] == [
        b"id-ecPublicKey",
        b"prime256v1",
        b"ecdsa-with-SHA256",
    ]
