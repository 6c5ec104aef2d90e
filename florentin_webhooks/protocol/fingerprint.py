"""Which deliveries are the same one.

Identity comes from what was signed, and from the secret that signed it: an attacker who captured a
delivery can send it again under any headers, and two endpoints may receive the same bytes. So the
fingerprint covers the signed bytes and the id of the key, and an unsigned delivery id only helps to
recognise a retry that the sender stamped again.
"""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import NamedTuple

__all__ = ["RetryKey", "compute_key_id", "content_key", "fingerprint", "under_key"]

_KEY_ID = b"florentin_webhooks: key id\0"
_UNDER_KEY = b"florentin_webhooks: delivery under a key\0"


class RetryKey(NamedTuple):
    """A delivery id and the content that was sent under it, both as 16 bytes of SHA-256."""

    delivery_id: bytes
    content: bytes


def fingerprint(body: bytes, signed_id: str | None = None) -> bytes:
    """Return 16 bytes that identify what was signed: half of the SHA-256 of the *body*.

    *signed_id* is the delivery id, only where the signature covers it.
    """
    signed = body if signed_id is None else signed_id.encode() + b"\0" + body
    return sha256(signed).digest()[:16]


def content_key(delivery_id: str, content: bytes) -> RetryKey:
    """Return the key of *content*, the signed bytes without their time, under *delivery_id*."""
    return RetryKey(fingerprint(delivery_id.encode()), fingerprint(content))


def compute_key_id(secret: bytes, receiver: str = "") -> str:
    """Return 16 hex digits that identify *secret* and the name of the *receiver*.

    A keyed digest: it is the same for the same secret, and does not reveal it.
    """
    return hmac.digest(secret, _KEY_ID + receiver.encode(), "sha256")[:8].hex()


def under_key(key_id: str, digest: bytes) -> bytes:
    """Return *digest*, 16 bytes of what was signed, as a key of the deliveries under *key_id*.

    Without a key id, as versions before 0.2 identified deliveries, it is *digest* itself.
    """
    if not key_id:
        return digest
    return sha256(_UNDER_KEY + bytes.fromhex(key_id) + digest).digest()[:16]
