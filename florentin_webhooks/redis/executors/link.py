"""A connection that redis-py has opened, with many calls in flight.

redis-py resolves the address, opens the connection and logs in, with TLS, a password or Sentinel.
Then its transport gets a protocol of ours: redis-py reads one answer at a time, and waits for it.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING, Any, Protocol, cast

from redis.exceptions import InvalidResponse, RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from florentin_webhooks.redis.executors.resp import AnswerReader

if TYPE_CHECKING:
    from florentin_webhooks.redis.durability import ServerCheck
    from florentin_webhooks.redis.protocols import Connection, Pool

__all__ = ["Link", "LinkOwner", "open_link"]


class LinkOwner(Protocol):
    """The receiver of a link's answers."""

    def receive(self, answers: list[object]) -> None:
        """Take *answers*, in the order of the commands."""
        ...

    def lose(self, link: Link) -> None:
        """Learn that *link* is closed, by either side."""
        ...


async def open_link(
    pool: Pool,
    owner: LinkOwner,
    seconds: float | None,
    check: ServerCheck | None = None,
) -> Link:
    """Open a connection of *pool* within *seconds*; raises RedisError or OSError.

    *check* judges the server first, unless it is done, and may raise UnfitServerError.
    """
    async with AsyncExitStack() as opened:
        try:
            async with asyncio.timeout(seconds):
                connection = await pool.get_connection()
                opened.push_async_callback(_close, pool, connection)
                if check is not None and not check.is_done:
                    await check.arun(connection, pool)
        except TimeoutError:
            raise RedisTimeoutError("Redis could not be reached in time.") from None
        opened.pop_all()
    return Link(pool, connection, owner)


async def _close(pool: Pool, connection: Connection) -> None:
    """Close *connection* and return it to *pool*."""
    with suppress(RedisError, OSError):
        await connection.disconnect()
    await pool.release(connection)


class Link(asyncio.Protocol):
    """A connection of redis-py's *pool* that belongs to *owner* until it is closed."""

    def __init__(self, pool: Pool, connection: Connection, owner: LinkOwner) -> None:
        self._pool = pool
        self._connection = connection
        self._owner = owner
        self._reader = AnswerReader()
        self._transport = transport_of(connection)
        # redis-py waits for this one when it closes the connection.
        self._protocol_before = self._transport.get_protocol()
        self._transport.set_protocol(self)

    def write(self, data: bytes) -> None:
        """Send *data*."""
        self._transport.write(data)

    def has_unwritten(self) -> bool:
        """Return whether the system has not yet taken all that was written."""
        return self._transport.get_write_buffer_size() > 0

    def abort(self) -> None:
        """Close the connection at once."""
        self._transport.abort()

    async def aclose(self) -> None:
        """Close the connection and return it to the pool."""
        await _close(self._pool, self._connection)

    def data_received(self, data: bytes) -> None:
        """Decode *data* and pass the answers on."""
        try:
            answers = self._reader.feed(data)
        except (InvalidResponse, ValueError):  # Not a server of Redis.
            self._transport.abort()
            return
        self._owner.receive(answers)

    def connection_lost(self, exc: Exception | None) -> None:
        """Pass the loss on to redis-py and the owner."""
        self._protocol_before.connection_lost(exc)
        self._owner.lose(self)


def transport_of(connection: Any) -> asyncio.Transport:  # Any: redis-py's.
    """Return the transport of *connection*.

    The one private attribute of redis-py that is used: a test fails when redis-py renames it.
    """
    return cast("asyncio.Transport", connection._writer.transport)  # noqa: SLF001 - see above.
