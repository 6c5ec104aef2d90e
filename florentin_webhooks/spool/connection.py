"""Connections to the file of a spool: durable, bounded, private, and closed before a fork.

WAL with ``synchronous=FULL``: a commit returns when its bytes are on the disk. ``max_page_count``
bounds the file, so that SQLite itself refuses what does not fit, as for a full disk.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import suppress
from pathlib import Path
from threading import Lock, RLock
from typing import TYPE_CHECKING, TypeVar
from weakref import WeakSet, finalize

from florentin_webhooks.core.log import logger
from florentin_webhooks.errors import ConfigurationError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Connector"]

A = TypeVar("A")

BUSY_SECONDS = 2.0
"""How long an operation waits for other processes."""

_VERSION = 1
_PAGE = 4096
_SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS deliveries (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    fingerprint TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    is_sealed INTEGER NOT NULL,
    content BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS lease (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    holder TEXT NOT NULL,
    expires_at REAL NOT NULL
);
PRAGMA user_version = {_VERSION};
COMMIT;
"""
_TABLES = {"deliveries", "lease"}
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_HINT = "Check the disk, the owner of the file and of its folder, and its permissions."
_REMEDIES = {
    sqlite3.SQLITE_FULL: "Make room on the disk, or raise max_bytes of the spool.",
    sqlite3.SQLITE_NOTADB: "Move the file away: it is not a spool.",
    sqlite3.SQLITE_CORRUPT: "Move the file away, and read it with SQLite's .recover.",
}


class ForeignDatabase(Unavailable):
    """A database at *path* that another program has created."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"The spool {path} is the database of another program.",
            "Set the spool to a file of its own; nothing was written to this one.",
        )


class Connector:
    """The connection of this process to the file at *path*, of at most *max_bytes*."""

    def __init__(self, path: Path, max_bytes: int) -> None:
        self.path = path
        self._pages = max_bytes // _PAGE
        self.lock = RLock()
        """Held while the connection is used, and while this process forks."""
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        _connectors.add(self)

    def run(self, work: Callable[[sqlite3.Connection], A]) -> A:
        """Return the result of *work* with the connection.

        Raises :class:`Unavailable` for every error of SQLite.
        """
        with self.lock:
            deadline = time.monotonic() + BUSY_SECONDS
            while True:
                try:
                    return work(self._open())
                except (sqlite3.Error, OSError) as error:
                    is_over = time.monotonic() >= deadline
                    self._recover()
                    if is_over or getattr(error, "sqlite_errorcode", None) not in _BUSY:
                        raise self._unavailable(error) from error
                    time.sleep(_PAUSE)

    def check(self) -> None:
        """Raise :class:`ConfigurationError` if there is another kind of file.

        Any other problem may pass, or be repaired while the program runs: it is logged.
        """
        try:
            if self.path.exists():
                self.run(_read_version)
        except Unavailable as error:
            code = getattr(error.__cause__, "sqlite_errorcode", None)
            if code == sqlite3.SQLITE_NOTADB or isinstance(error, ForeignDatabase):
                raise ConfigurationError(error.message, error.hint) from None
            logger.error("%s", error)
        self.close()

    def close(self) -> None:
        """Close the connection; the next operation opens it again."""
        with self.lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                with suppress(sqlite3.Error):
                    self._end()

    def hold(self) -> None:
        """Close the connection and keep others from opening one, until :meth:`allow`."""
        self.lock.acquire()
        self.close()

    def allow(self) -> None:
        """Allow connections again."""
        self.lock.release()

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None and self._file != _identify(self.path):
            self.close()  # Moved or deleted: what is written there would be lost.
        if self._connection is None:
            self._connection = self._connect()
            # Python 3.13 warns of a connection that is dropped open.
            self._end = finalize(self, self._connection.close)
            self._end.atexit = False
            self._file = _identify(self.path)
        return self._connection

    def _connect(self) -> sqlite3.Connection:
        _create(self.path)
        connection = sqlite3.connect(
            self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            _check_tables(connection, self.path)
            for pragma in ("auto_vacuum=INCREMENTAL", "journal_mode=WAL", "synchronous=FULL"):
                connection.execute(f"PRAGMA {pragma}")
            # A delivered body must not remain in the file.
            connection.execute("PRAGMA secure_delete=ON")
            connection.execute(f"PRAGMA max_page_count={self._pages}")
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        version = _read_version(connection)
        if version > _VERSION:
            raise Unavailable(
                f"The spool {self.path} was written by a newer version of florentin_webhooks.",
                "Upgrade this process, or drain the spool with the newer version.",
            )
        if version < _VERSION:
            connection.executescript(_SCHEMA)

    def _recover(self) -> None:
        """End a transaction that has failed; without one, open the file again next time."""
        if self._connection is not None and self._connection.in_transaction:
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
                return
        self.close()

    def _unavailable(self, error: sqlite3.Error | OSError) -> Unavailable:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_FULL:
            message = f"The spool {self.path} is full, or its disk is."
        else:
            reason = error.strerror if isinstance(error, OSError) else error
            message = f"The spool {self.path} cannot be used: {reason}."
        return Unavailable(message, _REMEDIES.get(code, _HINT))


_LIST_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table'"
_PAUSE = 0.02
_creation = Lock()
_connectors: WeakSet[Connector] = WeakSet()


def _create(path: Path) -> None:
    """Create the file, readable for its owner alone, as are those that SQLite creates beside it.

    Only where there is none: closing any descriptor of a file ends the locks that this process has
    on it, also those of another connection (SQLite, "How To Corrupt An SQLite Database File", 2.2).
    """
    with _creation, suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def _read_version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def _check_tables(connection: sqlite3.Connection, path: Path) -> None:
    """Raise :class:`ForeignDatabase` if there are tables, but not those of a spool."""
    found = {name for (name,) in connection.execute(_LIST_TABLES)}
    if found and not found >= _TABLES:
        raise ForeignDatabase(path)


def _identify(path: Path) -> tuple[int, int] | None:
    with suppress(FileNotFoundError):
        found = path.stat()
        return found.st_dev, found.st_ino
    return None


# SQLite's connections must not be used, or even closed, in a forked process.
_held: list[Connector] = []


def _before_fork() -> None:
    for connector in _connectors:
        connector.hold()
        _held.append(connector)


def _after_fork() -> None:
    while _held:
        _held.pop().allow()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork
    )
