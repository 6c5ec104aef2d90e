"""Rebuild a delivery from what the store remembers of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from florentin_webhooks.core.log import logger
from florentin_webhooks.core.stores.jobs import JobClaim
from florentin_webhooks.core.verifier import read_envelope
from florentin_webhooks.errors import MalformedDelivery
from florentin_webhooks.protocol.delivery import Delivery
from florentin_webhooks.protocol.fingerprint import fingerprint as fingerprint_of

if TYPE_CHECKING:
    from datetime import datetime

    from florentin_webhooks.core.stores.queries import Record

__all__ = [
    "restore_delivery",
]


def restore_delivery(
    fingerprint: str, told: JobClaim | Record
) -> tuple[Delivery, dict[str, object]]:
    """Give the delivery and its envelope from the body that was remembered, of whatever age.

    Raises :class:`MalformedDelivery` where it is not the body that was accepted.
    """
    if fingerprint_of(told.body).hex() != fingerprint:
        logger.critical(
            "the body of %s is not the one that was accepted; it is not run", fingerprint
        )
        message = "the remembered body was changed"
        raise MalformedDelivery(message)
    envelope = read_envelope(told.body)
    delivery = Delivery(
        fingerprint=fingerprint,
        event=str(envelope["event"]),
        timestamp=cast("datetime", envelope["timestamp"]),
        delivery_id=told.delivery_id,
        secret=told.secret,
        received_at=told.received_at or cast("datetime", envelope["timestamp"]),
        body=told.body,
    )
    return delivery, envelope
