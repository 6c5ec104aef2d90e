"""The records of every store that pushes jobs, and how deliveries are reopened."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from florentin_webhooks.core.stores.accept import AcceptDecision, Finish, HandlerOutcome
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.jobs import ClaimJob, JobDecision
from florentin_webhooks.core.stores.queries import Record, ResetMode, ResetRecord, Status
from florentin_webhooks.protocol.fingerprint import fingerprint
from tests.conformance.stores.conftest import Make
from tests.support.operations import done, found, listed
from tests.support.parts import job
from tests.support.stores import (
    NOON,
    QUEUEING,
    Span,
    Subject,
    accept,
    content,
)

BODY = content()
KEY = fingerprint(BODY)
JOB = job(BODY)
pytestmark = pytest.mark.parametrize("make", QUEUEING, indirect=True)


@pytest.fixture
def store(make: Make) -> Subject:
    """A store that keeps everything."""
    return make(Span(history=1000))


def test_record_has_every_field(store: Subject) -> None:
    store.accept(accept(BODY, inline=False, jobs=(JOB,)))
    store.ask(ClaimJob(KEY, b"worker", JOB, 60))
    ended = Finish(
        KEY,
        b"worker",
        State.RUNNING,
        "m:bill",
        HandlerOutcome.DISCARDED,
        reason="m:mail: E",
        part=JOB,
        note="a test: no customer",
    )
    store.finish(ended)
    record = found(store, KEY)
    assert record.leases.keys() == {"q"}
    assert replace(record, leases={}) == Record(
        KEY.hex(),
        State.QUEUED,
        event="a.b",
        delivery_id="id-1",
        received_at=NOON,
        secret="secret-1",
        attempt=1,
        handlers={"m:bill": "discarded"},
        waiting={"q": ("m:bill",)},
        attempts={"q": 1},
        reasons={"q": "m:mail: E"},
        body=BODY,
        notes={"m:bill": "a test: no customer"},
    )


def test_queued_delivery_is_running_then_scheduled(store: Subject) -> None:
    store.accept(accept(BODY, inline=False, jobs=(JOB,)))
    assert status(store) is Status.QUEUED
    store.ask(ClaimJob(KEY, b"worker", JOB, 60))
    assert status(store) is Status.RUNNING
    store.finish(Finish(KEY, b"worker", State.QUEUED, reason="m:bill: E", part=JOB, wait=90))
    assert status(store) is Status.SCHEDULED
    due = found(store, KEY).next_attempts["q"] - datetime.now(UTC)
    assert timedelta(seconds=60) < due <= timedelta(seconds=90)
    store.ask(ClaimJob(KEY, b"again", JOB, 60))
    assert status(store) is Status.RUNNING
    assert found(store, KEY).next_attempts == {}


def status(store: Subject) -> Status:
    return found(store, KEY).status(datetime.now(UTC))


def test_deliveries_are_listed_by_state_event_and_time(store: Subject) -> None:
    first = done(store, 1).hex()
    store.accept(accept(content(2), under="id-2", inline=False, jobs=(job(content(2)),)))
    second = fingerprint(content(2)).hex()
    assert sorted(listed(store)) == sorted([first, second])
    assert listed(store, states=(State.DONE,)) == [first]
    assert listed(store, states=(State.QUEUED,)) == [second]
    assert listed(store, states=(State.DEAD,)) == []
    assert len(listed(store, event="a.b", limit=1)) == 1
    assert listed(store, event="a.c") == []
    assert len(listed(store, since=NOON, until=NOON)) == 2
    later = timedelta(milliseconds=1)
    assert listed(store, since=NOON + later) == listed(store, until=NOON - later) == []


@pytest.mark.parametrize("state", [State.DONE, State.DEAD, State.QUEUED])
def test_reopened_delivery_runs_all_handlers(store: Subject, state: State) -> None:
    store.accept(accept(BODY, inline=False, jobs=(JOB,)))
    store.ask(ClaimJob(KEY, b"worker", JOB, 60))
    store.finish(Finish(KEY, b"worker", State.RUNNING, "m:bill", part=JOB))
    store.finish(Finish(KEY, b"worker", state, part=JOB))
    assert store.ask(ResetRecord(KEY, ResetMode.ALL, (JOB,))) is state
    assert store.jobs is not None
    assert store.jobs.listed("q") == []
    assert store.jobs.life(KEY) > 3600  # Of the unfinished retention.
    claim = store.accept(accept(BODY, token=b"again", inline=False, jobs=(JOB,)))
    assert (claim.decision, claim.done) == (AcceptDecision.QUEUED, frozenset())
    assert store.jobs.listed("q") == [JOB.id]
    work = store.ask(ClaimJob(KEY, b"next", JOB, 60))
    assert (work.decision, work.attempt, work.done) == (JobDecision.RUN, 1, frozenset())
    assert store.finish(Finish(KEY, b"next", State.DONE, "m:bill", part=JOB)) is State.DONE


def test_reopening_invalidates_the_lease_of_a_running_worker(
    store: Subject,
) -> None:
    store.accept(accept(BODY, inline=False, jobs=(JOB,)))
    store.ask(ClaimJob(KEY, b"worker", JOB, 60))
    store.ask(ResetRecord(KEY, ResetMode.ALL, (JOB,)))
    assert store.finish(Finish(KEY, b"worker", State.DONE, "m:bill", part=JOB)) is State.LOST
    assert found(store, KEY).handlers == {}


def test_dropped_delivery_is_done_and_its_worker_cannot_finish(store: Subject) -> None:
    store.accept(accept(BODY, inline=False, jobs=(JOB,)))
    store.ask(ClaimJob(KEY, b"worker", JOB, 60))
    assert store.ask(ResetRecord(KEY, ResetMode.DROP, (JOB,))) is State.QUEUED
    assert store.jobs is not None
    assert (store.jobs.listed("q"), store.jobs.fields(JOB)) == ([], {})
    assert store.body(KEY) is None
    assert store.jobs.life(KEY) <= 3600
    assert store.finish(Finish(KEY, b"worker", State.DONE, part=JOB)) is State.DONE
    again = accept(BODY, token=b"again", inline=False, jobs=(JOB,))
    assert store.accept(again).decision is AcceptDecision.DUPLICATE
