"""Florentin as a sender: the one value by which the core knows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from florentin_webhooks.senders.base import Retries
from florentin_webhooks.senders.florentin import envelope
from florentin_webhooks.senders.florentin.events import CATALOGUE
from florentin_webhooks.senders.florentin.headers import HEADERS
from florentin_webhooks.senders.florentin.signature import FlorentinSignature
from florentin_webhooks.senders.secrets import validate_strength

if TYPE_CHECKING:
    from florentin_webhooks.senders.base import Sender
    from florentin_webhooks.senders.secrets import Secrets

__all__ = ["FLORENTIN", "FlorentinSender"]

RETRIES = Retries((30, 120, 300), restamped=False, source="documentation, Webhooks & events")


class FlorentinSender:
    """Florentin's scheme, envelope, catalogue and headers."""

    name = "Florentin"
    catalogue = CATALOGUE
    headers = HEADERS
    is_open = False
    signs_delivery_id = False
    signs_url = False
    retries = RETRIES
    tolerance = RETRIES.tolerance
    retention = RETRIES.retention(signs_time=True)
    parse = staticmethod(envelope.parse)
    retry_content = staticmethod(envelope.retry_content)

    def scheme(self, secrets: Secrets) -> FlorentinSignature:
        """Return the signature scheme; raises :class:`ConfigurationError` for a weak secret."""
        validate_strength(secrets)
        return FlorentinSignature(secrets)


FLORENTIN: Sender = FlorentinSender()
