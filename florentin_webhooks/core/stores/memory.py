"""The store in memory: for a first try, tests, and programs of one process."""

from __future__ import annotations

import time
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from florentin_webhooks.core.durations import Duration, positive_duration
from florentin_webhooks.core.stores.accept import Accept, Claim, Finish
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.memory_history import MemoryHistory
from florentin_webhooks.core.stores.memory_records import MemoryRecords
from florentin_webhooks.core.stores.queries import FindDeliveryId, GetRecord, Record, ResetRecord
from florentin_webhooks.core.stores.retention import resolve_retention, validate_count

if TYPE_CHECKING:
    from collections.abc import Callable

    from florentin_webhooks.core.stores.base import Operation

__all__ = ["MemoryStore"]

A = TypeVar("A")


class MemoryStore(MemoryRecords):
    """Store for up to *capacity* deliveries in memory.

    It protects one process, and its memory ends with that process. A full store raises
    :class:`Unavailable`: it never forgets a delivery that could still be replayed. *clock* returns
    seconds that never go back.
    """

    def __init__(
        self,
        *,
        retention: Duration | None = None,
        lease: Duration = timedelta(seconds=60),
        capacity: int = 100_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        validate_count("capacity", capacity, 1)
        self._follows_senders = retention is None
        self.retention = resolve_retention(retention)
        self.lease = positive_duration("lease", lease)
        self.supports_jobs = self.supports_transactions = False
        self.is_immediate = type(self).aexecute is MemoryStore.aexecute  # A subclass may wait.
        super().__init__(
            capacity, self.retention.total_seconds(), self.lease.total_seconds(), clock
        )

    def keep_history(self, limit: int) -> None:
        """Remember the newest *limit* finished deliveries with body and handlers from now on.

        Then the store answers the queries of operators. The second call changes nothing.
        """
        with self._lock:
            if ResetRecord in self._steps:
                return
            history = MemoryHistory(limit, self.lease)
            self._steps |= history.queries
            self._steps[Accept] = partial(self._accept_noting, history)
            self._steps[Finish] = partial(self._finish_noting, history)
            self._steps[FindDeliveryId] = partial(self._find_delivery_id, history)
            self._steps[GetRecord] = partial(self._get_record, history)
            self._steps[ResetRecord] = partial(self._reset, history)

    def _accept_noting(self, history: MemoryHistory, accept: Accept, now: float) -> Claim:
        claim = self._accept(accept, now)
        history.note_accept(accept, claim)
        return claim

    def _finish_noting(self, history: MemoryHistory, finish: Finish, now: float) -> State:
        state = self._finish(finish, now)
        history.note_finish(finish, state)
        return state

    def _get_record(self, history: MemoryHistory, get: GetRecord, _now: float) -> Record | None:
        first = self._first_key(get.key)
        if first is None:
            return None
        # Beyond the history the state is all that is known.
        return history.get(first) or Record(first.hex(), State.DONE)

    def _find_delivery_id(
        self, history: MemoryHistory, wanted: FindDeliveryId, _now: float
    ) -> tuple[str, ...]:
        found = (key for each in wanted.keys for key in self._sent.first_keys(each).values())
        return tuple(key.hex() for key in found if history.get(key) is not None)

    def extend_retention(self, least: timedelta) -> None:
        """Remember finished deliveries for *least*, unless ``retention`` was set."""
        if self._follows_senders and least > self.retention:
            self.retention = least
            self._keep_for(least.total_seconds())

    async def aexecute(self, operation: Operation[A]) -> A:
        """Execute *operation*."""
        return self.execute(operation)

    def close(self) -> None:
        """Do nothing: this store has no connections."""

    async def aclose(self) -> None:
        """Do nothing: this store has no connections."""
