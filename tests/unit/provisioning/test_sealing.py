"""What is sealed opens with the same CA's key, for the same purpose, and only unaltered."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.certificates import make_root
from provisioning.clock import utc
from provisioning.sealing import seal, unseal
from tests.unit.provisioning.life import NOW_NS

SIGNER, OTHER = make_root(utc(NOW_NS)), make_root(utc(NOW_NS))


@given(st.binary(), st.binary())
def test_it_opens_again(secret: bytes, purpose: bytes) -> None:
    assert unseal(SIGNER, seal(SIGNER, secret, purpose), purpose) == secret


def test_it_opens_for_nobody_and_nothing_else() -> None:
    sealed = seal(SIGNER, b"secret", b"cam-1")
    assert unseal(OTHER, sealed, b"cam-1") is None
    assert unseal(SIGNER, sealed, b"cam-2") is None


def test_no_two_look_alike() -> None:
    assert seal(SIGNER, b"secret", b"") != seal(SIGNER, b"secret", b"")


@pytest.mark.parametrize("length", [0, 7, 8, 11, 12, 20, 33])
def test_cut_short_it_does_not_open(length: int) -> None:
    assert unseal(SIGNER, seal(SIGNER, b"secret", b"")[:length], b"") is None


@given(st.binary(max_size=60))
def test_rubbish_does_not_open(sealed: bytes) -> None:
    assert unseal(SIGNER, sealed, b"") is None
