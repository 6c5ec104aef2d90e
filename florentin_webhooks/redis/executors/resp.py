"""Send commands and read their answers in one round trip, over a connection of redis-py's pool.

redis-py's own pipeline sets a timer for every answer and takes several calls to encode a word;
it made up half of what an accepted delivery cost. Here one timer bounds the whole round trip.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from florentin_webhooks.redis.clients import TIMEOUTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from florentin_webhooks.redis.protocols import Connection, Pool, Word

__all__ = ["encode_command", "round_trip"]


async def round_trip(pool: Pool, commands: Sequence[Sequence[Word]]) -> list[object]:
    """Return the answer to each of *commands*, which may be an error.

    Raises RedisError if the answers do not arrive in time.
    """
    packed = b"".join([encode_command(words) for words in commands])
    for _ in range(TIMEOUTS.retries):
        with suppress(RedisConnectionError, RedisTimeoutError):
            return await _send_with_timeout(pool, packed, len(commands))
    return await _send_with_timeout(pool, packed, len(commands))


async def _send_with_timeout(pool: Pool, packed: bytes, number: int) -> list[object]:
    configured = pool.connection_kwargs.get("socket_timeout")
    seconds = TIMEOUTS.socket if configured is None else None
    try:
        async with asyncio.timeout(seconds) as timer:
            connection = await pool.get_connection()
            if seconds is not None:  # The handshake of a new connection has a time of its own.
                timer.reschedule(asyncio.get_running_loop().time() + seconds)
            return await _send(pool, connection, packed, number)
    except TimeoutError:
        message = "no answer in time"
        raise RedisTimeoutError(message) from None


async def _send(pool: Pool, connection: Connection, packed: bytes, number: int) -> list[object]:
    try:
        await connection.send_packed_command(packed)
        return [await _read_answer(connection) for _ in range(number)]
    finally:
        # After a failure redis-py has closed it, so that no unread answer remains in it.
        await pool.release(connection)


async def _read_answer(connection: Connection) -> object:
    try:
        return await connection.read_response()
    except ResponseError as error:
        return error


def encode_command(words: Sequence[Word]) -> bytes:
    """Encode a command in RESP: an array of strings, each after its length."""
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        raw = word if isinstance(word, bytes) else str(word).encode()
        size = len(raw)
        parts += (_LENGTHS[size] if size < _SHORT else b"$%d\r\n" % size, raw, b"\r\n")
    return b"".join(parts)


_SHORT = 256
_LENGTHS = [b"$%d\r\n" % size for size in range(_SHORT)]
