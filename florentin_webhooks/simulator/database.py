"""The state of a simulated domain in SQLite: a file that only one process opens, or memory."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager, suppress
from threading import RLock
from typing import TYPE_CHECKING
from weakref import finalize

from florentin_webhooks.errors import ConfigurationError, Unavailable
from florentin_webhooks.simulator.schema import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

__all__ = ["Database"]


class Database:
    """A connection that threads share, one transaction at a time.

    Raises :class:`ConfigurationError` for a file that cannot be opened, is not such a database, or
    belongs to another process.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._lock = RLock()
        self._depth = 0
        try:
            if path is not None:
                path.touch(mode=0o600)  # It holds the secrets that sign.
            self._connection = sqlite3.connect(
                path or ":memory:", timeout=0.5, isolation_level=None, check_same_thread=False
            )
            # Python 3.13 warns of a connection that is dropped open.
            self._end = finalize(self, self._connection.close)
            self._connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = NORMAL")
            self._connection.executescript(SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise ConfigurationError(
                f"Cannot use {path} as a database ({error}).",
                "Stop the other simulator that uses it, or name another directory.",
            ) from error

    @contextmanager
    def transaction(self) -> Generator[sqlite3.Connection]:
        """Yield the connection in a transaction, which an exception undoes.

        A transaction inside of another is part of it. Raises :class:`Unavailable` where SQLite
        cannot read or write.
        """
        with self._lock:
            self._depth += 1
            try:
                if self._depth == 1:
                    self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                if self._depth == 1:
                    self._connection.execute("COMMIT")
            except sqlite3.Error as error:
                raise Unavailable(f"SQLite has failed ({error}).") from error
            finally:
                self._depth -= 1
                if not self._depth and self._connection.in_transaction:
                    with suppress(sqlite3.Error):
                        self._connection.execute("ROLLBACK")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._end()
