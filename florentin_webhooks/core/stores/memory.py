"""The store in memory: for a first try, tests, and programs of one process."""

from __future__ import annotations

import time
from datetime import timedelta
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

from florentin_webhooks.core.durations import Duration, positive_duration
from florentin_webhooks.core.stores.accept import Accept, Finish
from florentin_webhooks.core.stores.base import Operation
from florentin_webhooks.core.stores.guards import Latest, Once
from florentin_webhooks.core.stores.memory_records import MemoryRecords
from florentin_webhooks.core.stores.retention import validate_count
from florentin_webhooks.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["MemoryStore"]

A = TypeVar("A")


class MemoryStore:
    """Store for up to *capacity* deliveries in memory.

    It protects one process, and its memory ends with that process. A full store raises
    :class:`Unavailable`: it never forgets a delivery that could still be replayed. *clock* returns
    seconds that never go back.
    """

    def __init__(
        self,
        *,
        retention: Duration = timedelta(hours=24),
        lease: Duration = timedelta(seconds=60),
        capacity: int = 100_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        validate_count("capacity", capacity, 1)
        self.retention = positive_duration("retention", retention)
        self.lease = positive_duration("lease", lease)
        self.supports_jobs = self.supports_transactions = False
        self.is_immediate = type(self).aexecute is MemoryStore.aexecute  # A subclass may wait.
        self._clock = clock
        self._lock = Lock()
        retention_seconds, lease_seconds = (
            self.retention.total_seconds(),
            self.lease.total_seconds(),
        )
        records = self._records = MemoryRecords(capacity, retention_seconds, lease_seconds)
        # Any: each takes the operation of its key.
        self._steps: dict[type[Operation[Any]], Any] = {
            Accept: records.accept,
            Finish: records.finish,
            Once: records.guard,
            Latest: records.guard,
        }

    def __len__(self) -> int:
        """Return the number of fingerprints that the store remembers."""
        return self._records.count

    def execute(self, operation: Operation[A]) -> A:
        """Execute *operation*; waits for other threads' operations only."""
        if type(operation) not in self._steps:
            raise ConfigurationError(
                f"MemoryStore does not support {type(operation).__name__}.",
                "Use RedisStore or DjangoStore.",
            )
        decide: Callable[[Operation[A], float], A] = self._steps[type(operation)]
        with self._lock:
            now = self._clock()
            if now >= self._records.next_expiry:
                self._records.drop_expired(now)
            return decide(operation, now)

    async def aexecute(self, operation: Operation[A]) -> A:
        """Execute *operation*."""
        return self.execute(operation)

    def close(self) -> None:
        """Do nothing: this store has no connections."""

    async def aclose(self) -> None:
        """Do nothing: this store has no connections."""
