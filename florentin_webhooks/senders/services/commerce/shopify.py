"""Shopify: orders, products, customers, and the topics of apps.

Source: https://shopify.dev/docs/apps/build/webhooks/subscribe/https and
https://shopify.dev/docs/apps/build/webhooks/troubleshooting-webhooks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from florentin_webhooks.senders.base import Retries
from florentin_webhooks.senders.schemes.encodings import Encoding
from florentin_webhooks.senders.schemes.format import SignatureFormat
from florentin_webhooks.senders.schemes.sender import TemplateSender
from florentin_webhooks.senders.schemes.template import Template

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Shopify"]


class Shopify(TemplateSender):
    """Shopify: only the body is signed; topic, id and time are not.

    An event is named by its topic: ``orders/create``, ``app/uninstalled``. The secret is the app's
    client secret. No time is signed, so no delivery is stale, and only the store's memory guards
    against a replay.
    """

    name = "Shopify"
    form = SignatureFormat(
        signature_header="X-Shopify-Hmac-Sha256",
        encoding=Encoding.BASE64,
        id_header="X-Shopify-Event-Id",
        event_header="X-Shopify-Topic",
    )
    template = Template.parse("{body}")
    # 8 in 4 hours, at growing delays that are not documented one by one.
    retries = Retries(
        (1800,) * 8,
        restamped=False,
        source="https://shopify.dev/docs/apps/build/webhooks/troubleshooting-webhooks",
    )

    def event_data(self, payload: Mapping[str, object]) -> object:
        """Return the whole payload: Shopify has no envelope."""
        return payload
