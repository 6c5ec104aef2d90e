"""Build the Redis clients, blocking and asyncio, whose every wait is bounded."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast
from urllib.parse import urlsplit

import redis
import redis.asyncio
import redis.asyncio.retry
import redis.retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import RedisError

from florentin_webhooks.errors import ConfigurationError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping

__all__ = [
    "BOUNDS",
    "AsyncioClient",
    "BlockingClient",
    "Client",
    "Connection",
    "Pool",
    "RedisError",
    "Word",
    "asyncio_client",
    "blocking_client",
    "display_url",
    "new_client",
    "unavailable",
    "validate_server",
]

logger = logging.getLogger("florentin_webhooks")

Client = redis.Redis | redis.asyncio.Redis
Word = bytes | str | int


class BlockingClient(Protocol):
    """Be the part of ``redis.Redis`` that is used here; redis-py leaves its types open."""

    def execute_command(self, *words: Word) -> object:
        """Send one command and return its answer."""
        ...

    def info(self) -> Mapping[str, object]:
        """Return the server's INFO."""
        ...

    def close(self) -> None:
        """Close all connections."""
        ...


class Connection(Protocol):
    """Be the part of redis-py's asyncio connection that is used here."""

    def send_packed_command(self, command: bytes) -> Awaitable[None]:
        """Send bytes in RESP."""
        ...

    def read_response(self) -> Awaitable[object]:
        """Read one answer."""
        ...


class Pool(Protocol):
    """Be the part of redis-py's asyncio connection pool that is used here."""

    @property
    def connection_kwargs(self) -> Mapping[str, object]:
        """Arguments of each new connection."""
        ...

    def get_connection(self) -> Awaitable[Connection]:
        """Check a connection out."""
        ...

    def release(self, connection: Connection) -> Awaitable[None]:
        """Check a connection in."""
        ...


class AsyncioClient(Protocol):
    """Be the part of ``redis.asyncio.Redis`` that is used here."""

    @property
    def connection_pool(self) -> Pool:
        """Pool that the client takes its connections from."""
        ...

    def info(self) -> Awaitable[Mapping[str, object]]:
        """Return the server's INFO."""
        ...

    def aclose(self) -> Awaitable[None]:
        """Close all connections."""
        ...


class Timeouts(NamedTuple):
    """Hold the longest waits, in seconds: a delivery is answered within two, come what may.

    A server that hangs costs two attempts, and a new connection's greeting before the second:
    about 0.9 s. Whoever waited for others before that waited *pool* or *queue* at most.
    """

    socket: float = 0.4
    pool: float = 0.5
    queue: float = 0.8
    retries: int = 1
    connections: int = 32

    def sockets(self) -> dict[str, float | None]:
        """Give the options that every client of ours is built with."""
        waits = {"socket_timeout": self.socket, "socket_connect_timeout": self.socket}
        return {**waits, **_NO_GREETING}


_NO_GREETING: dict[str, float | None] = {
    # The server's older protocol needs no greeting. For redis-py's name and version each new
    # connection would read a file, where there may be no descriptor left, and wait a round trip.
    "protocol": 2,
    **dict.fromkeys(
        ["driver_info"] if hasattr(redis, "DriverInfo") else ["lib_name", "lib_version"]
    ),
}
BOUNDS = Timeouts()


def blocking_client(server: str | redis.Redis) -> BlockingClient:
    """Give a client for the URL *server*, or the client that *server* is; connects when used."""
    if not isinstance(server, str):
        return cast("BlockingClient", server)
    return cast("BlockingClient", redis.Redis.from_pool(_pool(server)))  # Which closes it, too.


def asyncio_client(server: str | Client) -> AsyncioClient:
    """Give an asyncio client for the URL *server*, or the client that *server* is."""
    if not isinstance(server, str):
        return cast("AsyncioClient", server)
    retry = redis.asyncio.retry.Retry(_backoff(), BOUNDS.retries)
    build = cast("Any", redis.asyncio.Redis).from_url  # Untyped in redis-py.
    # No timer of redis-py for each answer: one of ours bounds the whole round trip.
    options = {**BOUNDS.sockets(), "socket_timeout": None}
    return cast("AsyncioClient", build(server, retry=retry, **options))


