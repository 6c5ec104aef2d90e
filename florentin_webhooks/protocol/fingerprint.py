"""Say which deliveries are the same one.

Identity comes from signed bytes (contract, "What follows from it"): whoever captured a delivery
can send it again under any headers. So the fingerprint of the body is the delivery's key, and the
unsigned delivery id only helps to recognise a retry that the sender stamped anew.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import NamedTuple

__all__ = ["RetryKey", "fingerprint", "retry_key"]

_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
# Behind a backslash, the quote belongs to a longer name. That is looked at last, so that the regex
# begins with what can be searched for.
_TIMESTAMP = re.compile(rb'"timestamp"(?<!\\"timestamp")\s*+:\s*+"[^"\\]*+"')


class RetryKey(NamedTuple):
    """Tie a delivery id to what was sent under it, both as 16 bytes of SHA-256."""

    delivery_id: bytes
    content: bytes


def fingerprint(body: bytes) -> bytes:
    """Give the 16 bytes that identify a signed *body*: half of its SHA-256."""
    return sha256(body).digest()[:16]


def retry_key(delivery_id: str | None, body: bytes) -> RetryKey | None:
    """Give what recognises a retry with a new timestamp; nothing where there is no delivery id.

    Without an id, two genuine events that differ in nothing but their time would be one.
    """
    if delivery_id is None:
        return None
    return RetryKey(fingerprint(delivery_id.encode()), fingerprint(_without_timestamp(body)))


def _without_timestamp(body: bytes) -> bytes:
    """Cut the envelope's own timestamp out of a JSON *body*; one inside ``data`` stays."""
    depth = position = 0
    for match in _TIMESTAMP.finditer(body):
        between = body[position : match.start()]
        if not position and between.count(b"{") + between.count(b"[") == 1:
            return body[: match.start()] + body[match.end() :]  # As Florentin writes it.
        between = _STRING.sub(b"", between)
        depth += between.count(b"{") + between.count(b"[")
        depth -= between.count(b"}") + between.count(b"]")
        if depth == 1:
            return body[: match.start()] + body[match.end() :]
        position = match.end()
    return body
