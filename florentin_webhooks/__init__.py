"""Receive Florentin's webhooks: verified, typed, once, without loss."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__all__ = [
    "AttemptReport",
    "DeadDelivery",
    "DeadReport",
    "Delivery",
    "DeliveryReport",
    "Discard",
    "HandlerFailure",
    "Health",
    "HealthLimits",
    "MemoryStore",
    "Observer",
    "RQQueue",
    "Receiver",
    "RedisStore",
    "Reply",
    "Request",
    "RetryLater",
    "Router",
    "Spool",
    "Tenant",
    "errors",
    "events",
    "health",
]

# Modules that had another name, which works for one more release: florentin_webhooks.payloads.
__path__.append(f"{__path__[0]}/protocol/renamed")

if TYPE_CHECKING:
    from florentin_webhooks import errors, events
    from florentin_webhooks.core.health import Health, HealthLimits, health
    from florentin_webhooks.core.log import DeadDelivery, HandlerFailure
    from florentin_webhooks.core.observer import (
        AttemptReport,
        DeadReport,
        DeliveryReport,
        Observer,
    )
    from florentin_webhooks.core.receiver import Receiver
    from florentin_webhooks.core.routing.exceptions import Discard, RetryLater
    from florentin_webhooks.core.routing.router import Router
    from florentin_webhooks.core.stores.memory import MemoryStore
    from florentin_webhooks.core.tenants.request import Request, Tenant
    from florentin_webhooks.protocol.delivery import Delivery, Reply
    from florentin_webhooks.redis.store import RedisStore
    from florentin_webhooks.rq.queue import RQQueue
    from florentin_webhooks.spool import Spool
else:
    # Loaded on first use: the import itself costs nothing, and a program that needs only a part
    # never loads pydantic, redis or rq. Checkers see the imports above, so misspelt names fail.
    _HOMES = {
        "AttemptReport": "core.observer",
        "DeadDelivery": "core.log",
        "DeadReport": "core.observer",
        "Delivery": "protocol.delivery",
        "DeliveryReport": "core.observer",
        "Discard": "core.routing.exceptions",
        "HandlerFailure": "core.log",
        "Health": "core.health",
        "HealthLimits": "core.health",
        "MemoryStore": "core.stores.memory",
        "Observer": "core.observer",
        "RQQueue": "rq.queue",
        "Receiver": "core.receiver",
        "RedisStore": "redis.store",
        "Reply": "protocol.delivery",
        "Request": "core.tenants.request",
        "RetryLater": "core.routing.exceptions",
        "Router": "core.routing.router",
        "Spool": "spool",
        "Tenant": "core.tenants.request",
        "health": "core.health",
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
