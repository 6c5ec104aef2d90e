"""Paddle Billing: transactions, subscriptions, customers.

Source: https://developer.paddle.com/webhooks/signature-verification and
https://developer.paddle.com/webhooks/respond-to-webhooks.
"""

from __future__ import annotations

from florentin_webhooks.senders.base import Retries
from florentin_webhooks.senders.schemes.format import SignatureFormat
from florentin_webhooks.senders.schemes.sender import TemplateSender
from florentin_webhooks.senders.schemes.template import Template

__all__ = ["Paddle"]


class Paddle(TemplateSender):
    """Paddle Billing: time and body are signed, the event's id (``evt_...``) is in the body.

    The secret (``pdl_ntfset_...``) is used as it is shown.
    """

    name = "Paddle"
    form = SignatureFormat(
        signature_header="Paddle-Signature", prefix="h1=", separator=";", time_prefix="ts="
    )
    template = Template.parse("{timestamp}:{body}")
    # 60 in 3 days, of which 20 in the first hour and 47 on the first day. Each must be signed
    # again: Paddle's own library refuses what is older than 5 seconds.
    retries = Retries(
        (180,) * 20 + (82_800 / 27,) * 27 + (172_800 / 13,) * 13,
        source="https://developer.paddle.com/webhooks/respond-to-webhooks#handle-retries",
    )
    id_field = "event_id"
    event_field = "event_type"
    time_field = "occurred_at"
