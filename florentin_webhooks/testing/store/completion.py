"""Leases of parts and ends of handlers in the store for tests."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.jobs import JobClaim, JobDecision

if TYPE_CHECKING:
    from florentin_webhooks.core.stores.accept import Finish
    from florentin_webhooks.core.stores.jobs import ClaimJob, EnqueueScheduled
    from florentin_webhooks.testing.store.entries import Entry, Lease, Part
    from florentin_webhooks.testing.store.memory import Memory

__all__ = ["claim_job", "enqueue_scheduled", "finish", "lease_of"]


def lease_of(entry: Entry, queue: str) -> Lease | None:
    """Return the lease of *queue*'s part of *entry*; no queue: that of the inline handlers."""
    if not queue:
        return entry.lease
    part = entry.parts.get(queue)
    return part.lease if part else None


def claim_job(memory: Memory, claim: ClaimJob) -> JobClaim:
    """Take the lease of one queue's part of a delivery."""
    entry = memory.find(claim.key)
    if entry is None:
        return JobClaim(JobDecision.GONE)
    part = entry.parts.get(claim.part.queue)
    if part is None or part.state is State.DONE:
        return JobClaim(JobDecision.DONE)
    now = memory.clock()
    wait = part.lease.left(now)
    if wait and part.lease.token != claim.token:
        return JobClaim(JobDecision.BUSY, wait)
    part.attempts += part.lease.token != claim.token
    part.lease.take(claim.token, now + timedelta(seconds=claim.seconds))
    part.state = State.QUEUED
    entry.next_attempts.pop(claim.part.queue, None)
    entry.update_state()
    return _granted(entry, part)


def _granted(entry: Entry, part: Part) -> JobClaim:
    delivery = entry.delivery
    return JobClaim(
        JobDecision.RUN,
        attempt=part.attempts,
        body=delivery.body,
        delivery_id=delivery.delivery_id,
        received_at=delivery.received_at,
        secret=delivery.secret,
        expected=part.handlers,
        done=entry.done,
        key_id=delivery.key_id,
        event=delivery.event,
    )


def enqueue_scheduled(memory: Memory, operation: EnqueueScheduled) -> int:
    """Make the parts of a delivery due that wait for the time of their next attempt."""
    entry, now = memory.find(operation.key), memory.clock()
    names = [part.queue for part in operation.parts]
    parts = [each for name in names if entry and (each := entry.parts.get(name))]
    waiting = [each for each in parts if each.state is State.QUEUED and each.due > now]
    for part in waiting:
        part.due = now
        if entry:
            entry.next_attempts.pop(part.job.queue, None)
    return len(waiting)


def finish(memory: Memory, finish: Finish) -> State:
    """Record how a handler ended, and move the delivery on."""
    entry = memory.find(finish.key)
    if entry is None or entry.key != finish.key:  # A retry leads to its first delivery by accept.
        return State.LOST
    if entry.state is State.DONE:
        return State.DONE
    queue = finish.part.queue if finish.part else ""
    lease = lease_of(entry, queue)
    if lease is None or lease.token != finish.token:
        return State.LOST
    if not queue and entry.state is not State.RUNNING:
        return entry.state
    entry.record_ending(finish)
    if finish.state is State.RUNNING:
        if not queue:
            lease.take(finish.token, memory.clock() + memory.lease)
        return State.RUNNING
    if finish.wait is not None:
        entry.next_attempts[queue] = memory.clock() + timedelta(seconds=finish.wait)
    return _end_part(memory, entry, finish, queue) if queue else _end(memory, entry, finish)


def _end(memory: Memory, entry: Entry, finish: Finish) -> State:
    """End the run of the inline handlers."""
    if finish.state is State.QUEUED:
        entry.reasons.pop("", None)
        entry.next_attempts.pop("", None)
        entry.push(finish.jobs, memory.clock())
        return State.QUEUED
    entry.lease.release()
    entry.state = finish.state
    if finish.state is State.DONE:
        entry.complete(memory.clock())
    return finish.state


def _end_part(memory: Memory, entry: Entry, finish: Finish, queue: str) -> State:
    part = entry.parts[queue]
    part.lease.release()
    part.state = finish.state
    entry.update_state()
    if finish.state is State.DONE and entry.state is State.DONE:
        entry.complete(memory.clock())
    return entry.state if finish.state is State.DONE else finish.state
