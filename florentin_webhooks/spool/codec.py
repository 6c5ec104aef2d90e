"""Encode a waiting delivery as one value: a line of JSON, then the body as it arrived."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from florentin_webhooks.core.spool import SpooledDelivery
from florentin_webhooks.spool.seal import UnreadableContent

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["decode", "encode"]


def encode(delivery: SpooledDelivery) -> bytes:
    """Return the content of *delivery*, without what the file has in columns of its own."""
    fields = {
        "event": delivery.event,
        "delivery_id": delivery.delivery_id,
        "secret": delivery.secret,
        "key_id": delivery.key_id,
        "key_ids": delivery.key_ids,
    }
    return json.dumps(fields).encode() + b"\n" + delivery.body


def decode(fingerprint: str, owner: str, received_at: datetime, content: bytes) -> SpooledDelivery:
    """Return the delivery with *content*. Raises :class:`UnreadableContent`."""
    head, _, body = content.partition(b"\n")
    try:
        fields = json.loads(head)
        key_ids = tuple(fields["key_ids"])
        names = (fields["event"], fields["delivery_id"], fields["secret"], fields["key_id"])
    except (ValueError, KeyError, TypeError):
        raise UnreadableContent("its content is damaged") from None
    return SpooledDelivery(fingerprint, owner, *names, key_ids, received_at, body)
