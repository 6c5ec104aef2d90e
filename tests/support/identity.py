"""The keys under which a receiver records deliveries."""

from __future__ import annotations

from florentin_webhooks.protocol.fingerprint import (
    RetryKey,
    compute_key_id,
    content_key,
    fingerprint,
    under_key,
)
from florentin_webhooks.senders.florentin.envelope import retry_content


def recorded_key(body: bytes, secret: str, name: str = "") -> bytes:
    """Return the key of *body*, signed with *secret*, at the receiver *name*."""
    return under_key(compute_key_id(secret.encode(), name), fingerprint(body))


def retry_key(delivery_id: str | None, body: bytes) -> RetryKey | None:
    """Return the key of Florentin's retries of *body*, under no key id."""
    content = retry_content(delivery_id, body)
    return None if delivery_id is None or content is None else content_key(delivery_id, content)
