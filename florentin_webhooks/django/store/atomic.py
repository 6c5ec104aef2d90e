"""Run a handler in the transaction that records its end: both are committed, or neither.

On SQLite the transaction holds the only write lock from its beginning. On PostgreSQL the record is
locked after the handler has returned, so that a retry meanwhile is answered in-progress at once.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from django.db import connections
from django.db.transaction import TransactionManagementError, on_commit, set_rollback
from django.db.utils import DatabaseError, OperationalError

from florentin_webhooks.core.log import logger, redact
from florentin_webhooks.core.stores.atomic import RunInTransaction, TransactionResult
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.django.store.errors import translate_errors
from florentin_webhooks.django.store.finish import finish_within, holds_lease
from florentin_webhooks.django.store.guards import request_guard
from florentin_webhooks.django.store.timeouts import timeouts
from florentin_webhooks.django.store.transactions import durable

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

    from florentin_webhooks.django.store.rows import StoreOptions

__all__ = ["run_in_transaction"]

_LOST = TransactionResult(None, State.LOST)


def run_in_transaction(options: StoreOptions, operation: RunInTransaction) -> TransactionResult:
    """Run a handler and record its end."""
    connection = connections[options.using]
    with translate_errors(connection):
        return _AtomicRun(options, operation, connection).run()


class _AtomicRun:
    """One transaction of a handler; the timeouts apply before and after the handler."""

    def __init__(
        self, options: StoreOptions, operation: RunInTransaction, connection: BaseDatabaseWrapper
    ) -> None:
        self._options = options
        self._operation = operation
        self._connection = connection
        self._timeouts = timeouts(connection)
        self._outermost = not connection.in_atomic_block  # Else a test case rolls it back.
        self._holds_lease = False
        self._committed = False

    def run(self) -> TransactionResult:
        """Begin, call the handler, record, commit."""
        with self._timeouts, ExitStack() as transaction:
            transaction.enter_context(durable(self._connection, self._check_lease))
            # Registered before the handler's own callbacks, so it runs first.
            on_commit(self._mark_committed, self._options.using)
            result = self._call_handler() if self._holds_lease else _LOST
            if result.state is State.LOST:
                set_rollback(True, self._options.using)
            return self._commit(transaction, result)

    def _check_lease(self) -> None:
        self._holds_lease = holds_lease(self._options, self._operation.finish)

    def _call_handler(self) -> TransactionResult:
        self._timeouts.suspend()
        error = self._operation.call()
        self._timeouts.resume()
        if error is None and self._connection.needs_rollback:
            error = TransactionManagementError("The handler marked its transaction for rollback.")
        if error is not None:
            return TransactionResult(error, State.LOST)
        return self._record()

    def _record(self) -> TransactionResult:
        try:
            if self._outermost:
                self._timeouts.begin()
            for latest in self._operation.also:
                request_guard(self._options, self._connection, latest)
            return TransactionResult(None, finish_within(self._options, self._operation.finish))
        except OperationalError:
            raise
        except DatabaseError as error:  # The handler ignored a statement that had failed.
            return TransactionResult(error, State.LOST)

    def _commit(self, transaction: ExitStack, result: TransactionResult) -> TransactionResult:
        try:
            transaction.close()
        except Exception as error:
            if self._committed:  # Raised by a callback, after the commit.
                logger.error(
                    "an on_commit callback of a handler failed; its data is committed",
                    exc_info=redact(error),
                )
                return result
            if isinstance(error, DatabaseError) and not isinstance(error, OperationalError):
                return TransactionResult(error, State.LOST)  # A deferred constraint, for example.
            raise
        return result

    def _mark_committed(self) -> None:
        """Cancel the timeouts before the handler's own on_commit callbacks run."""
        self._committed = True
        self._timeouts.cancel()
