"""Any schedule of a queued delivery, against a model: of workers, RQ, the sender and operators.

Workers die with their leases and finish late, RQ loses and fails jobs, the sweeper and the sender's
retries requeue them, and operators replay and hasten. Nothing is lost, no handler whose end is
recorded runs again, and one worker at a time has a part.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count

import pytest
from hypothesis import strategies as st

from florentin_webhooks.core.queue import Job
from florentin_webhooks.core.stores.accept import AcceptDecision, Finish
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.jobs import (
    ClaimJob,
    EnqueueScheduled,
    JobDecision,
    RequeueLostJob,
)
from florentin_webhooks.core.stores.queries import ResetMode, ResetRecord
from tests.support.operations import BODY, KEY, found, queued
from tests.support.parts import Jobs, job
from tests.support.schedules import check_schedules
from tests.support.stores import IMPLEMENTATIONS, Span, Subject

LEASE = 60.0
JOBS = {"q": job(BODY, "q", ("m:bill", "m:mail")), "other": job(BODY, "other", ("m:count",))}
EVERY = frozenset(name for each in JOBS.values() for name in each.handlers)

queue = st.sampled_from(["q", "other"])
worker = st.integers(0, 3)
actions = st.one_of(
    st.tuples(st.sampled_from(["arrive", "sweep", "hasten", "clean", "come_due", "replay"])),
    st.tuples(st.sampled_from(["take", "take", "take_over", "requeue", "lose", "misplace"]), queue),
    st.tuples(st.sampled_from(["end", "end", "end", "postpone", "die"]), worker),
    st.tuples(st.just("passes"), st.sampled_from([25.0, LEASE + 1])),
)


@dataclass
class Worker:
    """A worker with a part, and what it has yet to run; its lease holds until *until*."""

    job: Job
    token: bytes
    left: list[str]
    until: float


class Schedule:
    """One delivery in a store, its jobs in the queueing library, and what the model expects."""

    def __init__(self, store: Subject) -> None:
        assert isinstance(store.jobs, Jobs)
        self.store, self.jobs, self.now, self.tokens = store, store.jobs, 0.0, count()
        self.workers = list[Worker]()
        self.holders = dict[str, Worker]()
        self.ended = set[str]()
        self.arrive()

    def token(self) -> bytes:
        return b"%08d" % next(self.tokens)

    def arrive(self) -> None:
        """The sender delivers it, first or again: it is never refused."""
        claim = self.store.accept(queued(BODY, *JOBS.values(), token=self.token()))
        assert claim.decision in (AcceptDecision.QUEUED, AcceptDecision.DUPLICATE)

    def take(self, queue: str) -> None:
        """A worker takes the next job of *queue*, and asks for its part."""
        taken = JOBS[queue]
        if taken.id not in self.jobs.listed(queue):
            return
        self.jobs.take(taken, "started")
        token = self.token()
        claim = self.store.ask(ClaimJob(KEY, token, taken, LEASE))
        left = [name for name in taken.handlers if name not in self.ended]
        holder = self.holders.get(queue)
        if claim.decision is JobDecision.RUN:
            assert holder is None or holder.until <= self.now
            assert claim.done == self.ended
            assert left
            self.holders[queue] = Worker(taken, token, left, self.now + LEASE)
            self.workers.append(self.holders[queue])
        elif claim.decision is JobDecision.BUSY:  # It asks again when that lease has ended.
            assert holder is not None
            assert holder.until > self.now
            self._schedule(taken)
        else:
            assert (claim.decision, left) == (JobDecision.DONE, [])

    def end(self, at: int) -> None:
        """The next handler of a worker ends, in time or late; the last one ends its part."""
        if self.workers and (who := self.workers[at % len(self.workers)]).left:
            handler = who.left.pop(0)
            state = State.RUNNING if who.left else State.DONE
            answer = self._finish(who, state, handler)
            if self.holders.get(who.job.queue) is who:
                assert answer is not State.LOST
                self.ended.add(handler)
                if not who.left:
                    self._release(who, "finished")
            else:
                assert answer is (State.DONE if self.ended == EVERY else State.LOST)

    def postpone(self, at: int) -> None:
        """A handler fails, and RQ schedules the next attempt."""
        if self.workers and (who := self.workers[at % len(self.workers)]).left:
            self._finish(who, State.QUEUED, None)
            who.left.clear()
            if self.holders.get(who.job.queue) is who:
                self._release(who, None)
                self._schedule(who.job)

    def die(self, at: int) -> None:
        """A handler fails for the last time."""
        if self.workers and (who := self.workers[at % len(self.workers)]).left:
            self._finish(who, State.DEAD, None)
            who.left.clear()
            if self.holders.get(who.job.queue) is who:
                self._release(who, "failed")

    def _finish(self, who: Worker, state: State, handler: str | None) -> State:
        wait = 30.0 if state is State.QUEUED else None
        reason = "" if handler else "m:bill: E"
        finish = Finish(KEY, who.token, state, handler, reason=reason, part=who.job, wait=wait)
        return self.store.finish(finish)

    def _release(self, who: Worker, status: str | None) -> None:
        del self.holders[who.job.queue]
        if status is not None:
            self.jobs.client.hset(who.job.keys.hash, "status", status)

    def _schedule(self, taken: Job) -> None:
        self.jobs.client.hset(taken.keys.hash, "status", "scheduled")
        self.jobs.client.zadd(taken.keys.scheduled, {taken.id: 1})

    def come_due(self) -> None:
        """RQ's scheduler pushes what is due."""
        for each in JOBS.values():
            if self.jobs.client.zrem(each.keys.scheduled, each.id):
                self.jobs.client.hset(each.keys.hash, "status", "queued")
                self.jobs.client.rpush(each.keys.list, each.id)

    def clean(self) -> None:
        """RQ finds jobs whose worker has died, and fails them."""
        for each in JOBS.values():
            if self.jobs.fields(each).get("status") == "started":
                self.jobs.client.hset(each.keys.hash, "status", "failed")

    def requeue(self, queue: str) -> None:
        """RQ requeues a job that it takes for abandoned, or a person does."""
        each = JOBS[queue]
        if self.jobs.fields(each).get("status") == "started":
            self.jobs.client.hset(each.keys.hash, "status", "queued")
            self.jobs.client.rpush(each.keys.list, each.id)

    def lose(self, queue: str) -> None:
        """RQ loses a job: its hash, and its place in the queue."""
        self.jobs.client.delete(JOBS[queue].keys.hash)
        self.misplace(queue)

    def misplace(self, queue: str) -> None:
        """RQ loses the place of a job in the queue."""
        self.jobs.client.lrem(JOBS[queue].keys.list, 0, JOBS[queue].id)

    def take_over(self, queue: str) -> None:
        """A worker gets a job whose owner's lease has expired, and who is still at work."""
        self.passes(LEASE + 1)
        self.requeue(queue)
        self.take(queue)

    def sweep(self) -> None:
        for each in JOBS.values():
            self.store.ask(RequeueLostJob(KEY, each))

    def hasten(self) -> None:
        """An operator replays what waits for its next attempt."""
        self.store.ask(EnqueueScheduled(KEY, tuple(JOBS.values())))

    def replay(self) -> None:
        """An operator replays all handlers of a delivery that has ended."""
        record = found(self.store, KEY)
        if record.state in (State.DONE, State.DEAD):
            reset = ResetRecord(KEY, ResetMode.ALL, tuple(JOBS.values()), (), record.state)
            assert self.store.ask(reset) is record.state
            self.ended.clear()
            self.holders.clear()
            self.arrive()

    def passes(self, seconds: float) -> None:
        self.now += seconds
        self.store.passes(seconds)

    def heal(self) -> None:
        """All workers die; RQ, the sweeper and the sender do what they do, and it ends."""
        self.passes(LEASE + 1)
        for step in (self.clean, self.come_due, self.sweep, self.arrive):
            step()
        for name in JOBS:
            self.take(name)
            while self.workers and self.workers[-1].left:
                self.end(len(self.workers) - 1)
        assert self.ended == EVERY
        assert found(self.store, KEY).state is State.DONE


@pytest.mark.parametrize("examples", [15, pytest.param(1000, marks=pytest.mark.long)])
def test_queued_deliveries_are_never_lost_nor_run_twice(redis_server: str, examples: int) -> None:
    steps = st.lists(actions, min_size=15, max_size=40)
    check_schedules(steps, examples, lambda: [opened(redis_server)], Schedule)


@contextmanager
def opened(redis_server: str) -> Iterator[Subject]:
    """An empty Redis store, without jobs in the queues."""
    span = Span(lease=LEASE, history=1000)
    with IMPLEMENTATIONS["redis"](redis_server, f"job-schedule-{uuid.uuid4().hex}", span) as store:
        yield store
        assert isinstance(store.jobs, Jobs)
        for each in JOBS.values():
            store.jobs.client.delete(each.keys.hash, *each.keys[1:])
