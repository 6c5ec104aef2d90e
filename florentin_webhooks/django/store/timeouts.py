"""Bound what a step may wait for, by the means of its database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Self

from florentin_webhooks.django.store.timeouts_postgresql import LOCK, OnPostgreSQL
from florentin_webhooks.django.store.timeouts_sqlite import OnSQLite
from florentin_webhooks.errors import ConfigurationError

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

__all__ = ["SECONDS", "Limits", "timeouts"]

SECONDS = 1.9
"""How long one step may take; the sender is answered within two seconds."""


class Limits(Protocol):
    """Be the limits of one step: in force inside ``with``, but for pauses."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...

    def begin(self) -> None:
        """Bring into force what ends with a transaction that has just begun."""
        ...

    def suspend(self) -> None:
        """Have them in force no more, until they are renewed."""
        ...

    def resume(self) -> None:
        """Have them in force again, with as much time as at the beginning."""
        ...

    def cancel(self) -> None:
        """Have them in force no more: the transaction is over."""
        ...


def timeouts(
    connection: BaseDatabaseWrapper,
    seconds: float = SECONDS,
    lock: float | None = None,
    *,
    writes: bool = True,
) -> Limits:
    """Give the limits of one step on *connection*: its *seconds*, and those that a *lock* may take.

    Raises :class:`ConfigurationError` for a database of another kind.
    """
    if connection.vendor == "postgresql":
        return OnPostgreSQL(connection, seconds, lock or LOCK)
    if connection.vendor == "sqlite":
        return OnSQLite(connection, lock or seconds, writes=writes)
    message = (
        f"DjangoStore needs PostgreSQL or SQLite, and the database {connection.alias!r} is "
        f"{connection.display_name}; name another one: DjangoStore(using=...)"
    )
    raise ConfigurationError(message)
