"""The port of a spool, in which deliveries wait while the store does not answer."""

from florentin_webhooks.core.spool.delivery import SpooledDelivery, restore_identity, spool_entry
from florentin_webhooks.core.spool.port import DeliverySpool, SpoolEntry, SpoolFacts

__all__ = [
    "DeliverySpool",
    "SpoolEntry",
    "SpoolFacts",
    "SpooledDelivery",
    "restore_identity",
    "spool_entry",
]
