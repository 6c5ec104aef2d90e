"""Redis clients, synchronous and asyncio, with a limit on every wait."""

from __future__ import annotations

import logging
import re
from contextlib import contextmanager, suppress
from queue import Empty
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from urllib.parse import urlsplit

import redis
import redis.asyncio
import redis.asyncio.retry
import redis.retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import RedisError

from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.redis import sentinel
from florentin_webhooks.redis.addresses import invalid_url, is_sentinel
from florentin_webhooks.redis.protocols import AsyncioClient, RecordPool, SyncClient
from florentin_webhooks.redis.refusals import RECONNECTED_ERRORS

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

__all__ = [
    "TIMEOUTS",
    "Client",
    "RedisError",
    "Timeouts",
    "borrowed_client",
    "close_free",
    "create_asyncio_client",
    "create_record_pool",
    "create_sync_client",
    "new_client",
    "validate_server",
]

logger = logging.getLogger("florentin_webhooks")

Client = redis.Redis | redis.asyncio.Redis


class Timeouts(NamedTuple):
    """The longest waits, in seconds, which keep every reply within two seconds.

    A server that hangs costs two attempts, and the handshake of a new connection before the
    second: about 0.9 s. Before that, a call waits at most *pool* for a connection, or *queue* for
    its turn.
    """

    socket: float = 0.4
    pool: float = 0.5
    queue: float = 0.8
    retries: int = 1
    connections: int = 32
    record_connections: int = 16

    def to_options(self) -> dict[str, float | None]:
        """Return the options of every client that is created here."""
        return {**dict.fromkeys(_WAITS, self.socket), **_NO_HANDSHAKE}


_WAITS: tuple[str, ...] = ("socket_timeout", "socket_connect_timeout")
_LONGEST_WAIT = 5.0
"""Seconds, as in redis-py 8; before it, clients waited for ever."""
_DIGITS = re.compile(r"[0-9]+")
_NO_HANDSHAKE: dict[str, float | None] = {
    # The server's older protocol needs no handshake. For redis-py's name and version each new
    # connection would read a file, where there may be no descriptor left, and wait a round trip.
    "protocol": 2,
    **dict.fromkeys(
        ["driver_info"] if hasattr(redis, "DriverInfo") else ["lib_name", "lib_version"]
    ),
}
TIMEOUTS = Timeouts()


def create_sync_client(server: str | redis.Redis) -> SyncClient:
    """Return a client for the URL *server*, or *server* itself; connects on first use."""
    if not isinstance(server, str):
        return cast("SyncClient", server)
    # A client that owns its pool, and closes it.
    return cast("SyncClient", redis.Redis.from_pool(_create_pool(server)))


@contextmanager
def borrowed_client(server: str | redis.Redis) -> Generator[SyncClient]:
    """Yield a client for the URL *server*, closed at the end, or *server* itself."""
    client = create_sync_client(server)
    try:
        yield client
    finally:
        if isinstance(server, str):
            client.close()


def create_record_pool(server: str | Client) -> RecordPool | None:
    """Return the pool of connections that runs of several handlers keep, for a URL only.

    It has its own limit: slow handlers must not keep connections from other deliveries.
    """
    if not isinstance(server, str):
        return None
    options = {"max_connections": TIMEOUTS.record_connections, **TIMEOUTS.to_options()}
    return cast("RecordPool", _pool_at(server, options))


def close_free(pool: Any) -> None:
    """Close the connections of *pool* that no thread has: one that waits for an answer would fail.

    They are taken out meanwhile, since redis-py closes those that a thread has just got.
    """
    if not isinstance(pool, redis.BlockingConnectionPool):
        pool.disconnect(inuse_connections=False)  # Under the lock of the pool.
        return
    free: Any = cast("Any", pool).pool
    taken: list[Any] = []
    with suppress(Empty):
        while True:
            taken.append(free.get_nowait())
    for connection in reversed(taken):
        if connection is not None:
            connection.disconnect()
        free.put_nowait(connection)


def create_asyncio_client(server: str | Client) -> AsyncioClient:
    """Return an asyncio client for the URL *server*, or *server* itself."""
    if not isinstance(server, str):
        return cast("AsyncioClient", server)
    retry = redis.asyncio.retry.Retry(_create_backoff(), TIMEOUTS.retries)
    # No timer of redis-py for each answer: one of ours bounds the whole round trip.
    options = {**TIMEOUTS.to_options(), "socket_timeout": None, "retry": retry}
    build = cast("Any", redis.asyncio.Redis)  # Untyped in redis-py.
    if is_sentinel(server):
        pool = sentinel.create_asyncio_pool(server, **options)
        return cast("AsyncioClient", build.from_pool(pool))
    return cast("AsyncioClient", build.from_url(server, **options))


