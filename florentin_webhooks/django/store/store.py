"""A store in the program's own database: PostgreSQL or SQLite."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar, cast

from asgiref.sync import sync_to_async
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.transaction import atomic
from django.utils.connection import ConnectionDoesNotExist

from florentin_webhooks.core.durations import Duration, positive_duration
from florentin_webhooks.core.stores.accept import Accept, Finish
from florentin_webhooks.core.stores.atomic import RunInTransaction, TransactionResult
from florentin_webhooks.core.stores.base import Operation, State
from florentin_webhooks.core.stores.guards import Latest, Once
from florentin_webhooks.core.stores.queries import (
    FindDeliveryId,
    FindFingerprints,
    GetRecord,
    ListDeadLetters,
    ListRecords,
    ResetRecord,
)
from florentin_webhooks.core.stores.retention import (
    UNFINISHED_RETENTION,
    milliseconds,
    resolve_retention,
    resolve_unfinished_retention,
    validate_count,
)
from florentin_webhooks.django.connections import (
    fresh_connections,
    has_request_thread,
    return_to_pools,
)
from florentin_webhooks.django.store import queries
from florentin_webhooks.django.store.accept import accept
from florentin_webhooks.django.store.atomic import run_in_transaction
from florentin_webhooks.django.store.cleanup import delete_expired, drop_old_bodies
from florentin_webhooks.django.store.finish import finish
from florentin_webhooks.django.store.guards import latest, once
from florentin_webhooks.django.store.rows import StoreOptions
from florentin_webhooks.django.store.timeouts import timeouts
from florentin_webhooks.errors import ConfigurationError

__all__ = ["DjangoStore"]

A = TypeVar("A")

# Any: the operation of the key's type.
_STEPS: dict[type, Callable[[StoreOptions, Any], object]] = {
    Accept: accept,
    Finish: finish,
    RunInTransaction: run_in_transaction,
    Once: once,
    Latest: latest,
    GetRecord: queries.get_record,
    ListRecords: queries.list_records,
    FindDeliveryId: queries.find_delivery_id,
    FindFingerprints: queries.find_fingerprints,
    ResetRecord: queries.reset_record,
    ListDeadLetters: queries.list_dead_letters,
}


class DjangoStore:
    """A store in a database of Django's settings.

    A handler that is ``atomic`` runs in the transaction that records its end. No step waits longer
    than 2 seconds. Each is a transaction of its own, so it is refused inside ``atomic()``; only
    :meth:`Delivery.once` joins the transaction around it.

    Args:
        using: The alias of the database.
        retention: How long a finished delivery is remembered: a day, or as long as its senders
            need.
        lease: How long inline handlers have a delivery to themselves.
        unfinished_retention: How long an unfinished delivery is remembered.
        history: How many finished deliveries keep their bodies and handlers.
        keep: The old name of *unfinished_retention*.

    Raises :class:`ConfigurationError` for durations that contradict each other, for an unknown or
    unsupported database, and if the app is not installed.
    """

    def __init__(
        self,
        using: str = DEFAULT_DB_ALIAS,
        *,
        retention: Duration | None = None,
        lease: Duration = timedelta(seconds=60),
        unfinished_retention: Duration = UNFINISHED_RETENTION,
        history: int = 1000,
        keep: Duration | None = None,
    ) -> None:
        validate_count("history", history, 0)
        _check_database(using)
        self.using = using
        self._follows_senders = retention is None
        self.retention = resolve_retention(retention)
        self.lease = positive_duration("lease", lease)
        self.unfinished_retention = resolve_unfinished_retention(
            unfinished_retention, keep, self.retention
        )
        self.supports_jobs = False
        self.supports_transactions = True
        self._options = StoreOptions(
            using,
            milliseconds(self.retention),
            milliseconds(self.lease),
            milliseconds(self.unfinished_retention),
            history,
        )

    @property
    def location(self) -> tuple[str, str]:
        """The database, by which two stores are the same one."""
        return "django", self.using

    def extend_retention(self, least: timedelta) -> None:
        """Remember finished deliveries for *least*, unless ``retention`` was set."""
        if self._follows_senders and least > self.retention:
            self.retention = least
            self.unfinished_retention = max(least, self.unfinished_retention)
            self._options = replace(
                self._options,
                retention=milliseconds(least),
                unfinished_retention=milliseconds(self.unfinished_retention),
            )

    def execute(self, operation: Operation[A]) -> A:
        """Execute *operation*; raises :class:`Unavailable` if the database does not answer."""
        step = _STEPS.get(type(operation))
        if step is None:
            raise ConfigurationError(
                f"DjangoStore does not support {type(operation).__name__}.",
                "Use RedisStore for queued handlers.",
            )
        answer = step(self._options, operation)
        self._clean_up(operation, answer)
        return cast("A", answer)

    async def aexecute(self, operation: Operation[A]) -> A:
        """Execute *operation* in the thread that Django keeps for blocking calls."""
        execute = self._execute_in_request if has_request_thread() else self._execute_alone
        step = asyncio.ensure_future(sync_to_async(execute)(operation))
        return await asyncio.shield(step)  # Cancellation must not drop one that waits to start.

    def probe(self, *, writes: bool = False) -> None:
        """Raise :class:`Unavailable` unless the database answers, and *writes* what it is given."""
        queries.probe(self._options, writes=writes)

    def atomic(self) -> AbstractContextManager[None]:
        """Return a transaction of this database, for stores that stand in for this one in tests."""
        return cast("AbstractContextManager[None]", atomic(self.using))

    def close(self) -> None:
        """Close this thread's connection unless it is in use; it reopens when needed."""
        connection = connections[self.using]
        if not connection.in_atomic_block:
            connection.close()

    async def aclose(self) -> None:
        """Close the connection of the thread that Django keeps for blocking calls."""
        await sync_to_async(self.close)()

    def _execute_in_request(self, operation: Operation[A]) -> A:
        """Execute, and keep no pooled connection: handlers in other threads may need it."""
        try:
            return self.execute(operation)
        finally:
            return_to_pools()

    def _execute_alone(self, operation: Operation[A]) -> A:
        """Execute in a thread whose connections no request looks after."""
        with fresh_connections():
            return self.execute(operation)

    def _clean_up(self, operation: Operation[Any], answer: object) -> None:  # Any: of any answer.
        if isinstance(operation, Accept):
            delete_expired(self._options, operation.key)
        elif isinstance(operation, Finish) and answer is State.DONE:
            drop_old_bodies(self._options, operation.key)
        elif isinstance(answer, TransactionResult) and answer.state is State.DONE:
            drop_old_bodies(self._options, cast("RunInTransaction", operation).finish.key)


def _check_database(using: str) -> None:
    if not apps.is_installed("florentin_webhooks.django"):
        raise ConfigurationError(
            "DjangoStore has no tables: florentin_webhooks.django is not an installed app.",
            "Add 'florentin_webhooks.django' to INSTALLED_APPS, and run: "
            "python manage.py migrate florentin_webhooks",
        )
    try:
        timeouts(connections[using])
    except ConnectionDoesNotExist:
        raise ConfigurationError(
            f"DATABASES has no {using!r}.", f"Choose one of: {', '.join(sorted(connections))}."
        ) from None
    except ImproperlyConfigured as error:
        raise ConfigurationError(
            f"Django cannot use the database {using!r}: {error}",
            "Correct DATABASES in the settings.",
        ) from None
