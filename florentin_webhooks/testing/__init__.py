"""A test kit: signed deliveries for your tests, and fixtures for pytest.

Loaded on first use: pytest imports this package in every run, for the names of its fixtures.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from florentin_webhooks.protocol.deprecation import renamed_names

__all__ = [
    "AsyncWebhooks",
    "Capture",
    "DeliveryResult",
    "Provider",
    "SignedDelivery",
    "Webhooks",
    "effect",
    "open_async_webhooks",
    "open_webhooks",
]

if TYPE_CHECKING:
    from florentin_webhooks.testing.captures import Capture
    from florentin_webhooks.testing.delivery import SignedDelivery
    from florentin_webhooks.testing.effects import effect
    from florentin_webhooks.testing.kit.results import DeliveryResult
    from florentin_webhooks.testing.kit.webhooks import (
        AsyncWebhooks,
        Webhooks,
        open_async_webhooks,
        open_webhooks,
    )
    from florentin_webhooks.testing.provider import Provider
else:
    _HOMES = {
        "AsyncWebhooks": "kit.webhooks",
        "Capture": "captures",
        "DeliveryResult": "kit.results",
        "Provider": "provider",
        "SignedDelivery": "delivery",
        "Webhooks": "kit.webhooks",
        "effect": "effects",
        "open_async_webhooks": "kit.webhooks",
        "open_webhooks": "kit.webhooks",
    }
    _renamed = renamed_names(__name__, {"Made": "SignedDelivery"})

    def __getattr__(name):
        if name not in _HOMES:
            return _renamed(name)
        value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        globals()[name] = value
        return value

    def __dir__():
        return sorted({*globals(), *__all__})
