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
def test_what_fails_for_good_is_dead_and_kept_for_some_time(
    store: Subject, jobs: Jobs, repeated: bool
) -> None:
    store.accept(queued())
    assert run(store, State.DEAD) is State.DEAD
    if repeated:
        assert store.finish(ended(State.DEAD)) is State.LOST
    assert 29 * 86400 < jobs.life(KEY) <= 30 * 86400
    assert store.body(KEY) == BODY


def test_a_delivery_is_dead_while_one_part_is_and_kept_while_another_waits(
    store: Subject, jobs: Jobs
) -> None:
    store.accept(queued(BODY, JOB, OTHER))
    other = job(BODY, "other", ())
    jobs.take(JOB, "failed")
    run(store, State.DEAD)
    assert jobs.life(KEY) == ENDLESS
    assert run(store, State.QUEUED, other) is State.QUEUED
    assert store.accept(queued(content(stamped="12:00:30"))).verdict is AcceptDecision.ELSEWHERE
    assert run(store, State.DONE, other) is State.DEAD
    assert jobs.life(KEY) < ENDLESS
    assert store.accept(queued(token=b"revives")).verdict is AcceptDecision.QUEUED
    assert jobs.life(KEY) == ENDLESS
    assert run(store, State.DONE) is State.DONE


def test_a_duplicate_revives_what_is_dead_and_nothing_else(store: Subject, jobs: Jobs) -> None:
    store.accept(queued(BODY, JOB, OTHER))
    jobs.take(JOB, "failed")
    run(store, State.DEAD)
    revival = queued(BODY, JOB, OTHER, token=b"revives")
    for _ in range(3):  # Its answer may be lost.
        assert store.accept(revival).verdict is AcceptDecision.QUEUED
    assert (
        store.accept(queued(BODY, JOB, OTHER, token=b"other")).verdict is AcceptDecision.DUPLICATE
    )
    assert (jobs.listed("q"), jobs.listed("other")) == ([JOB.id], [OTHER.id])
    assert jobs.fields(JOB)["status"] == "queued"


def test_a_retry_that_was_stamped_anew_revives_under_the_first_fingerprint(
    store: Subject, jobs: Jobs
) -> None:
    anew = content(stamped="12:00:30")
    store.accept(queued())
    store.accept(queued(anew, token=b"second"))  # From here on these bytes are known.
    jobs.take(JOB, "failed")
    run(store, State.DEAD)
    elsewhere = store.accept(queued(anew, token=b"third", under="id-2"))
    assert (elsewhere.verdict, elsewhere.key) == (AcceptDecision.ELSEWHERE, KEY)
    assert jobs.listed("q") == []
    assert store.accept(queued(token=b"third")).verdict is AcceptDecision.QUEUED
    assert jobs.listed("q") == [JOB.id]


@pytest.mark.parametrize("status", ["failed", "stopped", "canceled", None])
def test_a_duplicate_revives_what_the_library_gave_up_or_lost(
    store: Subject, jobs: Jobs, status: str | None
) -> None:
    store.accept(queued())
    jobs.take(JOB, status)
    assert store.accept(queued(token=b"second")).verdict is AcceptDecision.QUEUED
    assert jobs.listed("q") == [JOB.id]


@pytest.mark.parametrize("status", ["started", "scheduled", "deferred"])
def test_what_the_library_looks_after_is_left_to_it(
    store: Subject, jobs: Jobs, status: str
) -> None:
    store.accept(queued())
    jobs.take(JOB, status)
    assert store.accept(queued(token=b"second")).verdict is AcceptDecision.DUPLICATE
    assert store.ask(RequeueLostJob(KEY, PART)) == "fine"
    assert jobs.listed("q") == []


@pytest.mark.parametrize("status", ["queued", None])
def test_the_sweeper_puts_back_what_was_lost_once(
    store: Subject, jobs: Jobs, status: str | None
) -> None:
    store.accept(queued())
    assert store.ask(RequeueLostJob(KEY, PART)) == "fine"
    jobs.take(JOB, status)
    assert [store.ask(RequeueLostJob(KEY, PART)) for _ in range(3)] == ["lost", "fine", "fine"]
    assert jobs.listed("q") == [JOB.id]
    assert store.ask(begin()).expected == ("m:bill",)


def test_the_sweeper_finds_out_who_is_dead(store: Subject, jobs: Jobs) -> None:
    store.accept(queued())
    jobs.take(JOB, "failed")
    assert [store.ask(RequeueLostJob(KEY, PART)) for _ in range(3)] == ["dead", "fine", "fine"]
    assert 29 * 86400 < jobs.life(KEY) <= 30 * 86400


def test_the_sweeper_leaves_what_is_done_or_unknown_alone(store: Subject, jobs: Jobs) -> None:
    store.accept(queued())
    jobs.take(JOB, None)
    run(store, State.DONE)
    assert store.ask(RequeueLostJob(KEY, PART)) == "fine"
    assert (
        store.ask(RequeueLostJob(fingerprint(b"unknown"), job(b"unknown", handlers=()))) == "fine"
    )
    assert jobs.listed("q") == []


def test_the_sweeper_puts_back_what_was_lost_while_it_was_scheduled(
    store: Subject, jobs: Jobs
) -> None:
    store.accept(queued())
    jobs.take(JOB, "scheduled", killed=True)
    assert [store.ask(RequeueLostJob(KEY, PART)) for _ in range(2)] == ["lost", "fine"]


def test_what_waits_is_listed_the_oldest_first_and_without_the_dead(store: Subject) -> None:
    bodies = [content(number) for number in range(4)]
    for number, body in enumerate(bodies):
        store.accept(queued(body, under=f"id-{number}"))
        store.passes(0.002)
    first = fingerprint(bodies[0])
    part = job(bodies[0], handlers=())
    store.ask(begin(part, key=first))
    store.finish(Finish(first, b"worker", State.DEAD, part=part))
    soon = datetime.now(UTC) + timedelta(minutes=1)
    assert store.ask(ListPendingJobs("q", soon)) == tuple(job(body).id for body in bodies[1:])
    assert store.ask(ListPendingJobs("q", soon - timedelta(minutes=2))) == ()
    assert store.ask(ListPendingJobs("other", soon)) == ()


def test_what_somebody_requeued_by_hand_is_dead_no_more(store: Subject, jobs: Jobs) -> None:
    store.accept(queued())
    jobs.take(JOB, "failed")
    run(store, State.DEAD)
    run(store, State.QUEUED, token=b"requeued")
    assert jobs.life(KEY) == ENDLESS
    jobs_wait = store.ask(ListPendingJobs("q", datetime.now(UTC) + timedelta(minutes=1)))
    assert jobs_wait == (JOB.id,)
