"""Run a handler in the transaction that records its end: both are committed, or neither.

On SQLite the transaction holds the one write lock from its beginning. On PostgreSQL the record is
locked only once the handler has returned, so that whoever else asks about the delivery meanwhile
is told at once that it is in progress.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from django.db import connections
from django.db.transaction import TransactionManagementError, on_commit, set_rollback
from django.db.utils import DatabaseError, OperationalError

from florentin_webhooks.core.log import logger
from florentin_webhooks.core.stores.atomic import RunInTransaction, TransactionResult
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.django.store.errors import translate_errors
from florentin_webhooks.django.store.finish import holds_lease, record
from florentin_webhooks.django.store.guards import permit
from florentin_webhooks.django.store.timeouts import timeouts
from florentin_webhooks.django.store.transactions import durable

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

    from florentin_webhooks.django.store.rows import StoreOptions

__all__ = ["effect"]

_LOST = TransactionResult(None, State.LOST)


def effect(terms: StoreOptions, operation: RunInTransaction) -> TransactionResult:
    """Run a handler and record its end."""
    connection = connections[terms.using]
    with translate_errors(connection):
        return _Effect(terms, operation, connection).run()


class _Effect:
    """Hold a transaction and the limits of its end; a handler has all the time of its lease."""

    def __init__(
        self, terms: StoreOptions, operation: RunInTransaction, connection: BaseDatabaseWrapper
    ) -> None:
        self._terms = terms
        self._operation = operation
        self._connection = connection
        self._limits = timeouts(connection)
        self._outermost = not connection.in_atomic_block  # Else a test case rolls it back.
        self._mine = False
        self._committed = False

    def run(self) -> TransactionResult:
        """Begin, call the handler, record, commit."""
        with self._limits, ExitStack() as transaction:
            transaction.enter_context(durable(self._connection, self._look))
            # Registered before whatever the handler registers, so it is called first.
            on_commit(self._note_commit, self._terms.using)
            effected = self._called() if self._mine else _LOST
            if effected.state is State.LOST:
                set_rollback(True, self._terms.using)
            return self._commit(transaction, effected)

    def _called(self) -> TransactionResult:
        self._limits.suspend()
        error = self._operation.call()
        self._limits.resume()
        return self._recorded(error)

    def _look(self) -> None:
        self._mine = holds_lease(self._terms, self._operation.finish)

    def _recorded(self, error: BaseException | None) -> TransactionResult:
        if error is None and self._connection.needs_rollback:
            message = "the handler left its transaction to be rolled back"
            error = TransactionManagementError(message)
        if error is not None:
            return TransactionResult(error, State.LOST)
        try:
            if self._outermost:
                self._limits.begin()
            for latest in self._operation.also:
                permit(self._terms, self._connection, latest)
            return TransactionResult(None, record(self._terms, self._operation.finish))
        except OperationalError:
            raise
        except DatabaseError as broken:  # An earlier statement had failed, and was passed over.
            return TransactionResult(broken, State.LOST)

    def _commit(self, transaction: ExitStack, effected: TransactionResult) -> TransactionResult:
        try:
            transaction.close()
        except Exception as error:
            if self._committed:  # Nobody can take back what happened before this was raised.
                logger.exception("an on_commit callback of a handler failed; its effects stand")
                return effected
            if isinstance(error, DatabaseError) and not isinstance(error, OperationalError):
                return TransactionResult(error, State.LOST)  # A deferred constraint, for example.
            raise
        return effected

    def _note_commit(self) -> None:
        """Lift the limits before what the handler wanted to be done after the commit."""
        self._committed = True
        self._limits.cancel()
