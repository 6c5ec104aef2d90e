"""The newest deliveries of a store in memory, as operators see them.

A MemoryStore keeps no more of a finished delivery than its fingerprint. Once a history is kept, the
steps that accept and finish deliveries record here what they did; without one they are unchanged.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from heapq import nlargest
from time import time
from typing import TYPE_CHECKING, Any

from florentin_webhooks.core.stores.accept import (
    Accept,
    AcceptDecision,
    Claim,
    Finish,
    split_ending,
)
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.queries import (
    DeadLetter,
    FindFingerprints,
    ListDeadLetters,
    ListRecords,
    Position,
    Record,
    RecordPage,
    ResetMode,
    ResetRecord,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from florentin_webhooks.protocol.delivery import Delivery

__all__ = ["MemoryHistory"]

_STATES = {
    AcceptDecision.RUN: State.RUNNING,
    AcceptDecision.STALE: State.STALE,
    AcceptDecision.INVALID: State.INVALID,
}


@dataclass(slots=True)
class _Entry:
    """What is known of one delivery; a record is built of it when an operator asks.

    The times are in seconds, 0 where there is none: each delivery pays for this, and no more.
    """

    delivery: Delivery
    state: State
    attempt: int
    reason: str = ""
    handlers: dict[str, str] = field(default_factory=dict[str, str])
    lease_end: float = 0
    finished_at: float = 0
    next_attempt: float = 0

    def to_record(self, key: bytes) -> Record:
        """Return the record of the delivery *key*."""
        endings = {name: split_ending(stored) for name, stored in self.handlers.items()}
        return Record(
            fingerprint=key.hex(),
            state=self.state,
            event=self.delivery.event,
            delivery_id=self.delivery.delivery_id,
            received_at=self.delivery.received_at,
            finished_at=_to_time(self.finished_at),
            secret=self.delivery.secret,
            attempt=self.attempt,
            handlers={name: outcome for name, (outcome, _) in endings.items()},
            reasons={"": self.reason} if self.reason else {},
            body=self.delivery.body,
            key_id=self.delivery.key_id,
            notes={name: note for name, (_, note) in endings.items() if note},
            next_attempts=_by_queue(self.next_attempt),
            leases=_by_queue(self.lease_end),
        )


class MemoryHistory:
    """The records of the newest *limit* finished deliveries and of all others.

    Leases last *lease*.
    """

    def __init__(self, limit: int, lease: timedelta) -> None:
        self._limit = limit
        self._lease = lease.total_seconds()
        self._entries: dict[bytes, _Entry] = {}  # The oldest comes first.
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
        known = self._entries.get(claim.key)
        if known is None:
            known = self._entries[claim.key] = _Entry(accept.delivery, state, claim.attempt)
        is_running = state is State.RUNNING
        known.state, known.attempt = state, claim.attempt
        known.reason = "" if is_running else accept.reason
        known.lease_end = time() + self._lease if is_running else 0
        known.finished_at = known.next_attempt = 0

    def note_finish(self, finish: Finish, state: State) -> None:
        """Record that a handler or the delivery has ended, which left it in *state*."""
        entry = self._entries.get(finish.key)
        if entry is None or state is State.LOST or entry.state is State.DONE:
            return
        if finish.handler is not None:
            entry.handlers[finish.handler] = finish.ending
        now = time()
        entry.state, entry.reason = state, finish.reason
        entry.lease_end = now + self._lease if state is State.RUNNING else 0
        if state is State.DONE:
            entry.finished_at = now
            self._drop_beyond_limit(finish.key)
        elif finish.wait is not None:
            entry.next_attempt = now + finish.wait

    def get(self, key: bytes) -> Record | None:
        """Return the record whose first fingerprint is *key*, or None."""
        entry = self._entries.get(key)
        return None if entry is None else entry.to_record(key)

    def handlers_done(self, key: bytes) -> frozenset[str]:
        """Return the handlers of the delivery *key* that have ended."""
        entry = self._entries.get(key)
        return frozenset(entry.handlers if entry else ())

    def note_reset(self, key: bytes, reset: ResetRecord) -> None:
        """Record that an operator has reset or dropped the delivery *key*."""
        entry = self._entries.pop(key, None)
        if entry is not None and entry.finished_at:
            self._finished.remove(key)  # It is among the newest once it has finished again.
        if entry is None or reset.mode is ResetMode.DROP:
            return
        for name in reset.handlers or tuple(entry.handlers):
            entry.handlers.pop(name, None)
        entry.state, entry.reason = State.FAILED, ""
        entry.finished_at = entry.next_attempt = 0
        self._entries[key] = entry

    def _drop_beyond_limit(self, key: bytes) -> None:
        self._finished.append(key)
        while len(self._finished) > self._limit:
            oldest = self._finished.popleft()
            entry = self._entries.get(oldest)
            if entry is not None and entry.state is State.DONE:
                del self._entries[oldest]

    def _list(self, wanted: ListRecords, _: float) -> RecordPage:
        found = nlargest(wanted.limit, self._matching(wanted))
        records = (self._entries[key].to_record(key) for _, key in found)
        return RecordPage(
            tuple(each if wanted.bodies else replace(each, body=b"") for each in records),
            found[-1][0] if len(found) == wanted.limit else None,
        )

    def _matching(self, wanted: ListRecords) -> Iterator[tuple[Position, bytes]]:
        for key, entry in self._entries.items():
            if _is_wanted(entry, wanted):
                position = Position.of(entry.delivery.received_at, key.hex())
                if wanted.before is None or position < wanted.before:
                    yield position, key

    def _find_fingerprints(self, wanted: FindFingerprints, _: float) -> tuple[str, ...]:
        names = (key.hex() for key in self._entries)
        found = sorted(name for name in names if name.startswith(wanted.prefix))
        return tuple(found[: wanted.limit])


def _is_wanted(entry: _Entry, wanted: ListRecords) -> bool:
    delivery, states = entry.delivery, wanted.wanted_states
    return (
        (not states or entry.state in states)
        and wanted.event in (None, delivery.event)
        and wanted.delivery_id in (None, delivery.delivery_id)
        and (wanted.since is None or delivery.received_at >= wanted.since)
        and (wanted.until is None or delivery.received_at <= wanted.until)
    )


def _to_time(seconds: float) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def _by_queue(seconds: float) -> dict[str, datetime]:
    """Return a time of the inline handlers, whose queue is empty."""
    return {"": datetime.fromtimestamp(seconds, UTC)} if seconds else {}


def _no_dead_letters(_wanted: ListDeadLetters, _now: float) -> tuple[DeadLetter, ...]:
    return ()
