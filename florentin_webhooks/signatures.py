"""Signature schemes: one module for each sender."""

from florentin_webhooks.senders.florentin.signature import (
    DELIVERY_ID_HEADER,
    EVENT_HEADER,
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    FlorentinSignature,
    iso_timestamp,
)
from florentin_webhooks.senders.secrets import Secrets

__all__ = [
    "DELIVERY_ID_HEADER",
    "EVENT_HEADER",
    "SIGNATURE_HEADER",
    "TIMESTAMP_HEADER",
    "FlorentinSignature",
    "Secrets",
    "iso_timestamp",
]
