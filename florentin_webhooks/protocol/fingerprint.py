"""Identity of deliveries: fingerprints of bodies, and keys that recognise retries.

Identity comes from signed bytes: a captured delivery can be sent again under any headers. So the
fingerprint of the body is the delivery's key, and the unsigned delivery id only helps to recognise
a retry with a new timestamp.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import NamedTuple

__all__ = ["RetryKey", "fingerprint", "retry_key"]

_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
# After a backslash, the quote belongs to a longer name. That is checked last, so that the regex
# begins with a literal, which is searched fastest.
_TIMESTAMP = re.compile(rb'"timestamp"(?<!\\"timestamp")\s*+:\s*+"[^"\\]*+"')


class RetryKey(NamedTuple):
    """A delivery id and the content sent under it, both as 16 bytes of SHA-256."""

    delivery_id: bytes
    content: bytes


def fingerprint(body: bytes) -> bytes:
    """Return the 16 bytes that identify a signed *body*: half of its SHA-256."""
    return sha256(body).digest()[:16]


def retry_key(delivery_id: str | None, body: bytes) -> RetryKey | None:
    """Return the key that recognises a retry with a new timestamp; None without a delivery id.

    Without an id, two genuine events that differ only in their time would be one.
    """
    if delivery_id is None:
        return None
    return RetryKey(fingerprint(delivery_id.encode()), fingerprint(_without_timestamp(body)))


def _without_timestamp(body: bytes) -> bytes:
    """Return a JSON *body* without the envelope's own timestamp; one in ``data`` stays."""
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
