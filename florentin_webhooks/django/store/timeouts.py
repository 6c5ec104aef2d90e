"""Timeouts of one step of the store, by the means of its database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Self

from florentin_webhooks.django.store.timeouts_postgresql import LOCK_SECONDS, PostgreSQLTimeouts
from florentin_webhooks.django.store.timeouts_sqlite import SQLiteTimeouts
from florentin_webhooks.errors import ConfigurationError

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

__all__ = ["SECONDS", "Timeouts", "timeouts"]

SECONDS = 1.9
"""Duration of one step; the sender must be answered within two seconds."""


class Timeouts(Protocol):
    """The timeouts of one step, in force inside ``with`` unless suspended."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...

    def begin(self) -> None:
        """Set what the database limits itself, in a transaction that has just begun."""
        ...

    def suspend(self) -> None:
        """Disable the timeouts until :meth:`resume`."""
        ...

    def resume(self) -> None:
        """Enable the timeouts again, with the whole duration."""
        ...

    def cancel(self) -> None:
        """Disable the timeouts for good: the transaction has ended."""
        ...


def timeouts(
    connection: BaseDatabaseWrapper,
    seconds: float = SECONDS,
    lock_seconds: float | None = None,
    *,
    writes: bool = True,
) -> Timeouts:
    """Return the timeouts of one step on *connection*: in all, and for each lock.

    Raises :class:`ConfigurationError` unless the database is PostgreSQL or SQLite.
    """
    if connection.vendor == "postgresql":
        return PostgreSQLTimeouts(connection, seconds, lock_seconds or LOCK_SECONDS)
    if connection.vendor == "sqlite":
        return SQLiteTimeouts(connection, lock_seconds or seconds, writes=writes)
    raise ConfigurationError(
        f"The database {connection.alias!r} is {connection.display_name}; DjangoStore needs "
        "PostgreSQL or SQLite.",
        "Choose another database: DjangoStore(using=...).",
    )
