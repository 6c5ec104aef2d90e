"""Operations of operators: inspect, replay and discard remembered deliveries."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from florentin_webhooks.core.stores.base import Operation, State

if TYPE_CHECKING:
    from collections.abc import Mapping

    from florentin_webhooks.core.queue import Job

__all__ = [
    "DeadLetter",
    "FindDeliveryId",
    "FindFingerprints",
    "GetRecord",
    "ListDeadLetters",
    "ListRecords",
    "Position",
    "Record",
    "RecordPage",
    "ResetMode",
    "ResetRecord",
    "Status",
    "body_of",
]


_EPOCH = datetime.fromtimestamp(0, UTC)


class Status(StrEnum):
    """What a delivery does, as operators see it: its state, and whether a worker has it now."""

    RUNNING = "running"
    """Its handlers run now."""
    QUEUED = "queued"
    SCHEDULED = "scheduled"
    """The next attempt has a time."""
    DONE = "done"
    FAILED = "failed"
    """Also where a process has died in a handler, and its lease has expired."""
    DEAD = "dead"
    STALE = "stale"
    INVALID = "invalid"

    @property
    def states(self) -> tuple[State, ...]:
        """The states of records with this status."""
        match self:
            case Status.RUNNING:
                return State.RUNNING, State.QUEUED
            case Status.SCHEDULED:
                return State.QUEUED, State.FAILED
            case Status.FAILED:
                return State.FAILED, State.RUNNING
            case _:
                return (State(self.value),)


@dataclass(frozen=True, slots=True)
class Record:
    """What a store remembers of one delivery.

    *handlers* maps each finished handler to its outcome, *notes* those that discarded the event to
    the reason; *waiting* maps each queue to the handlers queued for it; *reasons* maps each queue
    to its last failure, and *next_attempts* to the time of its next attempt, where that is known;
    *leases* maps each queue to the end of its lease. The queue of inline handlers is empty. *body*
    is empty once it is deleted. *key_id* is that of the secret that signed, empty in records of
    versions before 0.2; *owner* is that of the jobs, see :class:`Job`.
    """

    fingerprint: str
    state: State
    event: str = ""
    delivery_id: str | None = None
    received_at: datetime | None = None
    finished_at: datetime | None = None
    secret: str = ""
    attempt: int = 0
    handlers: Mapping[str, str] = field(default_factory=dict[str, str])
    waiting: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    attempts: Mapping[str, int] = field(default_factory=dict[str, int])
    reasons: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = field(default=b"", repr=False)
    key_id: str = ""
    owner: str = ""
    notes: Mapping[str, str] = field(default_factory=dict[str, str])
    next_attempts: Mapping[str, datetime] = field(default_factory=dict[str, datetime])
    leases: Mapping[str, datetime] = field(default_factory=dict[str, datetime])

    def status(self, now: datetime) -> Status:
        """Return what the delivery does at *now*."""
        is_leased = any(end > now for end in self.leases.values())
        if self.state is State.RUNNING:
            return Status.RUNNING if is_leased else Status.FAILED
        if self.state is State.QUEUED and is_leased:
            return Status.RUNNING
        return Status.SCHEDULED if self._is_scheduled(now) else Status(self.state.value)

    def _is_scheduled(self, now: datetime) -> bool:
        if self.state is State.FAILED:
            return "" in self.next_attempts and self.next_attempts[""] > now
        return self.state is State.QUEUED and all(map(self.next_attempts.get, self.open_queues))

    @property
    def position(self) -> Position:
        """Its place in the list of deliveries."""
        return Position.of(self.received_at or _EPOCH, self.fingerprint)

    @property
    def open_queues(self) -> list[str]:
        """The queues that have handlers which have not finished."""
        return [
            queue for queue, names in self.waiting.items() if not self.handlers.keys() >= {*names}
        ]


@dataclass(frozen=True, slots=True)
class GetRecord(Operation["Record | None"]):
    """Return the record of one delivery, or None.

    For the key of a retry with a new timestamp, or under another secret, that of the first.
    """

    key: bytes


class Position(NamedTuple):
    """A place in the list of deliveries: microseconds of the arrival, and the fingerprint."""

    microseconds: int
    fingerprint: str

    @classmethod
    def of(cls, received_at: datetime, fingerprint: str) -> Position:
        """Return the position of a delivery."""
        return cls(round(received_at.timestamp() * 1_000_000), fingerprint)

    @property
    def time(self) -> datetime:
        """The time of the arrival."""
        return datetime.fromtimestamp(self.microseconds / 1_000_000, UTC)


class RecordPage(NamedTuple):
    """Some records, and where the store stopped, also without any; None where it ended."""

    records: tuple[Record, ...]
    following: Position | None = None


@dataclass(frozen=True, slots=True)
class ListRecords(Operation[RecordPage]):
    """List at most *limit* deliveries, newest first, received between *since* and *until*.

    Those *before* a position, with *event* and *delivery_id*, in one of *states*, or in one that a
    *status* has: a store may leave out those that cannot have it now.
    """

    limit: int = 50
    states: tuple[State, ...] = ()
    event: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    bodies: bool = True
    before: Position | None = None
    delivery_id: str | None = None
    status: Status | None = None

    @property
    def wanted_states(self) -> tuple[State, ...]:
        """The states to list; none: all of them."""
        return self.states or (self.status.states if self.status else ())


@dataclass(frozen=True, slots=True)
class FindFingerprints(Operation["tuple[str, ...]"]):
    """Find at most *limit* fingerprints, in hex, that begin with *prefix*."""

    prefix: str
    limit: int = 2


@dataclass(frozen=True, slots=True)
class FindDeliveryId(Operation["tuple[str, ...]"]):
    """Find the fingerprints, in hex, of what came under a delivery id; *keys* are its keys."""

    keys: tuple[bytes, ...]


class DeadLetter(NamedTuple):
    """One queue's part of a delivery that has failed for good; no *queue*: the receiver's."""

    fingerprint: str
    queue: str
    died_at: datetime
    job_id: str = ""


@dataclass(frozen=True, slots=True)
class ListDeadLetters(Operation["tuple[DeadLetter, ...]"]):
    """List the parts that have failed for good, until *until*, the oldest first.

    At most *limit* of them, after *after*, the last one of the page before.
    """

    until: datetime | None = None
    limit: int = 1000
    after: DeadLetter | None = None


class ResetMode(StrEnum):
    """How a finished delivery is reset."""

    ALL = "all"
    """Every handler may run again."""
    DROP = "drop"
    """None may: it counts as done."""


@dataclass(frozen=True, slots=True)
class ResetRecord(Operation["State | None"]):
    """Make a finished delivery runnable again, or drop it; answers the state before.

    Of *handlers*, where given, only these may run again, and guards of ``once`` stay. Answers None
    where nothing changes: it is unknown, inline handlers run, or its state is not the one *seen*.
    """

    key: bytes
    mode: ResetMode
    jobs: tuple[Job, ...] = ()
    handlers: tuple[str, ...] = ()
    seen: State | None = None


def body_of(record: Record) -> object:
    """Return the body as JSON, or as text if it is not JSON."""
    try:
        return json.loads(record.body)
    except ValueError:
        return record.body.decode("utf-8", "replace")
