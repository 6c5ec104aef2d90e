"""Receive Florentin's webhooks: verified, typed, once, without loss."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__all__ = [
    "Delivery",
    "Discard",
    "MemoryStore",
    "RQQueue",
    "Receiver",
    "RedisStore",
    "Reply",
    "RetryLater",
    "Router",
    "errors",
    "events",
]

if TYPE_CHECKING:
    from florentin_webhooks import errors, events
    from florentin_webhooks.deliveries import Delivery, Reply
    from florentin_webhooks.receiver import Receiver
    from florentin_webhooks.router import Router
    from florentin_webhooks.rq import RQQueue
    from florentin_webhooks.signals import Discard, RetryLater
    from florentin_webhooks.stores.memory import MemoryStore
    from florentin_webhooks.stores.redis import RedisStore
else:
    # Loaded when first asked for: the import itself costs nothing, and whoever needs only a part
    # never loads pydantic, redis or rq. Checkers see the imports above, so misspelt names fail.
    _HOMES = {
        "Delivery": "deliveries",
        "Discard": "signals",
        "MemoryStore": "stores.memory",
        "RQQueue": "rq",
        "Receiver": "receiver",
        "RedisStore": "stores.redis",
        "Reply": "deliveries",
        "RetryLater": "signals",
        "Router": "router",
    }

    def __getattr__(name):
        if name in ("errors", "events"):
            return import_module(f"{__name__}.{name}")
        if name not in _HOMES:
            message = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(message)
        value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        globals()[name] = value
        return value

    def __dir__():
        return sorted({*globals(), *__all__})
