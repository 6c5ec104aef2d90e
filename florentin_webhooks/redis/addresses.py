"""Addresses of servers, as logs and messages show them: without user and password."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from urllib.parse import parse_qs, urlsplit

import redis
import redis.asyncio
import redis.connection

from florentin_webhooks.errors import ConfigurationError, Unavailable
from florentin_webhooks.protocol.suggestions import closest_match
from florentin_webhooks.redis.failures import (
    PASSING,
    Failure,
    UnfitServerError,
    describe,
    find_failure,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "CLUSTER_SCHEMES",
    "SENTINEL_SCHEMES",
    "ClusterClient",
    "Node",
    "display_pool",
    "display_url",
    "invalid_url",
    "is_behind_sentinel",
    "is_cluster",
    "is_sentinel",
    "normalize_address",
    "parse_nodes",
    "to_unavailable",
    "unavailable_at",
]


CLUSTER_SCHEMES = {"redis+cluster": "redis", "rediss+cluster": "rediss"}
"""The scheme of each node's URL by that of a cluster's."""

SENTINEL_SCHEMES = {"redis+sentinel": "redis", "rediss+sentinel": "rediss"}
"""The scheme of the primary's URL by that of Sentinel's."""

ClusterClient = redis.RedisCluster | redis.asyncio.RedisCluster

_NAMED_OPTION = re.compile(r"(?:keyword argument|value for) ['`](\w+)['`]")
"""In redis-py's words."""
_OPTIONS: tuple[str, ...] = tuple(cast("Any", redis.connection).URL_QUERY_ARGUMENT_PARSERS)

_TLS: tuple[type, ...] = (redis.SSLConnection, redis.asyncio.SSLConnection)


class Node(NamedTuple):
    """The host and the port of one server of several."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_nodes(hosts: str, port: int) -> tuple[Node, ...] | None:
    """Return the servers that a URL names with commas between them, None where one is invalid.

    *port* is that of a host without one.
    """
    try:
        named = [urlsplit(f"//{text}") for text in hosts.split(",")]
        nodes = [Node(each.hostname or "", each.port or port) for each in named]
    except ValueError:
        return None
    is_valid = all(node.host for node in nodes) and ",".join(n.netloc for n in named) == hosts
    return tuple(nodes) if is_valid else None


def is_sentinel(server: object) -> bool:
    """Return whether *server* is a URL of Sentinel."""
    return isinstance(server, str) and server.partition("://")[0] in SENTINEL_SCHEMES


def is_behind_sentinel(pool: Any) -> bool:  # Any: redis-py's pools.
    """Return whether the connections of *pool* ask Sentinel where to lead to."""
    return "connection_pool" in pool.connection_kwargs


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


def normalize_address(server: str | redis.Redis | redis.asyncio.Redis) -> str:
    """Return the address of *server* with its port and database, which a URL may leave out."""
    if isinstance(server, str) and urlsplit(server).scheme in {"redis", "rediss", "unix"}:
        pools: Any = redis.ConnectionPool  # Any: redis-py leaves its types open.
        return display_pool(pools.from_url(server))
    return display_url(server)


def display_pool(pool: Any) -> str:  # Any: redis-py's pools, also of Sentinel.
    """Return the address that the connections of *pool* lead to."""
    options: Mapping[str, Any] = pool.connection_kwargs
    if (finder := options.get("finder")) is not None:  # Of a lane of a cluster.
        return str(finder.display)
    database = options.get("db") or 0
    # A pool of Sentinel, or one that was created from its options.
    kind: Any = getattr(pool, "connection_class", None)
    source = options.get("connection_pool")
    if source is not None:
        scheme = "rediss+sentinel" if issubclass(kind, _TLS) else "redis+sentinel"
        return f"{scheme}://{_sentinels(source)}/{source.service_name}/{database}"
    if path := options.get("path"):
        return f"unix://{path}" + (f"?db={database}" if database else "")
    scheme = "rediss" if kind in _TLS else "redis"
    host, port = options.get("host", "localhost"), options.get("port", 6379)
    return f"{scheme}://{host}:{port}/{database}"


def to_unavailable(error: Exception, pool: object) -> Unavailable:
    """Return *error* as ours, without its text, which may quote the URL's password."""
    return unavailable_at(display_pool(pool), error)


def unavailable_at(address: str, error: Exception) -> Unavailable:
    """Return *error*, of the server at *address*, as ours; it may be so already."""
    if isinstance(error, Unavailable):
        return error
    failure, detail = find_failure(error)
    kind = UnfitServerError if failure is Failure.OLD else Unavailable
    return kind(*describe(address, failure, detail), may_pass=failure in PASSING)


def _sentinels(source: Any) -> str:  # Any: a pool of Sentinel.
    options = [each.connection_pool.connection_kwargs for each in source.sentinel_manager.sentinels]
    return ",".join(f"{each.get('host')}:{each.get('port')}" for each in options)


def invalid_url(url: str, error: Exception) -> ConfigurationError:
    """Return the error for *url*, from which redis-py has made no connection.

    Of its options only names that are like redis-py's are shown: others may be of a password.
    """
    found = _NAMED_OPTION.search(str(error))
    name = found[1] if found else ""
    if name in _OPTIONS and isinstance(error, ValueError):
        message = f"The Redis URL has an invalid value of its option {name!r}."
        return ConfigurationError(message, "Correct the value, or drop the option.")
    match = closest_match(name, [each for each in _OPTIONS if each != name])
    if "@" in url.partition("?")[2] or not (match or name.startswith("ssl_")):
        return ConfigurationError(
            "The Redis URL is invalid, or has an option that redis-py does not know.",
            "Write it as redis://localhost:6379/0, rediss://… for TLS, or unix:///path/to/socket.",
        )
    hint = f"Did you mean {match!r}?" if match else "Those of TLS need rediss://."
    return ConfigurationError(f"The Redis URL has the unknown option {name!r}.", hint)
