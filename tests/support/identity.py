"""The keys under which a receiver records deliveries."""

from __future__ import annotations

from florentin_webhooks.protocol.fingerprint import compute_key_id, fingerprint, under_key


def recorded_key(body: bytes, secret: str, name: str = "") -> bytes:
    """Return the key of *body*, signed with *secret*, at the receiver *name*."""
    return under_key(compute_key_id(secret.encode(), name), fingerprint(body))
