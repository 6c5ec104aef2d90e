"""Build the Redis clients, blocking and asyncio, whose every wait is bounded."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

import redis
import redis.asyncio
import redis.asyncio.retry
import redis.connection
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
    "asyncio_client",
    "blocking_client",
    "refuse_unfit",
    "unavailable",
]

logger = logging.getLogger("florentin_webhooks")

Client = redis.Redis | redis.asyncio.Redis
Word = bytes | str | int


class BlockingClient(Protocol):
    """Be the part of ``redis.Redis`` that is used here; redis-py leaves its types open."""

    def execute_command(self, *words: Word) -> object: ...
    def info(self) -> Mapping[str, object]: ...
    def close(self) -> None: ...


class Pipeline(Protocol):
    """Be the part of redis-py's asyncio pipeline that is used here."""

    def execute_command(self, *words: Word) -> object: ...
    def execute(self, *, raise_on_error: bool) -> Awaitable[list[object]]: ...


class AsyncioClient(Protocol):
    """Be the part of ``redis.asyncio.Redis`` that is used here."""

    def pipeline(self, *, transaction: bool) -> Pipeline: ...
    def info(self) -> Awaitable[Mapping[str, object]]: ...
    def aclose(self) -> Awaitable[None]: ...


class Bounds(NamedTuple):
    """Hold the longest waits, in seconds: a delivery is answered within two, come what may.

    A server that hangs costs two attempts, and a new connection's greeting before the second:
    about 0.9 s. Whoever waited for others before that waited *pool* or *queue* at most.
    """

    socket: float = 0.4
    pool: float = 0.5
    queue: float = 0.8
    retries: int = 1
    connections: int = 32

    def sockets(self) -> dict[str, float]:
        """Give the options that every client of ours is built with."""
        return {"socket_timeout": self.socket, "socket_connect_timeout": self.socket}


BOUNDS = Bounds()


def blocking_client(server: str | redis.Redis) -> BlockingClient:
    """Give a client for the URL *server*, or the client that *server* is; connects when used."""
    if not isinstance(server, str):
        return cast("BlockingClient", server)
    # One retry, not the ten of redis-py: with the token of its lease a call may be sent twice.
    retry = redis.retry.Retry(_backoff(), BOUNDS.retries)
    pool = cast("Any", redis.BlockingConnectionPool).from_url(  # Untyped in redis-py.
        server,
        max_connections=BOUNDS.connections,
        timeout=BOUNDS.pool,
        retry=retry,
        **BOUNDS.sockets(),
    )
    return cast("BlockingClient", redis.Redis(connection_pool=pool))


def asyncio_client(server: str | Client) -> AsyncioClient:
    """Give an asyncio client for the URL *server*, or the client that *server* is."""
    if not isinstance(server, str):
        return cast("AsyncioClient", server)
    retry = redis.asyncio.retry.Retry(_backoff(), BOUNDS.retries)
    build = cast("Any", redis.asyncio.Redis).from_url  # Untyped in redis-py.
    return cast("AsyncioClient", build(server, retry=retry, **BOUNDS.sockets()))


def refuse_unfit(server: object) -> None:
    """Raise :class:`ConfigurationError` for what cannot run the scripts; warn of slow ones."""
    if isinstance(server, str):
        _refuse_url(server)
        return
    if not isinstance(server, redis.Redis | redis.asyncio.Redis):
        message = (
            f"RedisStore takes a URL or a client of one server, not {type(server).__name__}; "
            "in a cluster, give it the URL of a node of its own"
        )
        raise ConfigurationError(message)
    options: dict[str, Any] = server.connection_pool.connection_kwargs  # Any: redis-py's options.
    if options.get("decode_responses"):
        message = "the Redis client decodes answers, but keys are bytes; set decode_responses=False"
        raise ConfigurationError(message)
    wait = options.get("socket_timeout")
    if wait is None or wait > 1:
        logger.warning(
            "the Redis client may wait %s seconds for one answer; set socket_timeout to 1 or less, "
            "so that Florentin is answered before it gives up",
            "any number of" if wait is None else wait,
        )


def unavailable(error: RedisError) -> Unavailable:
    """Say which kind of failure it was; a message of redis-py may quote the URL's password."""
    return Unavailable(f"Redis gave no answer: {type(error).__name__}")


def _refuse_url(url: str) -> None:
    try:
        cast("Any", redis.connection).parse_url(url)  # Untyped in redis-py.
    except ValueError:
        message = (
            "the Redis URL is none; it looks like redis://localhost:6379/0, rediss://… for TLS, or "
            "unix:///path/to/socket"
        )
        raise ConfigurationError(message) from None


def _backoff() -> ExponentialWithJitterBackoff:
    return ExponentialWithJitterBackoff(base=0.02, cap=0.2)
