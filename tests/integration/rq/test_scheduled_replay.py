"""An operator replays a delivery whose job waits for its next attempt: it runs now, and once."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from florentin_webhooks import Receiver
from florentin_webhooks.core.replay import NotReplayable, ReplayResult, drop, try_replay
from florentin_webhooks.core.stores.base import State
from tests.support.vectors import SECRET
from tests.support.workshop import Workshop, open_workshop


@pytest.fixture
def shop(redis_url: str, redis_prefix: str) -> Iterator[Workshop]:
    with open_workshop(redis_url, redis_prefix, retries=(600, 1800)) as opened:
        yield opened


def failed(shop: Workshop, *errors: Exception) -> str:
    """Return the fingerprint of a delivery that failed once, and then with each of *errors*."""
    shop.does("bill", ValueError(), *errors)
    fingerprint = shop.accept()
    shop.work()
    assert shop.record(fingerprint).reasons == {shop.queue: f"{shop.named('bill')}: ValueError"}
    return fingerprint


def replayed(shop: Workshop, fingerprint: str) -> ReplayResult:
    return try_replay(shop.hooks, fingerprint)


def scheduled(shop: Workshop) -> list[str]:
    return [*shop.rq().scheduled_job_registry.get_job_ids()]


def test_scheduled_job_runs_now_and_once(shop: Workshop) -> None:
    fingerprint = failed(shop)
    assert scheduled(shop) == [shop.job_id(fingerprint)]
    assert replayed(shop, fingerprint).outcome == "accepted"
    assert (scheduled(shop), shop.listed()) == ([], [shop.job_id(fingerprint)])
    assert shop.record(fingerprint).next_attempts == {}
    assert not replayed(shop, fingerprint).ok
    shop.work()
    assert shop.ran == ["bill"] * 2
    assert shop.record(fingerprint).state is State.DONE


def test_replayed_attempt_counts_as_the_scheduled_one(shop: Workshop) -> None:
    fingerprint = failed(shop, ValueError(), ValueError())
    for attempt, left in ((2, b"0"), (3, None)):
        assert replayed(shop, fingerprint).ok
        shop.work()
        assert shop.record(fingerprint).attempts == {shop.queue: attempt}
        if left is not None:
            assert shop.job(fingerprint)[b"retries_left"] == left
    assert shop.record(fingerprint).state is State.DEAD


def test_queue_age_counts_from_the_replay(shop: Workshop) -> None:
    fingerprint = failed(shop)
    shop.client.hset(f"rq:job:{shop.job_id(fingerprint)}", "enqueued_at", "2020-01-01T00:00:00Z")
    assert replayed(shop, fingerprint).ok
    (job,) = shop.rq().jobs
    assert time.time() - job.enqueued_at.timestamp() < 60
    assert job.get_status() == "queued"


@pytest.mark.parametrize("seconds", [-1, 1], ids=["just due", "due in a moment"])
def test_due_job_is_left_to_the_scheduler(shop: Workshop, seconds: int) -> None:
    fingerprint = failed(shop)
    job_id, registry = shop.job_id(fingerprint), shop.rq().scheduled_job_registry
    shop.client.zadd(registry.key, {job_id: int(time.time()) + seconds})
    assert replayed(shop, fingerprint).ok
    assert (scheduled(shop), shop.listed()) == ([job_id], [])


def test_overdue_job_runs_without_a_scheduler(shop: Workshop) -> None:
    fingerprint = failed(shop)
    assert shop.hurry() == 1
    assert replayed(shop, fingerprint).ok
    assert (scheduled(shop), shop.listed()) == ([], [shop.job_id(fingerprint)])


@pytest.mark.parametrize("errors", [(), (ValueError(),)], ids=["succeeds", "fails again"])
def test_job_pushed_by_the_scheduler_as_well_is_run_once(
    shop: Workshop, errors: tuple[Exception, ...]
) -> None:
    fingerprint = failed(shop, *errors)
    (job,) = [shop.rq().fetch_job(each) for each in scheduled(shop)]
    assert replayed(shop, fingerprint).ok
    shop.rq().enqueue_job(job)  # The scheduler had read it before, by a clock that is ahead.
    assert shop.listed() == [shop.job_id(fingerprint)] * 2
    shop.work()
    assert shop.ran == ["bill"] * (2 + len(errors))  # A second copy is another attempt, if needed.
    assert shop.record(fingerprint).state is State.DONE
    shop.work_it_off()  # What is still scheduled has no job any more.
    assert len(shop.ran) == 2 + len(errors)
    assert (scheduled(shop), shop.listed()) == ([], [])


def test_lost_job_in_the_schedule_is_pushed_again(shop: Workshop) -> None:
    fingerprint = failed(shop)
    shop.client.delete(f"rq:job:{shop.job_id(fingerprint)}")
    assert replayed(shop, fingerprint).ok
    assert (scheduled(shop), shop.listed()) == ([], [shop.job_id(fingerprint)])


def test_receiver_without_a_queue_leaves_queued_deliveries(shop: Workshop) -> None:
    fingerprint = failed(shop)
    inline = Receiver(SECRET, store=shop.store, clock=shop.clock)
    shop.module.inline = inline  # type: ignore[attr-defined]  # a module is open.
    assert (try_replay(inline, fingerprint).ok, len(scheduled(shop))) == (False, 1)
    with pytest.raises(NotReplayable, match="this receiver has no queue"):
        drop(inline, fingerprint)