def new_client(server: str | Client) -> redis.Redis:
    """Give a new blocking client of the same server, without the short time-outs of ours."""
    if isinstance(server, str):
        return cast("redis.Redis", cast("Any", redis.Redis).from_url(server))
    if not isinstance(server, redis.Redis):
        message = "a worker cannot use the asyncio client of this RedisStore; pass it a URL"
        raise ConfigurationError(message)
    pool = server.connection_pool
    options: dict[str, Any] = {  # Any: redis-py's options.
        "connection_class": pool.connection_class,
        **pool.connection_kwargs,
    }
    return redis.Redis(connection_pool=redis.ConnectionPool(**options))


def display_url(server: str | Client) -> str:
    """Say where *server* is, without user and password: for people and logs."""
    if isinstance(server, str):
        parts = urlsplit(server)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    told: Mapping[str, Any] = server.connection_pool.connection_kwargs  # Any: redis-py's.
    if path := told.get("path"):
        return f"unix://{path}"
    host, port = told.get("host", "localhost"), told.get("port", 6379)
    return f"redis://{host}:{port}/{told.get('db') or 0}"


def validate_server(server: object) -> None:
    """Raise :class:`ConfigurationError` for what cannot run the scripts; warn of slow ones."""
    if isinstance(server, str):
        _refuse_options(_options(server))
        return
    if not isinstance(server, redis.Redis | redis.asyncio.Redis):
        message = (
            f"RedisStore takes a URL or a client of one server, not {type(server).__name__}; "
            "in a cluster, give it the URL of a node of its own"
        )
        raise ConfigurationError(message)
    _refuse_options(server.connection_pool.connection_kwargs)


def unavailable(error: Exception) -> Unavailable:
    """Say which kind of failure it was; a message of redis-py may quote the URL's password."""
    return Unavailable(f"Redis gave no answer: {type(error).__name__}")


def _refuse_options(options: Mapping[str, Any]) -> None:  # Any: redis-py's options.
    if options.get("decode_responses"):
        message = "the Redis client decodes answers, but keys are bytes; drop decode_responses"
        raise ConfigurationError(message)
    wait = options.get("socket_timeout")
    if wait is None or wait > 1:
        logger.warning(
            "the Redis client may wait %s seconds for one answer; set socket_timeout to 1 or less, "
            "so that Florentin is answered before it gives up",
            "any number of" if wait is None else wait,
        )


def _options(url: str) -> Mapping[str, Any]:  # Any: redis-py's options.
    try:
        pools: list[Any] = [_pool(url), cast("Any", asyncio_client(url)).connection_pool]
        for pool in pools:
            # Made and thrown away unconnected: what it does not know would fail each delivery.
            pool.connection_class(**pool.connection_kwargs)
            str(pool.connection_kwargs.get("host", "")).encode("idna")
    except (TypeError, ValueError, RedisError):
        message = (
            "the Redis URL is none, or has an option that redis-py does not know; it looks like "
            "redis://localhost:6379/0, rediss://… for TLS, or unix:///path/to/socket"
        )
        raise ConfigurationError(message) from None
    return cast("Mapping[str, Any]", pools[0].connection_kwargs)


def _pool(url: str) -> Any:  # Untyped in redis-py.
    # One retry, not the ten of redis-py: with the token of its lease a call may be sent twice.
    return cast("Any", redis.BlockingConnectionPool).from_url(
        url,
        max_connections=BOUNDS.connections,
        timeout=BOUNDS.pool,
        retry=redis.retry.Retry(_backoff(), BOUNDS.retries),
        **BOUNDS.sockets(),
    )


def _backoff() -> ExponentialWithJitterBackoff:
    return ExponentialWithJitterBackoff(base=0.02, cap=0.2)
