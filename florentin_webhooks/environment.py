"""Load what needs a library only where the environment asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from florentin_webhooks.queues import Queue
    from florentin_webhooks.stores import Store

__all__ = ["redis_store", "rq_queue"]


def redis_store(url: str) -> Store:
    """Give the store at *url*; loads redis."""
    from florentin_webhooks.stores.redis import RedisStore  # noqa: PLC0415

    return RedisStore(url)


def rq_queue(name: str) -> Queue:
    """Give the queue *name*; loads rq."""
    from florentin_webhooks.rq import RQQueue  # noqa: PLC0415

    return RQQueue(name)
