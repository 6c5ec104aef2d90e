"""Rebuild a delivery from what the store remembers of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from florentin_webhooks.core.log import logger
from florentin_webhooks.errors import MalformedDelivery
from florentin_webhooks.protocol.delivery import Delivery
from florentin_webhooks.protocol.fingerprint import record_fingerprint
from florentin_webhooks.senders.base import Metadata

if TYPE_CHECKING:
    from collections.abc import Mapping

    from florentin_webhooks.core.spool import SpooledDelivery
    from florentin_webhooks.core.stores.jobs import JobClaim
    from florentin_webhooks.core.stores.queries import Record
    from florentin_webhooks.senders.base import Sender

__all__ = ["restore_delivery"]

_UNKNOWN_TIME = datetime.fromtimestamp(0, UTC)


def restore_delivery(
    sender: Sender, fingerprint: str, stored: JobClaim | Record | SpooledDelivery
) -> tuple[Delivery, Mapping[str, object]]:
    """Return the delivery and its envelope from the stored body, of any age.

    The stored key id names the secret, which may have been rotated out since. Raises
    :class:`MalformedDelivery` where it is not the body that was accepted.
    """
    signed_id = stored.delivery_id if sender.signs_delivery_id else None
    if record_fingerprint(stored.key_id, stored.body, signed_id) != fingerprint:
        logger.critical("The stored body of %s was changed. It is not processed.", fingerprint)
        raise MalformedDelivery("the stored body was changed")
    received_at = stored.received_at or _UNKNOWN_TIME
    metadata = Metadata(stored.secret, received_at, stored.delivery_id, stored.event or None)
    message = sender.parse(stored.body, metadata)
    delivery = Delivery(
        fingerprint=fingerprint,
        event=message.event,
        timestamp=message.timestamp,
        delivery_id=stored.delivery_id,
        secret=stored.secret,
        received_at=stored.received_at or message.timestamp,
        body=stored.body,
        key_id=stored.key_id,
    )
    return delivery, message.envelope
