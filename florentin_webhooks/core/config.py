"""Build a store or a queue by name; the library that it needs is loaded when it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from florentin_webhooks.core.queue import Queue
    from florentin_webhooks.core.stores.base import Store

__all__ = ["redis_store", "rq_queue"]


def redis_store(url: str) -> Store:
    """Return the store at *url*; loads redis."""
    return cast("Store", import_module("florentin_webhooks.redis.store").RedisStore(url))


def rq_queue(name: str) -> Queue:
    """Return the queue *name*; loads rq."""
    return cast("Queue", import_module("florentin_webhooks.rq.queue").RQQueue(name))
