"""The store in memory: for a first try, tests, and programs of one process."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from florentin_webhooks.core.durations import Duration, positive_duration
from florentin_webhooks.core.stores.memory_records import MemoryRecords
from florentin_webhooks.core.stores.retention import DEFAULT_RETENTION, validate_count

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
        self.retention = (
            DEFAULT_RETENTION if retention is None else positive_duration("retention", retention)
        )
        self.lease = positive_duration("lease", lease)
        self.supports_jobs = self.supports_transactions = False
        self.is_immediate = type(self).aexecute is MemoryStore.aexecute  # A subclass may wait.
        super().__init__(
            capacity, self.retention.total_seconds(), self.lease.total_seconds(), clock
        )

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
