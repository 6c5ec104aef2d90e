"""Timeouts on SQLite: of its one lock for all writers.

The lock is taken when a transaction begins: SQLite refuses at once to upgrade a transaction that
has read before another one wrote. Its busy handler polls, so among many waiting writers some would
never find it free. So the threads of this process queue, and one of them polls.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from threading import Lock
from typing import Any, Self

from django.db.utils import OperationalError

__all__ = ["SQLiteTimeouts"]

_queues: defaultdict[str, Lock] = defaultdict(Lock)
"""The queue of this process's writers, for each database."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_queues.clear)  # A lock's holder does not survive a fork.


class SQLiteTimeouts:
    """The timeout of a *connection* for the write lock; readers do not queue."""

    def __init__(self, connection: Any, seconds: float, *, writes: bool) -> None:
        self._connection = connection  # Any: we set attributes that Django's types fix.
        self._seconds = seconds
        # A transaction of the program may hold the lock already.
        must_queue = writes and not connection.in_atomic_block
        self._queue = _queues[str(connection.settings_dict["NAME"])] if must_queue else None
        self._is_first = False
        self._before: tuple[int, str | None] | None = None

    def __enter__(self) -> Self:
        self._connection.ensure_connection()
        deadline = time.monotonic() + self._seconds
        if self._queue is not None:
            self._is_first = self._queue.acquire(timeout=self._seconds)
            if not self._is_first:
                raise OperationalError("Other threads of this process held the write lock.")
        self._apply_timeout(deadline - time.monotonic())
        return self

    def __exit__(self, *_: object) -> None:
        self.cancel()

    def begin(self) -> None:
        """Do nothing: the transaction holds the lock."""

    def suspend(self) -> None:
        """Restore the program's own settings."""
        before, self._before = self._before, None
        if before is not None:
            self._configure(*before)

    def resume(self) -> None:
        """Apply our settings again; the place in the queue was kept."""
        self._apply_timeout(self._seconds)

    def cancel(self) -> None:
        """Restore the program's own settings, and leave the queue."""
        self.suspend()
        if self._queue is not None and self._is_first:
            self._is_first = False
            self._queue.release()

    def _apply_timeout(self, seconds: float) -> None:
        if not self._connection.closed_in_transaction:
            self._before = self._busy_timeout(), self._connection.transaction_mode
            self._configure(max(1, int(seconds * 1000)), "IMMEDIATE")

    def _configure(self, timeout: int, mode: str | None) -> None:
        if self._connection.connection is not None:
            self._busy_timeout(f" = {timeout}")
        self._connection.transaction_mode = mode

    def _busy_timeout(self, change: str = "") -> int:
        with self._connection.wrap_database_errors:
            pragma = self._connection.connection.execute(f"PRAGMA busy_timeout{change}")
            return int(pragma.fetchone()[0])
