"""What every store promises that pushes jobs: what fails for good or is lost can be run again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from florentin_webhooks.core.stores.accept import AcceptDecision, Finish
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.jobs import ListPendingJobs, RequeueLostJob
from florentin_webhooks.protocol.fingerprint import fingerprint
from tests.support.operations import BODY, JOB, KEY, OTHER, PART, begin, ended, queued, run
from tests.support.parts import Jobs, job
from tests.support.stores import (
    QUEUEING,
    Subject,
    content,
)

pytestmark = pytest.mark.parametrize("make", QUEUEING, indirect=True)
ENDLESS = float("inf")


@pytest.mark.parametrize("repeated", [False, True])
def test_dead_delivery_is_kept_for_the_unfinished_retention(
    store: Subject, jobs: Jobs, repeated: bool
) -> None:
    store.accept(queued())
    assert run(store, State.DEAD) is State.DEAD
    if repeated:
        assert store.finish(ended(State.DEAD)) is State.LOST
    assert 29 * 86400 < jobs.life(KEY) <= 30 * 86400
    assert store.body(KEY) == BODY


def test_dead_part_makes_the_delivery_dead(store: Subject, jobs: Jobs) -> None:
    store.accept(queued(BODY, JOB, OTHER))
    other = job(BODY, "other", ())
    jobs.take(JOB, "failed")
    run(store, State.DEAD)
    assert jobs.life(KEY) == ENDLESS
    assert run(store, State.QUEUED, other) is State.QUEUED
    assert store.accept(queued(content(stamped="12:00:30"))).decision is AcceptDecision.ELSEWHERE
    assert run(store, State.DONE, other) is State.DEAD
    assert jobs.life(KEY) < ENDLESS
    assert store.accept(queued(token=b"revives")).decision is AcceptDecision.QUEUED
    assert jobs.life(KEY) == ENDLESS
    assert run(store, State.DONE) is State.DONE


def test_duplicate_revives_only_dead_parts(store: Subject, jobs: Jobs) -> None:
    store.accept(queued(BODY, JOB, OTHER))
    jobs.take(JOB, "failed")
    run(store, State.DEAD)
    revival = queued(BODY, JOB, OTHER, token=b"revives")
    for _ in range(3):  # Its answer may be lost.
        assert store.accept(revival).decision is AcceptDecision.QUEUED
    assert (
        store.accept(queued(BODY, JOB, OTHER, token=b"other")).decision is AcceptDecision.DUPLICATE
    )
    assert (jobs.listed("q"), jobs.listed("other")) == ([JOB.id], [OTHER.id])
    assert jobs.fields(JOB)["status"] == "queued"


def test_duplicate_does_not_revive_a_finished_part(store: Subject, jobs: Jobs) -> None:
    store.accept(queued(BODY, JOB, OTHER))
    jobs.take(JOB, None)
    run(store, State.DONE)
    again = store.accept(queued(BODY, JOB, OTHER, token=b"other"))
    assert again.decision is AcceptDecision.DUPLICATE
    assert jobs.listed("q") == []


def test_restamped_retry_revives_the_first_delivery(store: Subject, jobs: Jobs) -> None:
    restamped = content(stamped="12:00:30")
    store.accept(queued())
    store.accept(queued(restamped, token=b"second"))  # From here on these bytes are known.
    jobs.take(JOB, "failed")
    run(store, State.DEAD)
    elsewhere = store.accept(queued(restamped, token=b"third", under="id-2"))
    assert (elsewhere.decision, elsewhere.key) == (AcceptDecision.ELSEWHERE, KEY)
    assert jobs.listed("q") == []
    assert store.accept(queued(token=b"third")).decision is AcceptDecision.QUEUED
    assert jobs.listed("q") == [JOB.id]


@pytest.mark.parametrize("status", ["failed", "stopped", "canceled", None])
def test_duplicate_revives_jobs_that_rq_has_lost(
    store: Subject, jobs: Jobs, status: str | None
) -> None:
    store.accept(queued())
    jobs.take(JOB, status)
    assert store.accept(queued(token=b"second")).decision is AcceptDecision.QUEUED
    assert jobs.listed("q") == [JOB.id]


@pytest.mark.parametrize("status", ["started", "scheduled", "deferred"])
def test_duplicate_leaves_jobs_that_rq_still_has(store: Subject, jobs: Jobs, status: str) -> None:
    store.accept(queued())
    jobs.take(JOB, status)
    assert store.accept(queued(token=b"second")).decision is AcceptDecision.DUPLICATE
    assert store.ask(RequeueLostJob(KEY, PART)) == "fine"
    assert jobs.listed("q") == []


@pytest.mark.parametrize("status", ["queued", None])
def test_sweeper_requeues_a_lost_job_once(store: Subject, jobs: Jobs, status: str | None) -> None:
    store.accept(queued())
    assert store.ask(RequeueLostJob(KEY, PART)) == "fine"
    jobs.take(JOB, status)
    assert [store.ask(RequeueLostJob(KEY, PART)) for _ in range(3)] == ["lost", "fine", "fine"]
    assert jobs.listed("q") == [JOB.id]
    assert store.ask(begin()).expected == ("m:bill",)


def test_sweeper_marks_failed_jobs_dead(store: Subject, jobs: Jobs) -> None:
    store.accept(queued())
    jobs.take(JOB, "failed")
    assert [store.ask(RequeueLostJob(KEY, PART)) for _ in range(3)] == ["dead", "fine", "fine"]
    assert 29 * 86400 < jobs.life(KEY) <= 30 * 86400


def test_sweeper_ignores_completed_and_unknown_deliveries(store: Subject, jobs: Jobs) -> None:
    store.accept(queued())
    jobs.take(JOB, None)
    run(store, State.DONE)
    assert store.ask(RequeueLostJob(KEY, PART)) == "fine"
    assert (
        store.ask(RequeueLostJob(fingerprint(b"unknown"), job(b"unknown", handlers=()))) == "fine"
    )
    assert jobs.listed("q") == []


def test_sweeper_requeues_a_lost_scheduled_job(store: Subject, jobs: Jobs) -> None:
    store.accept(queued())
    jobs.take(JOB, "scheduled", killed=True)
    assert [store.ask(RequeueLostJob(KEY, PART)) for _ in range(2)] == ["lost", "fine"]


def test_pending_jobs_are_listed_oldest_first_without_dead_ones(store: Subject) -> None:
    bodies = [content(number) for number in range(4)]
    for number, body in enumerate(bodies):
        store.accept(queued(body, under=f"id-{number}"))
        store.passes(1)
    first = fingerprint(bodies[0])
    part = job(bodies[0], handlers=())
    store.ask(begin(part, key=first))
    store.finish(Finish(first, b"worker", State.DEAD, part=part))
    soon = datetime.now(UTC) + timedelta(minutes=1)
    assert store.ask(ListPendingJobs("q", soon)).ids == tuple(job(body).id for body in bodies[1:])
    assert store.ask(ListPendingJobs("q", soon - timedelta(minutes=2))).ids == ()
    assert store.ask(ListPendingJobs("other", soon)).ids == ()


def test_job_requeued_by_hand_is_not_dead(store: Subject, jobs: Jobs) -> None:
    store.accept(queued())
    jobs.take(JOB, "failed")
    run(store, State.DEAD)
    run(store, State.QUEUED, token=b"requeued")
    assert jobs.life(KEY) == ENDLESS
    jobs_wait = store.ask(ListPendingJobs("q", datetime.now(UTC) + timedelta(minutes=1)))
    assert jobs_wait.ids == (JOB.id,)
