"""Remember deliveries in this process: for a first try, tests, and programs of one process."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import timedelta
from heapq import heappop, heappush
from threading import Lock
from typing import TYPE_CHECKING, TypeVar, cast

from florentin_webhooks.errors import ConfigurationError, Unavailable
from florentin_webhooks.stores import Accept, Claim, Finish, Operation, State, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from florentin_webhooks.identity import Trace

__all__ = ["MemoryStore"]

A = TypeVar("A")


@dataclass(slots=True)
class _Record:
    """Hold one delivery's state; the body stays as long as it may be needed again."""

    trace: Trace | None
    state: State = State.RUNNING
    token: bytes = b""
    until: float = 0
    attempt: int = 0
    done: set[str] = field(default_factory=set)
    body: bytes = b""
    expires: float = 0


class MemoryStore:
    """Remember up to *capacity* deliveries in memory.

    It protects one process, and forgets when that ends. A full store answers
    :class:`Unavailable` rather than forget a delivery that could still be replayed. *clock* gives
    seconds that never go back.
    """

    def __init__(
        self,
        *,
        retention: timedelta = timedelta(hours=24),
        lease: timedelta = timedelta(seconds=60),
        capacity: int = 100_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if capacity < 1:
            message = f"capacity is {capacity}; it must be at least 1"
            raise ConfigurationError(message)
        self.retention = retention
        self.lease = lease
        self._capacity = capacity
        self._clock = clock
        self._lock = Lock()
        self._records: dict[bytes, _Record] = {}
        self._sent_under: dict[bytes, dict[bytes, bytes]] = {}
        self._expiry: list[tuple[float, bytes]] = []

    def __len__(self) -> int:
        return len(self._records)

    def execute(self, operation: Operation[A]) -> A:
        """Carry out *operation*; never waits for anything but another thread's step."""
        with self._lock:
            now = self._clock()
            self._forget_expired(now)
            if isinstance(operation, Accept):
                return cast("A", self._accept(operation, now))
            if isinstance(operation, Finish):
                return cast("A", self._finish(operation, now))
        message = f"MemoryStore cannot carry out {type(operation).__name__}"
        raise ConfigurationError(message)

    async def aexecute(self, operation: Operation[A]) -> A:
        """Carry out *operation*."""
        return self.execute(operation)

    def close(self) -> None:
        """Do nothing: there is nothing open."""

    async def aclose(self) -> None:
        """Do nothing: there is nothing open."""

    def _accept(self, accept: Accept, now: float) -> Claim:
        sent = self._sent_under.get(accept.trace.delivery_id, {}) if accept.trace else {}
        key, record = accept.key, self._records.get(accept.key)
        if record is None and accept.trace and (first := sent.get(accept.trace.content)):
            key, record = first, self._records[first]
        changed = record is not None and bool(accept.trace) and key not in sent.values()
        verdict = _verdict(accept, record, now)
        claim = Claim(verdict, key, id_reused=bool(sent) and record is None, id_changed=changed)
        if verdict is Verdict.DUPLICATE:
            return claim
        if verdict is Verdict.IN_PROGRESS and record is not None:
            return claim._replace(wait=record.until - now)
        record = record or self._remember(accept)
        self._enter(record, accept, verdict, now)
        self._keep(key, record, now)
        return claim._replace(attempt=record.attempt, done=frozenset(record.done))

    def _remember(self, accept: Accept) -> _Record:
        if len(self._records) >= self._capacity:
            message = (
                f"MemoryStore is full: it holds {len(self._records)} deliveries that may still be "
                "replayed; raise its capacity or use RedisStore"
            )
            raise Unavailable(message)
        record = self._records[accept.key] = _Record(accept.trace)
        if accept.trace:
            sent = self._sent_under.setdefault(accept.trace.delivery_id, {})
            sent[accept.trace.content] = accept.key
        return record

    def _enter(self, record: _Record, accept: Accept, verdict: Verdict, now: float) -> None:
        record.body = accept.delivery.body
        if verdict is Verdict.RUN:
            record.attempt += record.token != accept.token
            record.state, record.token = State.RUNNING, accept.token
            record.until = now + self.lease.total_seconds()
        else:
            record.state, record.token = State(verdict.value), b""

    def _finish(self, finish: Finish, now: float) -> State:
        record = self._records.get(finish.key)
        if record is None:
            return State.LOST
        if record.state is State.DONE:
            return State.DONE
        if record.token != finish.token:
            return State.LOST
        if finish.handler is not None:
            record.done.add(finish.handler)
        record.state = finish.state
        if finish.state is State.RUNNING:
            record.until = now + self.lease.total_seconds()
        else:
            self._end(finish.key, record, now)
        return finish.state

    def _end(self, key: bytes, record: _Record, now: float) -> None:
        record.token = b""
        if record.state is State.DONE:
            record.body, record.done = b"", set()
        self._keep(key, record, now)

    def _keep(self, key: bytes, record: _Record, now: float) -> None:
        record.expires = now + self.retention.total_seconds()
        heappush(self._expiry, (record.expires, key))

    def _forget_expired(self, now: float) -> None:
        while self._expiry and self._expiry[0][0] <= now:
            _, key = heappop(self._expiry)
            record = self._records.get(key)
            if record is not None and record.expires <= now:
                self._forget(key, record)

    def _forget(self, key: bytes, record: _Record) -> None:
        del self._records[key]
        if record.trace:
            sent = self._sent_under[record.trace.delivery_id]
            sent.pop(record.trace.content, None)
            if not sent:
                del self._sent_under[record.trace.delivery_id]


def _verdict(accept: Accept, record: _Record | None, now: float) -> Verdict:
    if record is not None and record.state is State.DONE:
        return Verdict.DUPLICATE
    if record is not None and record.state is State.RUNNING and record.until > now:
        return Verdict.RUN if record.token == accept.token else Verdict.IN_PROGRESS
    if not accept.fresh and (record is None or record.state is State.STALE):
        return Verdict.STALE
    return Verdict.RUN if accept.valid else Verdict.INVALID
