"""Bound what a step waits for on PostgreSQL.

The server is told how long it may wait. Where it does not even answer that, the socket is shut,
which ends the wait in whatever driver.
"""

from __future__ import annotations

import socket
from contextlib import contextmanager, suppress
from threading import Lock
from typing import TYPE_CHECKING, Any, Self

from django.db.utils import OperationalError

from florentin_webhooks.django.store.watchdog import watchdog

if TYPE_CHECKING:
    from collections.abc import Generator

    from django.db.backends.base.base import BaseDatabaseWrapper

__all__ = ["LOCK", "OnPostgreSQL", "short_lock_timeout"]

LOCK = 0.95
"""How long one lock may take, in seconds; a step may have to wait for two of them."""


class OnPostgreSQL:
    """Give a *connection* so many *seconds* for a step, and for each *lock*."""

    def __init__(self, connection: Any, seconds: float, lock: float) -> None:
        self._connection = connection  # Any: we set what is not ours.
        self._seconds = seconds
        self._wait = lock
        self._lock = Lock()
        self._ticket: int | None = None
        self._settings: dict[str, Any] = {}

    def __enter__(self) -> Self:
        self.resume()
        return self

    def __exit__(self, *_: object) -> None:
        self.suspend()

    def begin(self) -> None:
        """Tell the server, for as long as the transaction lasts that has just begun."""
        seconds = f"{int(self._seconds * 1000)}ms"
        _tell(self._connection, f"{int(self._wait * 1000)}ms", seconds)

    def suspend(self) -> None:
        """Give it all the time that it takes."""
        with self._lock:
            if self._ticket is None:
                return
            watchdog.forget(self._ticket)
            self._ticket = None
        self._connection.settings_dict = self._settings
        self._connection.__dict__.pop("connect", None)

    def resume(self) -> None:
        """Give it as much time as it had."""
        self._settings = settings = self._connection.settings_dict
        options = {"connect_timeout": 2, **settings["OPTIONS"]}
        self._connection.settings_dict = {**settings, "OPTIONS": options}
        self._ticket = watchdog.watch(self._seconds, self._cut)

    cancel = suspend

    def _cut(self) -> None:
        with self._lock:
            if self._ticket is None:
                return
            # Whoever ends a transaction on a broken connection opens the next one, in vain.
            self._connection.connect = _refuse
            with suppress(Exception):  # It may have gone by itself, or not be there yet.
                _shut(self._connection.connection.fileno())


@contextmanager
def short_lock_timeout(connection: BaseDatabaseWrapper) -> Generator[None]:
    """Wait briefly inside; afterwards the transaction around us waits as it did before."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('lock_timeout'), current_setting('statement_timeout')"
        )
        before = cursor.fetchone()
    _tell(connection, f"{int(LOCK * 1000)}ms", f"{int(LOCK * 1000)}ms")
    yield  # Where something is raised, the savepoint around us takes the change back.
    _tell(connection, *before)


def _tell(connection: BaseDatabaseWrapper, lock: str, statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('lock_timeout', %s, true), "
            "set_config('statement_timeout', %s, true)",
            [lock, statement],
        )


def _refuse() -> None:
    message = "the time for an answer is over"
    raise OperationalError(message)


def _shut(descriptor: int) -> None:
    with socket.fromfd(descriptor, socket.AF_INET, socket.SOCK_STREAM) as connected:
        connected.shutdown(socket.SHUT_RDWR)
