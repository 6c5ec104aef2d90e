"""What every store promises that pushes jobs: in the same step, and to one worker at a time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from florentin_webhooks.core.stores.accept import AcceptDecision, Finish
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.jobs import JobClaim, JobDecision
from tests.conformance.stores.conftest import Make
from tests.support.operations import BODY, JOB, KEY, OTHER, begin, ended, queued, run
from tests.support.parts import Jobs, job
from tests.support.stores import (
    NOON,
    QUEUEING,
    Span,
    Subject,
    accept,
    claimed,
    content,
    finish,
)

pytestmark = pytest.mark.parametrize("make", QUEUEING, indirect=True)
ENDLESS = float("inf")


def test_accept_pushes_the_jobs_in_one_step(store: Subject, jobs: Jobs) -> None:
    claim = store.accept(queued(BODY, JOB, OTHER))
    assert (claim.decision, claim.key, claim.attempt) == (AcceptDecision.QUEUED, KEY, 1)
    assert jobs.listed("q") == [JOB.id]
    assert jobs.listed("other") == [OTHER.id]
    assert jobs.fields(JOB) == {"status": "queued", "queue": "q"}
    assert store.body(KEY) == BODY
    assert jobs.life(KEY) == ENDLESS


def test_repeated_accept_pushes_once(store: Subject, jobs: Jobs) -> None:
    for _ in range(3):
        assert store.accept(queued()).decision is AcceptDecision.QUEUED
    assert jobs.listed("q") == [JOB.id]


def test_queued_delivery_is_a_duplicate(store: Subject, jobs: Jobs) -> None:
    store.accept(queued())
    restamped = content(stamped="12:00:30")
    assert store.accept(queued(token=b"second")).decision is AcceptDecision.DUPLICATE
    reported = store.accept(queued(restamped, token=b"third"))
    assert (reported.decision, reported.key) == (AcceptDecision.DUPLICATE, KEY)
    assert jobs.listed("q") == [JOB.id]
    assert jobs.fields(job(restamped)) == {}


@pytest.mark.parametrize("given", [{"fresh": False}, {"valid": False}])
def test_stale_or_invalid_delivery_is_not_pushed(
    store: Subject, jobs: Jobs, given: dict[str, bool]
) -> None:
    decision = store.accept(replace(queued(), **given)).decision  # type: ignore[arg-type]  # as Accept has.
    assert decision in {AcceptDecision.STALE, AcceptDecision.INVALID}
    assert jobs.listed("q") == []
    assert store.accept(queued(token=b"released")).decision is AcceptDecision.QUEUED
    assert jobs.listed("q") == [JOB.id]


def test_finish_of_inline_handlers_pushes_the_jobs(store: Subject, jobs: Jobs) -> None:
    assert store.accept(accept(BODY, jobs=(JOB,))).decision is AcceptDecision.RUN
    assert jobs.listed("q") == []
    last = Finish(KEY, b"first", State.QUEUED, "m:check", jobs=(JOB, OTHER))
    for _ in range(3):  # Its answer may be lost.
        assert store.finish(last) is State.QUEUED
    assert jobs.listed("q") == [JOB.id]
    assert jobs.life(KEY) == ENDLESS
    assert store.ask(begin()).done == {"m:check"}


def test_expired_inline_lease_owner_pushes_nothing(make: Make) -> None:
    store = make(Span(lease=50))
    assert store.jobs is not None
    store.accept(accept(BODY, jobs=(JOB,)))
    store.passes(50)
    claimed(store, BODY, token=b"second")
    assert store.finish(Finish(KEY, b"first", State.QUEUED, jobs=(JOB,))) is State.LOST
    assert store.jobs.listed("q") == []


def test_late_repeated_finish_pushes_nothing(store: Subject, jobs: Jobs) -> None:
    store.accept(accept(BODY, jobs=(JOB,)))
    last = Finish(KEY, b"first", State.QUEUED, jobs=(JOB,))
    store.finish(last)
    jobs.take(JOB, "failed")
    run(store, State.DEAD)
    assert store.finish(last) is State.DEAD
    run(store, State.DONE, token=b"requeued")
    assert store.finish(last) is State.DONE
    assert jobs.listed("q") == []


def test_claim_of_a_job_has_the_stored_delivery(store: Subject) -> None:
    store.accept(queued(BODY, JOB, OTHER))
    assert store.ask(begin(job(BODY, "other", ()))) == JobClaim(
        JobDecision.RUN,
        attempt=1,
        body=BODY,
        delivery_id="id-1",
        received_at=NOON,
        secret="secret-1",
        expected=("m:mail", "m:count"),
        event="a.b",
    )


def test_one_worker_runs_a_part_at_a_time(store: Subject) -> None:
    store.accept(queued(BODY, JOB, OTHER))
    assert store.ask(begin(seconds=30)).decision is JobDecision.RUN
    busy = store.ask(begin(token=b"second"))
    assert busy.decision is JobDecision.BUSY
    assert 0 < busy.wait <= 30
    again = store.ask(begin())  # Its answer was lost.
    assert (again.decision, again.attempt) == (JobDecision.RUN, 1)
    other = store.ask(begin(job(BODY, "other", ()), token=b"second"))
    assert other.decision is JobDecision.RUN


@pytest.mark.answers("worker-dies-after-claim")
def test_expired_part_lease_is_taken_over(
    store: Subject,
) -> None:
    store.accept(queued())
    store.ask(begin(seconds=50))
    store.passes(50)
    taken = store.ask(begin(token=b"second"))
    assert (taken.decision, taken.attempt) == (JobDecision.RUN, 2)
    assert store.finish(ended(State.RUNNING, handler="m:bill")) is State.LOST
    assert store.finish(ended()) is State.LOST
    assert store.finish(ended(token=b"second")) is State.DONE
    assert store.finish(ended()) is State.DONE


def test_part_lease_is_not_the_inline_lease(make: Make) -> None:
    store = make(Span(lease=50))
    store.accept(queued())
    store.ask(begin(seconds=3600))
    assert store.finish(ended(State.RUNNING, handler="m:bill")) is State.RUNNING
    store.passes(50)
    assert store.ask(begin(token=b"second")).wait > 3000


def test_finished_part_does_not_run_again(store: Subject) -> None:
    store.accept(queued(BODY, job(BODY, handlers=("m:bill", "m:mail"))))
    store.ask(begin())
    store.finish(ended(State.RUNNING, handler="m:bill"))
    store.finish(ended(State.QUEUED, reason="m:mail: ValueError"))
    again = store.ask(begin(token=b"second"))
    assert (again.attempt, again.done) == (2, frozenset({"m:bill"}))
    assert again.expected == ("m:bill", "m:mail")


def test_delivery_is_done_when_all_its_parts_are(store: Subject, jobs: Jobs) -> None:
    store.accept(queued(BODY, JOB, OTHER))
    assert run(store, State.DONE) is State.QUEUED
    assert store.ask(begin()).decision is JobDecision.DONE
    assert jobs.life(KEY) == ENDLESS
    assert run(store, State.DONE, job(BODY, "other", ())) is State.DONE
    assert 0 < jobs.life(KEY) <= 3600
    assert store.body(KEY) is None
    assert store.accept(queued(token=b"second")).decision is AcceptDecision.DUPLICATE


def test_repeated_finish_of_a_part_counts_once(store: Subject) -> None:
    store.accept(queued(BODY, JOB, OTHER))
    run(store, State.DONE)
    assert (
        store.finish(ended()) is State.LOST
    )  # Its answer was lost; the part is done all the same.
    assert store.ask(begin(job(BODY, "other", ()))).decision is JobDecision.RUN


def test_job_that_was_not_pushed_does_not_run(store: Subject) -> None:
    assert store.ask(begin()).decision is JobDecision.GONE
    store.accept(queued())
    assert store.ask(begin(job(BODY, "other", ()))).decision is JobDecision.DONE


def test_failed_inline_delivery_is_queued_once_no_handler_is_inline(
    store: Subject, jobs: Jobs
) -> None:
    claimed(store, BODY)
    store.finish(finish(BODY, State.FAILED, handler="m:check"))
    claim = store.accept(queued(token=b"second"))
    assert (claim.decision, claim.attempt, claim.done) == (
        AcceptDecision.QUEUED,
        2,
        frozenset({"m:check"}),
    )
    assert jobs.listed("q") == [JOB.id]
    assert store.ask(begin()).done == {"m:check"}
