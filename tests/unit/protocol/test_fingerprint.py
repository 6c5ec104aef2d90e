"""Which bytes are one delivery."""

from __future__ import annotations

from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from florentin_webhooks.protocol.fingerprint import content_key, fingerprint


def test_fingerprint_is_half_of_the_sha_256_of_the_body() -> None:
    assert fingerprint(b"{}") == sha256(b"{}").digest()[:16]


@given(body=st.binary(), other=st.binary())
def test_bodies_share_a_fingerprint_only_if_equal(body: bytes, other: bytes) -> None:
    assert (fingerprint(body) == fingerprint(other)) == (body == other)


def test_signed_id_is_part_of_the_identity() -> None:
    keys = {fingerprint(b"{}"), fingerprint(b"{}", ""), fingerprint(b"{}", "a")}
    assert len(keys) == 3


def test_signed_id_cannot_borrow_bytes_of_the_body() -> None:
    assert fingerprint(b"bc", "a") != fingerprint(b"c", "ab")


def test_content_key_differs_by_id_and_by_content() -> None:
    assert len({content_key(*each) for each in (("a", b"1"), ("a", b"2"), ("b", b"1"))}) == 3
