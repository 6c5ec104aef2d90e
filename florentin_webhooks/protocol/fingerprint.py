"""Which deliveries are the same one.

Identity comes from signed bytes: an attacker who captured a delivery can send it again under any
headers. So the fingerprint of the signed bytes is the delivery's key, and an unsigned delivery id
only helps to recognise a retry that the sender stamped again.
"""

from __future__ import annotations

from hashlib import sha256
from typing import NamedTuple

__all__ = ["RetryKey", "content_key", "fingerprint"]


class RetryKey(NamedTuple):
    """A delivery id and the content that was sent under it, both as 16 bytes of SHA-256."""

    delivery_id: bytes
    content: bytes


def fingerprint(body: bytes, signed_id: str | None = None) -> bytes:
    """Return the 16 bytes that identify a delivery: half of the SHA-256 of its signed *body*.

    *signed_id* is the delivery id, only where the signature covers it.
    """
    signed = body if signed_id is None else signed_id.encode() + b"\0" + body
    return sha256(signed).digest()[:16]


def content_key(delivery_id: str, content: bytes) -> RetryKey:
    """Return the key of *content*, the signed bytes without their time, under *delivery_id*."""
    return RetryKey(fingerprint(delivery_id.encode()), fingerprint(content))
