"""Senders of signed webhooks: how each signs, what it sends."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__all__ = [
    "SNS",
    "Discord",
    "GitHub",
    "HMACSender",
    "HTTPSignature",
    "Linear",
    "Mailgun",
    "Paddle",
    "SendGrid",
    "Shopify",
    "Slack",
    "Square",
    "StandardWebhooks",
    "Stripe",
    "Svix",
    "Twilio",
    "Zoom",
]

if TYPE_CHECKING:
    from florentin_webhooks.senders.services.commerce.paddle import Paddle
    from florentin_webhooks.senders.services.commerce.shopify import Shopify
    from florentin_webhooks.senders.services.commerce.square import Square
    from florentin_webhooks.senders.services.commerce.stripe import Stripe
    from florentin_webhooks.senders.services.discord import Discord
    from florentin_webhooks.senders.services.github import GitHub
    from florentin_webhooks.senders.services.linear import Linear
    from florentin_webhooks.senders.services.mailgun import Mailgun
    from florentin_webhooks.senders.services.slack import Slack
    from florentin_webhooks.senders.services.sns import SNS
    from florentin_webhooks.senders.services.twilio.sendgrid import SendGrid
    from florentin_webhooks.senders.services.twilio.twilio import Twilio
    from florentin_webhooks.senders.services.zoom import Zoom
    from florentin_webhooks.senders.standards.hmac_sender import HMACSender
    from florentin_webhooks.senders.standards.http_signature import HTTPSignature
    from florentin_webhooks.senders.standards.standard_webhooks import StandardWebhooks, Svix
else:
    # Loaded on first use, so that a program pays only for its own senders.
    _HOMES = {
        "SNS": "services.sns",
        "Discord": "services.discord",
        "GitHub": "services.github",
        "HMACSender": "standards.hmac_sender",
        "HTTPSignature": "standards.http_signature",
        "Linear": "services.linear",
        "Mailgun": "services.mailgun",
        "Paddle": "services.commerce.paddle",
        "SendGrid": "services.twilio.sendgrid",
        "Shopify": "services.commerce.shopify",
        "Slack": "services.slack",
        "Square": "services.commerce.square",
        "StandardWebhooks": "standards.standard_webhooks",
        "Stripe": "services.commerce.stripe",
        "Svix": "standards.standard_webhooks",
        "Twilio": "services.twilio.twilio",
        "Zoom": "services.zoom",
    }

    def __getattr__(name):
        if name not in _HOMES:
            message = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(message)
        value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        globals()[name] = value
        return value

    def __dir__():
        return sorted({*globals(), *__all__})