def new_client(server: str | Client, longest: float | None = None) -> redis.Redis:
    """Return a new synchronous client of the same server, without our short timeouts.

    It waits at most *longest* seconds for an answer, by default as long as *server* sets, or 5.
    """
    waits = dict.fromkeys(_WAITS, longest or _LONGEST_WAIT)
    if isinstance(server, str):
        return redis.Redis.from_pool(_pool_at(server, waits))
    if not isinstance(server, redis.Redis):
        raise ConfigurationError(
            "This RedisStore has an asyncio client, which a worker cannot use.",
            "Pass RedisStore a URL.",
        )
    pool = server.connection_pool
    given: Mapping[str, Any] = pool.connection_kwargs
    options: dict[str, Any] = {  # Any: redis-py's options.
        "connection_class": sentinel.CONNECTIONS.get(pool.connection_class, pool.connection_class),
        **given,
        **{name: wait for name, wait in waits.items() if longest or not given.get(name)},
    }
    return redis.Redis.from_pool(redis.ConnectionPool(**options))


def validate_server(server: object) -> None:
    """Raise :class:`ConfigurationError` unless *server* can run the scripts; warn of slow ones."""
    if isinstance(server, str):
        _validate_options(_connection_options(server))
        return
    if not isinstance(server, redis.Redis | redis.asyncio.Redis):
        raise ConfigurationError(
            f"RedisStore takes a URL or a client of one server, not {type(server).__name__}.",
            "In a cluster, pass it the URL of a separate node.",
        )
    _validate_options(server.connection_pool.connection_kwargs)


def _validate_options(options: Mapping[str, Any]) -> None:  # Any: redis-py's options.
    if options.get("decode_responses"):
        raise ConfigurationError(
            "The Redis client decodes its answers, but keys are bytes.", "Drop decode_responses."
        )
    wait = options.get("socket_timeout")
    if wait is None or wait > 1:
        logger.warning(
            "The Redis client waits up to %s seconds for one answer, so the sender may give up "
            "first. Set socket_timeout to 1 or less.",
            "any number of" if wait is None else wait,
        )


def _connection_options(url: str) -> Mapping[str, Any]:  # Any: redis-py's options.
    try:
        _check_database(url)
        pools: list[Any] = [
            _create_pool(url),
            cast("Any", create_asyncio_client(url)).connection_pool,
        ]
        for pool in pools:
            # A connection that is never opened: an unknown option would fail each delivery.
            pool.connection_class(**pool.connection_kwargs)
            str(pool.connection_kwargs.get("host", "")).encode("idna")
    except (TypeError, ValueError, RedisError) as error:
        raise invalid_url(url, error) from None
    return cast("Mapping[str, Any]", pools[0].connection_kwargs)


def _check_database(url: str) -> None:
    """Raise :class:`ConfigurationError` for a database that redis-py would read as 0."""
    parts = urlsplit(url)
    database = parts.path.replace("/", "")
    if parts.scheme in ("redis", "rediss") and database and not _DIGITS.fullmatch(database):
        # Without its text, in which the rest of a password is that has a slash.
        raise ConfigurationError(
            "The Redis URL has a database that is not a number.",
            "Write it as redis://localhost:6379/0.",
        )


def _create_pool(url: str) -> Any:  # Untyped in redis-py.
    # One retry, not the ten of redis-py: with the token of its lease a call may be sent twice.
    options: dict[str, Any] = {
        "max_connections": TIMEOUTS.connections,
        "timeout": TIMEOUTS.pool,
        "retry": redis.retry.Retry(_create_backoff(), TIMEOUTS.retries, RECONNECTED_ERRORS),
        **TIMEOUTS.to_options(),
    }
    return _pool_at(url, options, blocks=True)


def _pool_at(url: str, options: Mapping[str, Any], *, blocks: bool = False) -> Any:  # As above.
    if is_sentinel(url):
        return sentinel.create_sync_pool(url, blocks=blocks, **options)
    kind: Any = redis.BlockingConnectionPool if blocks else redis.ConnectionPool
    return kind.from_url(url, **options)


def _create_backoff() -> ExponentialWithJitterBackoff:
    return ExponentialWithJitterBackoff(base=0.02, cap=0.2)
