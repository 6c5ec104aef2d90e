"""A connection that is open before a work-horse is forked, which takes its time to open one."""

from __future__ import annotations

from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any

from redis.exceptions import RedisError

if TYPE_CHECKING:
    import redis

__all__ = ["SpareConnection"]

LONGEST_AGE = 20.0
"""Seconds after which an idle one is replaced: firewalls forget what is silent for minutes."""


class SpareConnection:
    """A connection of *client* for the next work-horse, which inherits it.

    To open its own takes three round trips, and a third of its CPU before the handler starts. One
    that was lost meanwhile is replaced there as any other.
    """

    def __init__(self, client: redis.Redis) -> None:
        self._pool: Any = client.connection_pool  # Any: redis-py leaves its types open, also below.
        self._opened_at = 0.0
        self.connection: Any = None
        self._lent: Any = None

    def open(self) -> None:
        """Open it, unless it is open and young; without an answer there is none."""
        if self.connection is not None and monotonic() - self._opened_at < LONGEST_AGE:
            return
        self.close()
        with suppress(RedisError, OSError):
            self.connection = self._pool.get_connection()
            self._opened_at = monotonic()

    def lend(self) -> None:
        """Leave it to the work-horse that was just forked, and open the next one meanwhile."""
        self._lent, self.connection = self.connection, None
        self.open()

    def close_lent(self) -> None:
        """Close the one of the work-horse, after that has ended."""
        connection, self._lent = self._lent, None
        self._disconnect(connection)

    def close(self) -> None:
        """Close it; called in the process that has opened it."""
        connection, self.connection = self.connection, None
        self._disconnect(connection)

    def _disconnect(self, connection: Any) -> None:
        if connection is not None:
            connection.disconnect()
            self._pool.release(connection)
