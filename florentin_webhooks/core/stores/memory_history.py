"""The newest deliveries of a store in memory, as operators see them.

A MemoryStore keeps no more of a finished delivery than its fingerprint. Once a history is kept, the
steps that accept and finish deliveries record here what they did; without one they are unchanged.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from florentin_webhooks.core.stores.accept import Accept, AcceptDecision, Claim, Finish
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.queries import (
    DeadLetter,
    FindFingerprints,
    ListDeadLetters,
    ListRecords,
    Record,
    ResetMode,
    ResetRecord,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["MemoryHistory"]

_STATES = {
    AcceptDecision.RUN: State.RUNNING,
    AcceptDecision.STALE: State.STALE,
    AcceptDecision.INVALID: State.INVALID,
}


class MemoryHistory:
    """The records of the newest *limit* finished deliveries and of all others.

    Leases last *lease*.
    """

    def __init__(self, limit: int, lease: timedelta) -> None:
        self._limit = limit
        self._lease = lease
        self._records: dict[bytes, Record] = {}  # The oldest comes first.
        self._finished: deque[bytes] = deque()
        self.queries: Mapping[type, Callable[[Any, float], object]] = {  # Any: each its own.
            ListRecords: self._list,
            FindFingerprints: self._find_fingerprints,
            ListDeadLetters: _no_dead_letters,
        }

    def note_accept(self, accept: Accept, claim: Claim) -> None:
        """Record a delivery that was accepted or refused, and how."""
        state = _STATES.get(claim.decision)
        if state is None:
            return
        known = self._records.get(claim.key)
        delivery = accept.delivery
        record = known or Record(
            fingerprint=claim.key.hex(),
            state=state,
            event=delivery.event,
            delivery_id=delivery.delivery_id,
            received_at=delivery.received_at,
            secret=delivery.secret,
            key_id=delivery.key_id,
        )
        leases = {"": self._lease_end()} if state is State.RUNNING else {}
        reasons = {} if state is State.RUNNING else {"": accept.reason}
        changed = replace(record, state=state, attempt=claim.attempt, leases=leases)
        self._records[claim.key] = replace(
            changed, reasons=reasons, body=delivery.body, finished_at=None, next_attempts={}
        )

    def note_finish(self, finish: Finish, state: State) -> None:
        """Record that a handler or the delivery has ended, which left it in *state*."""
        record = self._records.get(finish.key)
        if record is None or state is State.LOST:
            return
        handlers, notes = dict(record.handlers), dict(record.notes)
        if finish.handler is not None:
            handlers[finish.handler] = finish.outcome.value
            notes |= {finish.handler: finish.note} if finish.note else {}
        now = datetime.now(UTC)
        is_done = state is State.DONE
        waits = finish.wait is not None and not is_done
        self._records[finish.key] = replace(
            record,
            state=state,
            handlers=handlers,
            notes=notes,
            reasons={"": finish.reason} if finish.reason else {},
            finished_at=now if is_done else None,
            leases={"": self._lease_end()} if state is State.RUNNING else {},
            next_attempts={"": now + timedelta(seconds=finish.wait or 0)} if waits else {},
        )
        if is_done:
            self._drop_beyond_limit(finish.key)

    def get(self, key: bytes) -> Record | None:
        """Return the record whose first fingerprint is *key*, or None."""
        return self._records.get(key)

    def handlers_done(self, key: bytes) -> frozenset[str]:
        """Return the handlers of the delivery *key* that have ended."""
        record = self._records.get(key)
        return frozenset(record.handlers if record else ())

    def note_reset(self, key: bytes, reset: ResetRecord) -> None:
        """Record that an operator has reset or dropped the delivery *key*."""
        record = self._records.pop(key, None)
        if record is not None and reset.mode is not ResetMode.DROP:
            again = reset.handlers or record.handlers
            self._records[key] = replace(
                record,
                state=State.FAILED,
                handlers={name: end for name, end in record.handlers.items() if name not in again},
                finished_at=None,
                notes={},
                reasons={},
                next_attempts={},
            )

    def _drop_beyond_limit(self, key: bytes) -> None:
        self._finished.append(key)
        while len(self._finished) > self._limit:
            oldest = self._finished.popleft()
            record = self._records.get(oldest)
            if record is not None and record.state is State.DONE:
                del self._records[oldest]

    def _lease_end(self) -> datetime:
        return datetime.now(UTC) + self._lease

    def _list(self, wanted: ListRecords, _: float) -> tuple[Record, ...]:
        newest = islice(self._matching(wanted), wanted.limit)
        found = sorted(newest, key=_arrival, reverse=True)
        return tuple(record if wanted.bodies else replace(record, body=b"") for record in found)

    def _matching(self, wanted: ListRecords) -> Iterator[Record]:
        for record in reversed(self._records.values()):
            received = record.received_at
            if wanted.states and record.state not in wanted.states:
                continue
            if wanted.event is not None and record.event != wanted.event:
                continue
            if received and wanted.since and received < wanted.since:
                continue
            if received and wanted.until and received > wanted.until:
                continue
            yield record

    def _find_fingerprints(self, wanted: FindFingerprints, _: float) -> tuple[str, ...]:
        names = (key.hex() for key in self._records)
        found = sorted(name for name in names if name.startswith(wanted.prefix))
        return tuple(found[: wanted.limit])


def _arrival(record: Record) -> tuple[float, str]:
    received = record.received_at
    return (received.timestamp() if received else 0.0), record.fingerprint


def _no_dead_letters(_wanted: ListDeadLetters, _now: float) -> tuple[DeadLetter, ...]:
    return ()
