"""Addresses of servers, as logs and messages show them: without user and password."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import redis
import redis.asyncio

from florentin_webhooks.errors import Unavailable
from florentin_webhooks.redis.failures import describe_failure

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "CLUSTER_SCHEMES",
    "ClusterClient",
    "display_pool",
    "display_url",
    "is_cluster",
    "to_unavailable",
    "unavailable_at",
]


CLUSTER_SCHEMES = {"redis+cluster": "redis", "rediss+cluster": "rediss"}
"""The scheme of each node's URL by that of a cluster's."""

ClusterClient = redis.RedisCluster | redis.asyncio.RedisCluster

_TLS: tuple[type, ...] = (redis.SSLConnection, redis.asyncio.SSLConnection)


def is_cluster(server: object) -> bool:
    """Return whether *server* is the URL or a client of a cluster."""
    if isinstance(server, str):
        return server.partition("://")[0] in CLUSTER_SCHEMES
    return isinstance(server, ClusterClient)


def display_url(server: str | redis.Redis | redis.asyncio.Redis) -> str:
    """Return the address of *server*, a URL or a client."""
    if not isinstance(server, str):
        return display_pool(server.connection_pool)
    parts = urlsplit(server)
    database = parse_qs(parts.query).get("db")
    query = f"?db={database[0]}" if database else ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}{query}"


def display_pool(pool: Any) -> str:  # Any: redis-py's pools, also of Sentinel.
    """Return the address that the connections of *pool* lead to."""
    options: Mapping[str, Any] = pool.connection_kwargs
    if (finder := options.get("finder")) is not None:  # Of a lane of a cluster.
        return str(finder.display)
    database = options.get("db") or 0
    # A pool of Sentinel, or one that was created from its options.
    source = options.get("connection_pool")
    if source is not None:
        return f"sentinel://{_sentinels(source)}/{source.service_name}/{database}"
    if path := options.get("path"):
        return f"unix://{path}" + (f"?db={database}" if database else "")
    kind: Any = getattr(pool, "connection_class", None)
    scheme = "rediss" if kind in _TLS else "redis"
    host, port = options.get("host", "localhost"), options.get("port", 6379)
    return f"{scheme}://{host}:{port}/{database}"


def to_unavailable(error: Exception, pool: object) -> Unavailable:
    """Return *error* as ours, without its text, which may quote the URL's password."""
    return unavailable_at(display_pool(pool), error)


def unavailable_at(address: str, error: Exception) -> Unavailable:
    """Return *error*, of the server at *address*, as ours."""
    return Unavailable(*describe_failure(address, error))


def _sentinels(source: Any) -> str:  # Any: a pool of Sentinel.
    options = [each.connection_pool.connection_kwargs for each in source.sentinel_manager.sentinels]
    return ",".join(f"{each.get('host')}:{each.get('port')}" for each in options)
