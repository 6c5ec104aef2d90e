"""Open transactions that end in time, of our own or inside that of the program around us."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, nullcontext
from typing import TYPE_CHECKING

from django.db import connections
from django.db.transaction import atomic
from django.db.utils import Error

from florentin_webhooks.django.store.errors import is_gone, translate_errors
from florentin_webhooks.django.store.timeouts import SECONDS, timeouts
from florentin_webhooks.django.store.timeouts_postgresql import short_lock_timeout
from florentin_webhooks.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from django.db.backends.base.base import BaseDatabaseWrapper

__all__ = ["durable", "join_transaction", "read_only", "transaction"]


@contextmanager
def transaction(
    using: str, seconds: float = SECONDS, lock: float | None = None
) -> Generator[BaseDatabaseWrapper]:
    """Open a transaction that is committed, for good, when it ends."""
    connection = connections[using]
    with translate_errors(connection), timeouts(connection, seconds, lock) as limit:
        # In a test case, which rolls all of it back, we are not the ones who began.
        outermost = not connection.in_atomic_block
        with durable(connection, limit.begin if outermost else _nothing):
            yield connection


@contextmanager
def join_transaction(using: str) -> Generator[BaseDatabaseWrapper]:
    """Be part of the transaction that is under way, or open one where there is none."""
    connection = connections[using]
    if not connection.in_atomic_block:
        with transaction(using):
            yield connection
        return
    patience = short_lock_timeout if connection.vendor == "postgresql" else nullcontext
    with translate_errors(connection), atomic(using), patience(connection):
        yield connection


@contextmanager
def read_only(using: str) -> Generator[BaseDatabaseWrapper]:
    """Look at what is there, whoever has a transaction under way."""
    connection = connections[using]
    with translate_errors(connection), timeouts(connection, writes=False) as limit:
        if connection.in_atomic_block or connection.vendor == "sqlite":
            yield connection  # Only a writer needs SQLite's lock.
            return
        with durable(connection, limit.begin):
            yield connection


@contextmanager
def durable(connection: BaseDatabaseWrapper, first: Callable[[], object]) -> Generator[None]:
    """Open a transaction that nobody around us can roll back, and do *first* in it."""
    with ExitStack() as opened:
        try:
            _open(connection, first, opened)
        except RuntimeError:
            message = (
                f"the store was asked inside a transaction on {connection.alias!r}, which could "
                "still be rolled back after Florentin was answered; mark the view with "
                "django.db.transaction.non_atomic_requests, or ask outside of atomic()"
            )
            raise ConfigurationError(message) from None
        yield


def _open(connection: BaseDatabaseWrapper, first: Callable[[], object], opened: ExitStack) -> None:
    was_idle = connection.connection is not None and not connection.in_atomic_block
    try:
        _open_once(connection, first, opened)
    except Error as error:
        # A connection that broke while nobody used it: nothing has happened on it yet.
        if not (was_idle and is_gone(connection, error)):
            raise
        connection.close()
        _open_once(connection, first, opened)


def _open_once(
    connection: BaseDatabaseWrapper, first: Callable[[], object], opened: ExitStack
) -> None:
    with ExitStack() as opening:
        opening.enter_context(atomic(connection.alias, durable=True))
        first()
        opened.push(opening.pop_all())


def _nothing() -> None:
    pass
