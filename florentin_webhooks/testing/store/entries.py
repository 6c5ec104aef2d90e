"""What the store for tests keeps of a delivery: its state, its handlers, and its queued parts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.queries import Record

if TYPE_CHECKING:
    from datetime import datetime

    from florentin_webhooks.core.queue import Job
    from florentin_webhooks.core.stores.accept import Finish
    from florentin_webhooks.protocol.delivery import Delivery

__all__ = ["Entry", "Lease", "Part"]


@dataclass(slots=True)
class Lease:
    """The *token* of the run that may change something, until *expires_at*."""

    token: bytes = b""
    expires_at: datetime | None = None

    def left(self, now: datetime) -> float:
        """Return the seconds that the lease has left, 0 without one."""
        if not self.token or self.expires_at is None:
            return 0
        return max(0.0, (self.expires_at - now).total_seconds())

    def take(self, token: bytes, expires_at: datetime) -> None:
        """Bind the lease to *token*."""
        self.token, self.expires_at = token, expires_at

    def release(self) -> None:
        """End the lease."""
        self.token, self.expires_at = b"", None


@dataclass(slots=True)
class Part:
    """One queue's part of a delivery: its *job*, which a worker may begin from *due* on.

    *failures* counts the attempts that used up a retry.
    """

    job: Job
    due: datetime
    handlers: tuple[str, ...] = ()
    state: State = State.QUEUED
    lease: Lease = field(default_factory=Lease)
    attempts: int = 0
    failures: int = 0

    def is_due(self, now: datetime) -> bool:
        """Return whether a worker may begin it at *now*."""
        return self.state is State.QUEUED and self.due <= now and not self.lease.left(now)


@dataclass(slots=True)
class Entry:
    """One delivery; *endings* has how each handler ended, by name."""

    key: bytes
    delivery: Delivery
    state: State
    attempt: int = 0
    lease: Lease = field(default_factory=Lease)
    endings: dict[str, str] = field(default_factory=dict[str, str])
    notes: dict[str, str] = field(default_factory=dict[str, str])
    reasons: dict[str, str] = field(default_factory=dict[str, str])
    next_attempts: dict[str, datetime] = field(default_factory=dict[str, "datetime"])
    parts: dict[str, Part] = field(default_factory=dict[str, Part])
    finished_at: datetime | None = None
    remembered_since: datetime | None = None
    """From when on its retention counts, once it has finished."""

    @property
    def done(self) -> frozenset[str]:
        """The names of the handlers that have ended."""
        return frozenset(self.endings)

    def push(self, jobs: tuple[Job, ...], now: datetime) -> None:
        """Add a part for each of *jobs*."""
        for job in jobs:
            before = self.parts.get(job.queue)
            names = job.handlers or (before.handlers if before else ())
            self.parts[job.queue] = Part(job, now, names)
            self.reasons.pop(job.queue, None)
            self.next_attempts.pop(job.queue, None)
        self.update_state()

    def update_state(self) -> None:
        """Follow the parts: dead if one is, done if all are."""
        states = {part.state for part in self.parts.values()}
        if State.DEAD in states:
            self.state = State.DEAD
        else:
            self.state = State.QUEUED if State.QUEUED in states else State.DONE

    def record_ending(self, finish: Finish) -> None:
        """Keep how the handler of *finish* ended, and what failed."""
        queue = finish.part.queue if finish.part else ""
        if finish.handler is not None:
            self.endings[finish.handler] = finish.outcome.value
            if finish.note:
                self.notes[finish.handler] = finish.note
        if finish.reason:
            self.reasons[queue] = finish.reason

    def complete(self, now: datetime) -> None:
        """Become done."""
        self.state, self.finished_at, self.remembered_since = State.DONE, now, now
        self.lease.release()
        self.reasons.clear()
        self.next_attempts.clear()

    def to_record(self, *, body: bool = True) -> Record:
        """Return what operators see."""
        delivery, leases = self.delivery, {"": self.lease}
        leases |= {queue: part.lease for queue, part in self.parts.items()}
        return Record(
            fingerprint=self.key.hex(),
            state=self.state,
            event=delivery.event,
            delivery_id=delivery.delivery_id,
            received_at=delivery.received_at,
            finished_at=self.finished_at,
            secret=delivery.secret,
            attempt=self.attempt,
            handlers=dict(self.endings),
            waiting={queue: part.handlers for queue, part in self.parts.items()},
            attempts={queue: part.attempts for queue, part in self.parts.items()},
            reasons=dict(self.reasons),
            body=delivery.body if body else b"",
            key_id=delivery.key_id,
            owner=next((part.job.owner for part in self.parts.values()), ""),
            notes=dict(self.notes),
            next_attempts=dict(self.next_attempts),
            leases={queue: each.expires_at for queue, each in leases.items() if each.expires_at},
        )
