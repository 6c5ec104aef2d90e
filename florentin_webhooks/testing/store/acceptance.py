"""Accept a delivery in the store for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from florentin_webhooks.core.stores.accept import AcceptDecision, Claim
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.rules import decide_accept
from florentin_webhooks.testing.store.entries import Entry

if TYPE_CHECKING:
    from florentin_webhooks.core.stores.accept import Accept
    from florentin_webhooks.testing.store.memory import Memory

__all__ = ["accept"]


def accept(memory: Memory, accept: Accept) -> Claim:
    """Decide what the caller must do, and grant the lease or push the jobs."""
    sent = memory.fingerprints(accept)
    entry = memory.find_sent(accept)
    changed = entry is not None and accept.trace is not None and entry.key not in sent
    reused = entry is None and bool(sent)
    if entry is not None and entry.state in (State.QUEUED, State.DEAD):
        return _repeat(memory, accept, entry, changed=changed)
    decision, wait = _decide(memory, accept, entry)
    if decision in (AcceptDecision.DUPLICATE, AcceptDecision.IN_PROGRESS) and entry is not None:
        return Claim(decision, entry.key, entry.attempt, wait, id_changed=changed)
    done = entry.done if entry else frozenset[str]()
    entry = entry or _remember(memory, accept)
    _enter(memory, accept, entry, decision)
    return Claim(decision, entry.key, entry.attempt, 0, done, reused, changed)


def _decide(memory: Memory, accept: Accept, entry: Entry | None) -> tuple[AcceptDecision, float]:
    """Return the decision, and the rest of another run's lease."""
    wait = entry.lease.left(memory.clock()) if entry else 0
    token = entry.lease.token if entry else b""
    decision = decide_accept(accept, entry.state if entry else None, token, wait)
    is_first = entry is None or entry.key == accept.key
    if decision is AcceptDecision.RUN and not accept.inline and accept.jobs and is_first:
        decision = AcceptDecision.QUEUED
    return decision, wait


def _repeat(memory: Memory, accept: Accept, entry: Entry, *, changed: bool) -> Claim:
    """Answer a repeated delivery that is queued; revive it if it is dead."""
    claim = Claim(AcceptDecision.DUPLICATE, entry.key, entry.attempt, id_changed=changed)
    if entry.key != accept.key:  # The jobs belong to the fingerprint of the caller.
        is_dead = entry.state is State.DEAD
        return claim._replace(decision=AcceptDecision.ELSEWHERE) if is_dead else claim
    dead = [name for name, part in entry.parts.items() if part.state is State.DEAD]
    jobs = tuple(job for job in accept.jobs if job.queue in dead)
    if jobs:
        entry.push(jobs, memory.clock())
        entry.lease.token = accept.token
    is_repeated_call = entry.lease.token == accept.token
    return claim._replace(decision=AcceptDecision.QUEUED) if is_repeated_call else claim


def _remember(memory: Memory, accept: Accept) -> Entry:
    entry = Entry(accept.key, accept.delivery, State.RUNNING)
    memory.add(entry, accept.trace)
    return entry


def _enter(memory: Memory, accept: Accept, entry: Entry, decision: AcceptDecision) -> None:
    """Move *entry* to the state that *decision* leads to."""
    now = memory.clock()
    entry.next_attempts.pop("", None)
    if decision in (AcceptDecision.STALE, AcceptDecision.INVALID):
        entry.state = State(decision.value)
        entry.reasons[""] = accept.reason
        entry.lease.release()
        return
    entry.attempt += entry.lease.token != accept.token
    if decision is AcceptDecision.QUEUED:
        entry.reasons.pop("", None)
        entry.lease.take(accept.token, now)
        entry.push(accept.jobs, now)
    else:
        entry.state = State.RUNNING
        entry.lease.take(accept.token, now + memory.lease)
