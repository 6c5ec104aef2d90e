"""The stores that a configuration can name, and the options of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["STORES", "StoreEntry", "find_store"]


class StoreEntry(NamedTuple):
    """A store that can be named: the *path* of what builds it, and the *options* that it takes."""

    path: str
    options: tuple[str, ...]


_KEPT = ("retention", "lease", "unfinished_retention", "history")
_REDIS = StoreEntry(
    "florentin_webhooks.redis.store:RedisStore", (*_KEPT, "redis_prefix", "replicas")
)
STORES: Mapping[str, StoreEntry] = {
    "memory": StoreEntry(
        "florentin_webhooks.core.stores.memory:MemoryStore", ("retention", "lease", "capacity")
    ),
    "database": StoreEntry(
        "florentin_webhooks.django.bootstrap:create_store", (*_KEPT, "database")
    ),
    **dict.fromkeys(("redis://", "rediss://", "unix://"), _REDIS),
    **dict.fromkeys(("redis+sentinel://", "rediss+sentinel://"), _REDIS),
    **dict.fromkeys(
        ("redis+cluster://", "rediss+cluster://"),
        _REDIS._replace(options=(*_REDIS.options, "lanes")),
    ),
}
"""Stores by name, or by the scheme of their URL. A new store registers here."""


def find_store(name: str) -> StoreEntry | None:
    """Return the store that *name*, or the scheme of the URL *name*, selects."""
    scheme, separator, _ = name.partition("://")
    return STORES.get(scheme + separator)
