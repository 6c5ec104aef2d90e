"""Timeouts on PostgreSQL: by the server, and by the client if the server does not answer.

``lock_timeout`` and ``statement_timeout`` need a server that answers. For one that is frozen, or
whose answer is lost, the socket is shut down, which ends the wait in every driver. TCP's own means
do not help: the kernel of a frozen server goes on to acknowledge packets, so neither keepalives nor
``tcp_user_timeout`` fire.
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

__all__ = ["LOCK_SECONDS", "PostgreSQLTimeouts", "short_lock_timeout"]

LOCK_SECONDS = 0.95
"""Duration of one lock wait; a step may have to wait twice."""


class PostgreSQLTimeouts:
    """Timeouts of a *connection*, in seconds: of the whole step, and of each lock wait."""

    def __init__(self, connection: Any, seconds: float, lock_seconds: float) -> None:
        self._connection = connection  # Any: we replace attributes that Django's types fix.
        self._seconds = seconds
        self._lock_seconds = lock_seconds
        self._lock = Lock()
        self._ticket: int | None = None
        self._settings: dict[str, Any] = {}

    def __enter__(self) -> Self:
        self.resume()
        return self

    def __exit__(self, *_: object) -> None:
        self.suspend()

    def begin(self) -> None:
        """Set the server's timeouts for the transaction that has just begun."""
        _set_timeouts(self._connection, _ms(self._lock_seconds), _ms(self._seconds))

    def suspend(self) -> None:
        """Disable the client's timeouts."""
        with self._lock:
            if self._ticket is None:
                return
            watchdog.forget(self._ticket)
            self._ticket = None
        self._connection.settings_dict = self._settings
        self._connection.__dict__.pop("connect", None)

    def resume(self) -> None:
        """Enable the client's timeouts, with the whole duration."""
        self._settings = settings = self._connection.settings_dict
        options = {"connect_timeout": 2, **settings["OPTIONS"]}
        self._connection.settings_dict = {**settings, "OPTIONS": options}
        self._ticket = watchdog.watch(self._seconds, self._disconnect)

    cancel = suspend

    def _disconnect(self) -> None:
        with self._lock:
            if self._ticket is None:
                return
            # Ending a transaction on a broken connection opens a new one, which would wait, too.
            self._connection.connect = _refuse_to_connect
            # The connection may be closed already, or not be open yet.
            with suppress(AttributeError, OSError, self._connection.Database.Error):
                _shut_down(self._connection.connection.fileno())


@contextmanager
def short_lock_timeout(connection: BaseDatabaseWrapper) -> Generator[None]:
    """Shorten the lock timeout inside; restore that of the current transaction afterwards."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('lock_timeout'), current_setting('statement_timeout')"
        )
        before = cursor.fetchone()
    _set_timeouts(connection, _ms(LOCK_SECONDS), _ms(LOCK_SECONDS))
    yield  # After an error, the rollback to the savepoint restores them.
    _set_timeouts(connection, *before)


def _set_timeouts(connection: BaseDatabaseWrapper, lock: str, statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('lock_timeout', %s, true), "
            "set_config('statement_timeout', %s, true)",
            [lock, statement],
        )


def _ms(seconds: float) -> str:
    return f"{int(seconds * 1000)}ms"


def _refuse_to_connect() -> None:
    raise OperationalError("The timeout has passed.")


def _shut_down(descriptor: int) -> None:
    with socket.fromfd(descriptor, socket.AF_INET, socket.SOCK_STREAM) as connected:
        connected.shutdown(socket.SHUT_RDWR)
