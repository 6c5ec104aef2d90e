"""The store in memory: for a first try, tests, and programs of one process."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import timedelta
from heapq import heappop, heappush, heapreplace
from threading import Lock
from typing import TYPE_CHECKING, TypeVar, cast

from florentin_webhooks.core.durations import Duration, positive_duration
from florentin_webhooks.core.stores.accept import Accept, AcceptDecision, Claim, Finish
from florentin_webhooks.core.stores.base import Operation, State
from florentin_webhooks.core.stores.guards import GuardDecision, GuardGrant, GuardStep, Latest, Once
from florentin_webhooks.core.stores.memory_guards import MemoryGuards
from florentin_webhooks.core.stores.retention import DEFAULT_RETENTION, validate_count
from florentin_webhooks.core.stores.rules import decide_accept
from florentin_webhooks.errors import ConfigurationError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from florentin_webhooks.protocol.fingerprint import RetryKey

__all__ = ["MemoryStore"]

A = TypeVar("A")


@dataclass(slots=True)
class _Entry:
    """One delivery's state; the body is deleted once it is done.

    *key* is the first fingerprint, *later* those of retries with a new timestamp.
    """

    key: bytes
    trace: RetryKey | None
    later: list[bytes] = field(default_factory=list)
    state: State = State.RUNNING
    token: bytes = b""
    lease_expires_at: float = 0
    attempt: int = 0
    done: set[str] = field(default_factory=set)
    body: bytes = b""
    expires_at: float = 0


class MemoryStore:
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
        self._capacity = capacity
        self._clock = clock
        self._lock = Lock()
        self._guards = MemoryGuards(self.retention.total_seconds())
        self._records: dict[bytes, _Entry] = {}
        self._sent_under: dict[bytes, dict[bytes, bytes]] = {}
        self._expiry: list[tuple[float, bytes]] = []

    def __len__(self) -> int:
        return len(self._records)

    def extend_retention(self, least: timedelta) -> None:
        """Remember finished deliveries for *least*, unless ``retention`` was set."""
        if self._follows_senders and least > self.retention:
            self.retention = least
            self._guards = MemoryGuards(least.total_seconds())

    def execute(self, operation: Operation[A]) -> A:
        """Execute *operation*; waits for other threads' operations only."""
        with self._lock:
            now = self._clock()
            self._drop_expired(now)
            if isinstance(operation, Accept):
                return cast("A", self._accept(operation, now))
            if isinstance(operation, Finish):
                return cast("A", self._finish(operation, now))
            if isinstance(operation, Once | Latest):
                return cast(
                    "A", self._check_lease(operation) or self._guards.decide(operation, now)
                )
        raise ConfigurationError(
            f"MemoryStore does not support {type(operation).__name__}.",
            "Use RedisStore or DjangoStore.",
        )

    async def aexecute(self, operation: Operation[A]) -> A:
        """Execute *operation*."""
        return self.execute(operation)

    def close(self) -> None:
        """Do nothing: this store has no connections."""

    async def aclose(self) -> None:
        """Do nothing: this store has no connections."""

    def _accept(self, accept: Accept, now: float) -> Claim:
        sent = self._sent(accept)
        record = self._find(accept, now)
        key = accept.key if record is None else record.key
        changed = record is not None and bool(accept.trace) and key not in sent
        decision = _decide(accept, record, now)
        if decision is AcceptDecision.DUPLICATE:
            return Claim(decision, key, id_changed=changed)
        if decision is AcceptDecision.IN_PROGRESS and record is not None:
            return Claim(decision, key, wait=record.lease_expires_at - now, id_changed=changed)
        reused = bool(sent) and record is None
        record = record or self._remember(accept, now)
        self._update(record, accept, decision, now)
        self._extend(record, now)
        return Claim(decision, key, record.attempt, 0, frozenset(record.done), reused, changed)

    def _sent(self, accept: Accept) -> set[bytes]:
        """Return the first fingerprints that came under the delivery id."""
        sent: set[bytes] = set()
        for _, trace in accept.lookups:
            if trace and (known := self._sent_under.get(trace.delivery_id)):
                sent.update(known.values())
        return sent

    def _find(self, accept: Accept, now: float) -> _Entry | None:
        """Return the record of the delivery under any of its keys."""
        if record := self._records.get(accept.key):
            return record
        for key, trace in accept.lookups:
            sent = self._sent_under.get(trace.delivery_id, {}) if trace else {}
            first = sent.get(trace.content, key) if trace else key
            if record := self._records.get(key) or self._records.get(first):
                self._add_alias(accept.key, record, now)
                return record
        return None

    def _remember(self, accept: Accept, now: float) -> _Entry:
        self._ensure_capacity()
        record = self._records[accept.key] = _Entry(accept.key, accept.trace)
        if accept.trace:
            sent = self._sent_under.setdefault(accept.trace.delivery_id, {})
            sent[accept.trace.content] = accept.key
        self._extend(record, now)
        heappush(self._expiry, (record.expires_at, record.key))
        return record

    def _add_alias(self, key: bytes, record: _Entry, now: float) -> None:
        # From now on these bytes are known, also under any other delivery id.
        self._ensure_capacity()
        self._records[key] = record
        record.later.append(key)
        self._extend(record, now)

    def _ensure_capacity(self) -> None:
        if len(self._records) >= self._capacity:
            raise Unavailable(
                f"MemoryStore is full: it holds {len(self._records)} deliveries that could still "
                "be replayed.",
                "Raise its capacity or use RedisStore.",
            )

    def _update(self, record: _Entry, accept: Accept, decision: AcceptDecision, now: float) -> None:
        record.body = accept.delivery.body
        if decision is AcceptDecision.RUN:
            record.attempt += record.token != accept.token
            record.state, record.token = State.RUNNING, accept.token
            record.lease_expires_at = now + self.lease.total_seconds()
        else:
            record.state, record.token = State(decision.value), b""

    def _finish(self, finish: Finish, now: float) -> State:
        record = self._records.get(finish.key)
        if record is None or record.key != finish.key:
            return State.LOST
        if record.state is State.DONE:
            return State.DONE
        if record.token != finish.token:
            return State.LOST
        if finish.handler is not None:
            record.done.add(finish.handler)
        record.state = finish.state
        if finish.state is State.RUNNING:
            record.lease_expires_at = now + self.lease.total_seconds()
        else:
            record.token = b""
        if finish.state is State.DONE:
            record.body, record.done = b"", set()
        self._extend(record, now)
        return finish.state

    def _check_lease(self, operation: Once | Latest) -> GuardGrant | None:
        # A run whose lease has expired, and now belongs to another run, may not begin.
        record = self._records.get(operation.key) if isinstance(operation, Once) else None
        if record is not None and record.state is State.DONE:
            return GuardGrant(GuardDecision.DONE)
        expired = record is None or record.token != operation.token
        if isinstance(operation, Once) and operation.step is GuardStep.BEGIN and expired:
            return GuardGrant(GuardDecision.BUSY)
        return None

    def _extend(self, record: _Entry, now: float) -> None:
        record.expires_at = now + self.retention.total_seconds()

    def _drop_expired(self, now: float) -> None:
        # One heap entry per record, even if its expiry was extended since.
        while self._expiry and self._expiry[0][0] <= now:
            record = self._records[self._expiry[0][1]]
            if record.expires_at > now:
                heapreplace(self._expiry, (record.expires_at, record.key))
            else:
                heappop(self._expiry)
                self._drop(record)

    def _drop(self, record: _Entry) -> None:
        for key in (record.key, *record.later):
            del self._records[key]
        if record.trace:
            sent = self._sent_under[record.trace.delivery_id]
            sent.pop(record.trace.content, None)
            if not sent:
                del self._sent_under[record.trace.delivery_id]


def _decide(accept: Accept, record: _Entry | None, now: float) -> AcceptDecision:
    if record is None:
        return decide_accept(accept, None)
    return decide_accept(accept, record.state, record.token, record.lease_expires_at - now)
