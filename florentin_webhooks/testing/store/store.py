"""The store for tests: everything in memory, nothing forgotten, and the time is an argument.

Each operation does what it does in Redis; ``tests/conformance`` runs both through one suite.
"""

from __future__ import annotations

from contextlib import nullcontext
from datetime import timedelta
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar, cast

from florentin_webhooks.core.stores.accept import Accept, Finish
from florentin_webhooks.core.stores.atomic import RunInTransaction, TransactionResult
from florentin_webhooks.core.stores.base import Operation, State
from florentin_webhooks.core.stores.guards import GuardDecision, GuardGrant, GuardStep, Latest, Once
from florentin_webhooks.core.stores.jobs import ClaimJob, EnqueueScheduled
from florentin_webhooks.core.stores.memory_guards import MemoryGuards
from florentin_webhooks.core.stores.queries import (
    FindDeliveryId,
    FindFingerprints,
    GetRecord,
    ListRecords,
    ResetRecord,
)
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.testing.store import acceptance, completion, queries
from florentin_webhooks.testing.store.memory import Memory

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from datetime import datetime

    from florentin_webhooks.testing.store.entries import Entry

__all__ = ["RecordingStore"]

A = TypeVar("A")

_STEPS: dict[type[Operation[Any]], Any] = {  # Any: each takes the operation of its key.
    Accept: acceptance.accept,
    Finish: completion.finish,
    ClaimJob: completion.claim_job,
    EnqueueScheduled: completion.enqueue_scheduled,
    GetRecord: queries.get_record,
    ListRecords: queries.list_records,
    FindFingerprints: queries.find_fingerprints,
    FindDeliveryId: queries.find_delivery_id,
    ResetRecord: queries.reset_record,
}


class _RolledBack(Exception):
    """The transaction of a handler is rolled back, with *result*."""

    def __init__(self, result: TransactionResult) -> None:
        super().__init__()
        self.result = result


class RecordingStore:
    """A store in memory that pushes jobs, and can be asked for everything.

    *clock* returns the time. Atomic handlers run within *atomic*, a context manager that commits
    or, on an exception, rolls back.
    """

    supports_jobs = supports_transactions = is_immediate = True

    def __init__(
        self,
        clock: Callable[[], datetime],
        *,
        lease: timedelta = timedelta(seconds=60),
        retention: timedelta = timedelta(days=1),
        atomic: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        self.lease, self.retention = lease, retention
        self._memory = Memory(clock, lease, retention)
        self._guards = MemoryGuards(retention.total_seconds())
        self.atomic = atomic
        self._lock = Lock()

    @property
    def entries(self) -> dict[bytes, Entry]:
        """Every delivery by its fingerprint, the oldest first."""
        return self._memory.entries

    def find(self, body: bytes, delivery_id: str | None) -> Entry | None:
        """Return the delivery that came as *body* under *delivery_id*, or as *body* at least."""
        return self._memory.find_content(body, delivery_id)

    def execute(self, operation: Operation[A]) -> A:
        """Execute *operation*."""
        if isinstance(operation, RunInTransaction):
            return cast("A", self._transact(operation))
        with self._lock:
            if isinstance(operation, Once | Latest):
                return cast("A", self._guard(operation))
            if type(operation) not in _STEPS:
                raise ConfigurationError(
                    f"The store for tests does not support {type(operation).__name__}.",
                    "Test this with a store of your own: Receiver(..., store=...).",
                )
            return cast("A", _STEPS[type(operation)](self._memory, operation))

    async def aexecute(self, operation: Operation[A]) -> A:
        """Execute *operation*."""
        return self.execute(operation)

    def close(self) -> None:
        """Do nothing: this store has no connections."""

    async def aclose(self) -> None:
        """Do nothing: this store has no connections."""

    def _guard(self, operation: Once | Latest) -> GuardGrant:
        if isinstance(operation, Once) and operation.step is GuardStep.BEGIN:
            entry = self._memory.find(operation.key)
            if entry is not None and entry.state is State.DONE:
                return GuardGrant(GuardDecision.DONE)
            lease = completion.lease_of(entry, operation.part) if entry else None
            if lease is None or lease.token != operation.token:
                return GuardGrant(GuardDecision.BUSY)
        return self._guards.decide(operation, self._memory.clock().timestamp())

    def _transact(self, operation: RunInTransaction) -> TransactionResult:
        try:
            with self.atomic():
                return self._run(operation)
        except _RolledBack as rolled_back:
            return rolled_back.result

    def _run(self, operation: RunInTransaction) -> TransactionResult:
        if error := operation.call():
            raise _RolledBack(TransactionResult(error, State.LOST))
        for latest in operation.also:
            self.execute(latest)
        result = TransactionResult(None, self.execute(operation.finish))
        if result.state is State.LOST:
            raise _RolledBack(result)
        return result
