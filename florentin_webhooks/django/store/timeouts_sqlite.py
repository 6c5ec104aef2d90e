"""Bound what a step waits for on SQLite: its one lock for all writers.

The lock is taken at the beginning of a transaction, since one that reads first and then writes is
refused at once where somebody else has written in between. Whoever waits for it looks again from
time to time: among many, some would look in vain for as long as they may. So the threads of this
process wait in a queue, and one of them looks.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from threading import Lock
from typing import Any, Self

from django.db.utils import OperationalError

__all__ = ["OnSQLite"]

_turns: defaultdict[str, Lock] = defaultdict(Lock)
"""Whose turn it is to write, for each database."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_turns.clear)  # Whoever holds one does not live on there.


class OnSQLite:
    """Give a *connection* so many *seconds* to get the lock; one that only reads needs no turn."""

    def __init__(self, connection: Any, seconds: float, *, writes: bool) -> None:
        self._connection = connection  # Any: we set what is not ours.
        self._seconds = seconds
        # Whoever is inside a transaction may have the lock already.
        queues = writes and not connection.in_atomic_block
        self._turn = _turns[str(connection.settings_dict["NAME"])] if queues else None
        self._has_turn = False
        self._before: tuple[int, str | None] | None = None

    def __enter__(self) -> Self:
        self._connection.ensure_connection()
        end = time.monotonic() + self._seconds
        if self._turn is not None:
            self._has_turn = self._turn.acquire(timeout=self._seconds)
            if not self._has_turn:
                message = "another thread writes all the time"
                raise OperationalError(message)
        self._wait(end - time.monotonic())
        return self

    def __exit__(self, *_: object) -> None:
        self.cancel()

    def begin(self) -> None:
        """Do nothing: the transaction has the lock."""

    def suspend(self) -> None:
        """Have the program's own settings in force."""
        before, self._before = self._before, None
        if before is not None:
            self._apply(*before)

    def resume(self) -> None:
        """Have ours in force; the turn was kept."""
        self._wait(self._seconds)

    def cancel(self) -> None:
        """Let the next one have its turn."""
        self.suspend()
        if self._turn is not None and self._has_turn:
            self._has_turn = False
            self._turn.release()

    def _wait(self, seconds: float) -> None:
        if not self._connection.closed_in_transaction:
            self._before = self._timeout(), self._connection.transaction_mode
            self._apply(max(1, int(seconds * 1000)), "IMMEDIATE")

    def _apply(self, timeout: int, mode: str | None) -> None:
        if self._connection.connection is not None:
            self._timeout(f" = {timeout}")
        self._connection.transaction_mode = mode

    def _timeout(self, change: str = "") -> int:
        with self._connection.wrap_database_errors:
            pragma = self._connection.connection.execute(f"PRAGMA busy_timeout{change}")
            return int(pragma.fetchone()[0])
