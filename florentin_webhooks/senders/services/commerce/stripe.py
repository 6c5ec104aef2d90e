"""Stripe: snapshot events, and thin events of its second API.

Source: https://docs.stripe.com/webhooks and https://docs.stripe.com/webhooks/signature.
"""

from __future__ import annotations

from florentin_webhooks.senders.base import Retries
from florentin_webhooks.senders.schemes.format import SignatureFormat
from florentin_webhooks.senders.schemes.sender import TemplateSender
from florentin_webhooks.senders.schemes.template import Template
from florentin_webhooks.senders.services.commerce.stripe_events import EVENTS

__all__ = ["Stripe"]


class Stripe(TemplateSender):
    """Stripe: time and body are signed, the event's id (``evt_...``) is in the body.

    The secret is used as it is shown, ``whsec_`` included. ``event.data`` is Stripe's ``data``,
    with the ``object``; a thin event has none, and there it is the whole body.
    """

    name = "Stripe"
    form = SignatureFormat(
        signature_header="Stripe-Signature", prefix="v1=", separator=",", time_prefix="t="
    )
    documented_events = frozenset(f"{family}.*" for family in EVENTS)
    template = Template.parse("{timestamp}.{body}")
    # For up to three days, with exponential delays that are not documented one by one.
    retries = Retries((3 * 86_400,), source="https://docs.stripe.com/webhooks#retries")
    id_field = "id"
    time_field = "created"
