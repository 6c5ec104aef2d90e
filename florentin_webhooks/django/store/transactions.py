"""Transactions with timeouts: of our own, or inside the program's."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, nullcontext
from typing import TYPE_CHECKING

from django.db import connections
from django.db.transaction import atomic
from django.db.utils import Error

from florentin_webhooks.django.connections import discard
from florentin_webhooks.django.store.errors import is_disconnected, translate_errors
from florentin_webhooks.django.store.timeouts import SECONDS, timeouts
from florentin_webhooks.django.store.timeouts_postgresql import short_lock_timeout
from florentin_webhooks.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from django.db.backends.base.base import BaseDatabaseWrapper

__all__ = ["durable", "join_transaction", "read_only", "transaction"]


@contextmanager
def transaction(
    using: str, seconds: float = SECONDS, lock_seconds: float | None = None
) -> Generator[BaseDatabaseWrapper]:
    """Open a transaction that is committed durably when it ends."""
    connection = connections[using]
    with translate_errors(connection), timeouts(connection, seconds, lock_seconds) as limits:
        # In a test case, which rolls everything back, the transaction is not ours.
        outermost = not connection.in_atomic_block
        with durable(connection, limits.begin if outermost else _do_nothing):
            yield connection


@contextmanager
def join_transaction(using: str) -> Generator[BaseDatabaseWrapper]:
    """Join the current transaction, or open one."""
    connection = connections[using]
    if not connection.in_atomic_block:
        with transaction(using):
            yield connection
        return
    lock_timeout = short_lock_timeout if connection.vendor == "postgresql" else nullcontext
    with translate_errors(connection), atomic(using), lock_timeout(connection):
        yield connection


@contextmanager
def read_only(using: str) -> Generator[BaseDatabaseWrapper]:
    """Read with timeouts, inside or outside a transaction of the program."""
    connection = connections[using]
    with translate_errors(connection), timeouts(connection, writes=False) as limits:
        if connection.in_atomic_block or connection.vendor == "sqlite":
            yield connection  # SQLite's lock is for writers.
            return
        with durable(connection, limits.begin):
            yield connection


@contextmanager
def durable(connection: BaseDatabaseWrapper, on_begin: Callable[[], object]) -> Generator[None]:
    """Open a transaction that no outer one can roll back, and call *on_begin* in it.

    Raises :class:`ConfigurationError` inside ``atomic()``.
    """
    with ExitStack() as opened:
        try:
            _open(connection, on_begin, opened)
        except RuntimeError:
            raise ConfigurationError(
                f"The store was called inside a transaction on {connection.alias!r}, which could "
                "still be rolled back after the reply to the sender.",
                "Mark the view with django.db.transaction.non_atomic_requests, or call the store "
                "outside atomic().",
            ) from None
        yield


def _open(
    connection: BaseDatabaseWrapper, on_begin: Callable[[], object], opened: ExitStack
) -> None:
    for _ in range(_count_idle(connection)):
        try:
            _open_once(connection, on_begin, opened)
        except Error as error:
            # An idle connection that the server has closed: it has run nothing yet.
            if not is_disconnected(connection, error):
                raise
            discard(connection)
        else:
            return
    _open_once(connection, on_begin, opened)


def _count_idle(connection: BaseDatabaseWrapper) -> int:
    """Return how many connections may be used that were opened earlier."""
    if connection.in_atomic_block:
        return 0
    if connection.connection is not None:
        return 1
    pool = getattr(connection, "pool", None)
    return 0 if pool is None else int(pool.get_stats()["pool_available"])


def _open_once(
    connection: BaseDatabaseWrapper, on_begin: Callable[[], object], opened: ExitStack
) -> None:
    with ExitStack() as opening:
        opening.enter_context(atomic(connection.alias, durable=True))
        on_begin()
        opened.push(opening.pop_all())


def _do_nothing() -> None:
    pass
