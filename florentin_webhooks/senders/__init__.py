"""Senders of signed webhooks: how each signs, what it sends."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__all__ = ["GitHub", "HMACSender", "StandardWebhooks", "Stripe", "Svix"]

if TYPE_CHECKING:
    from florentin_webhooks.senders.services.github import GitHub
    from florentin_webhooks.senders.services.stripe import Stripe
    from florentin_webhooks.senders.standards.hmac_sender import HMACSender
    from florentin_webhooks.senders.standards.standard_webhooks import StandardWebhooks, Svix
else:
    # Loaded on first use, so that a program pays only for its own senders.
    _HOMES = {
        "GitHub": "services.github",
        "HMACSender": "standards.hmac_sender",
        "StandardWebhooks": "standards.standard_webhooks",
        "Stripe": "services.stripe",
        "Svix": "standards.standard_webhooks",
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
