"""Remember deliveries in the program's own database: PostgreSQL or SQLite."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar, cast

from asgiref.sync import sync_to_async
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, connections
from django.utils.connection import ConnectionDoesNotExist

from florentin_webhooks.core.stores.accept import Accept, Finish
from florentin_webhooks.core.stores.atomic import RunInTransaction, TransactionResult
from florentin_webhooks.core.stores.base import Operation, State
from florentin_webhooks.core.stores.guards import Latest, Once
from florentin_webhooks.core.stores.queries import (
    FindFingerprints,
    GetRecord,
    ListDeadLetters,
    ListRecords,
    ResetRecord,
)
from florentin_webhooks.core.stores.retention import (
    UNFINISHED_RETENTION,
    milliseconds,
    resolve_keep,
    validate_unfinished_retention,
)
from florentin_webhooks.django.store.accept import accept
from florentin_webhooks.django.store.atomic import effect
from florentin_webhooks.django.store.cleanup import drop_old_bodies, sweep
from florentin_webhooks.django.store.finish import finish
from florentin_webhooks.django.store.guards import latest, once
from florentin_webhooks.django.store.queries import dead, find, list_, reopen, search
from florentin_webhooks.django.store.rows import StoreOptions
from florentin_webhooks.django.store.timeouts import timeouts
from florentin_webhooks.errors import ConfigurationError

__all__ = ["DjangoStore"]

A = TypeVar("A")

_STEPS: dict[
    type, Callable[[StoreOptions, Any], object]
] = {  # Any: the operation of the key's type.
    Accept: accept,
    Finish: finish,
    RunInTransaction: effect,
    Once: once,
    Latest: latest,
    GetRecord: find,
    ListRecords: list_,
    FindFingerprints: search,
    ResetRecord: reopen,
    ListDeadLetters: dead,
}


class DjangoStore:
    """Remember deliveries in the database that Django's settings call *using*.

    A delivery that is done stays known for *retention*, the newest *history* of them with body and
    handlers; one that is not done for *unfinished_retention*. Whoever runs handlers has
    *lease*. A handler that is ``atomic`` runs in the transaction that records its end.

    No step waits longer than 2 seconds. Each is a transaction of its own, so it is refused inside
    ``atomic()``; what :meth:`Delivery.once` asks is part of the transaction around it.
    """

    def __init__(
        self,
        using: str = DEFAULT_DB_ALIAS,
        *,
        retention: timedelta = timedelta(hours=24),
        lease: timedelta = timedelta(seconds=60),
        unfinished_retention: timedelta = UNFINISHED_RETENTION,
        history: int = 1000,
        keep: timedelta | None = None,
    ) -> None:
        unfinished_retention = resolve_keep(keep, unfinished_retention)
        validate_unfinished_retention(unfinished_retention, retention)
        self.using = using
        self.retention = retention
        self.lease = lease
        self.unfinished_retention = unfinished_retention
        self.supports_jobs = False
        self.supports_transactions = True
        _refuse_unfit(using)
        self._terms = StoreOptions(
            using,
            milliseconds(retention),
            milliseconds(lease),
            milliseconds(unfinished_retention),
            history,
        )

    def execute(self, operation: Operation[A]) -> A:
        """Carry out *operation*; raises :class:`Unavailable` where there is no answer in time."""
        step = _STEPS.get(type(operation))
        if step is None:
            message = f"DjangoStore cannot carry out {type(operation).__name__}"
            raise ConfigurationError(message)
        answer = step(self._terms, operation)
        self._tidy(operation, answer)
        return cast("A", answer)

    async def aexecute(self, operation: Operation[A]) -> A:
        """Carry out *operation* in the thread that Django keeps for what blocks."""
        step = asyncio.ensure_future(sync_to_async(self.execute)(operation))
        return await asyncio.shield(step)  # One that waits runs all the same.

    def close(self) -> None:
        """Close this thread's connection, unless it is in use; it opens again when needed."""
        connection = connections[self._terms.using]
        if not connection.in_atomic_block:
            connection.close()

    async def aclose(self) -> None:
        """Close the connection of the thread that Django keeps for what blocks."""
        await sync_to_async(self.close)()

    def _tidy(self, operation: Operation[Any], answer: object) -> None:  # Any: of any answer.
        if isinstance(operation, Accept):
            sweep(self._terms, operation.key)
        elif isinstance(operation, Finish) and answer is State.DONE:
            drop_old_bodies(self._terms, operation.key)
        elif isinstance(answer, TransactionResult) and answer.state is State.DONE:
            drop_old_bodies(self._terms, cast("RunInTransaction", operation).finish.key)


def _refuse_unfit(using: str) -> None:
    if not apps.is_installed("florentin_webhooks.django"):
        message = (
            "DjangoStore needs its tables: add 'florentin_webhooks.django' to INSTALLED_APPS, "
            "and run: python manage.py migrate florentin_webhooks"
        )
        raise ConfigurationError(message)
    try:
        timeouts(connections[using])
    except ConnectionDoesNotExist:
        message = f"DATABASES has no {using!r}; it has {', '.join(sorted(connections))}"
        raise ConfigurationError(message) from None
    except ImproperlyConfigured as error:
        raise ConfigurationError(str(error)) from None
