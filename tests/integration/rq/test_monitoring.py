"""The status of a queue: jobs, workers and problems."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from florentin_webhooks.rq.monitoring import QueueStatus, WorkerStatus, queue_status
from florentin_webhooks.rq.sweeper import requeue_lost
from tests.support.workshop import Workshop, open_workshop, stamped

IDLE = WorkerStatus("w", "idle", "host", 1, None)
HEALTHY = QueueStatus("q", 0, None, 0, 0, 0, (IDLE,), scheduler=True)


@pytest.fixture
def shop(redis_url: str, redis_prefix: str) -> Iterator[Workshop]:
    """A receiver with a queue of its own, whose jobs are retried once."""
    with open_workshop(redis_url, redis_prefix, retries=(3600,)) as shop:
        yield shop


def test_empty_queue_has_no_jobs_and_no_workers(shop: Workshop) -> None:
    assert queue_status(shop.client, shop.queue) == QueueStatus(
        shop.queue, 0, None, 0, 0, 0, (), scheduler=False
    )


def test_queued_job_is_waiting_since_it_was_pushed(shop: Workshop) -> None:
    shop.does("bill")
    before = datetime.now(UTC)
    shop.accept()
    status = queue_status(shop.client, shop.queue)
    assert status.waiting == 1
    assert status.oldest is not None
    assert timedelta(seconds=-1) < status.oldest - before < timedelta(minutes=1)


def test_failed_job_is_scheduled_and_then_dead(shop: Workshop) -> None:
    shop.does("bill", ValueError(), ValueError())
    shop.accept()
    shop.work()
    assert queue_status(shop.client, shop.queue).scheduled == 1
    shop.work_it_off()
    status = queue_status(shop.client, shop.queue)
    assert (status.waiting, status.scheduled, status.dead) == (0, 0, 1)


def test_job_whose_record_is_gone_is_logged_and_lost(
    shop: Workshop, caplog: pytest.LogCaptureFixture
) -> None:
    shop.does("bill")
    fingerprint = shop.accept()
    shop.client.delete(f"{shop.prefix}d".encode() + bytes.fromhex(fingerprint))
    other = shop.accept(stamped(1))
    shop.work(logging_level="INFO")
    assert_lost(shop, fingerprint, caplog)
    assert shop.ran == ["bill"]
    succeeded = [each for each in caplog.messages if "ompleted job" in each or "Job OK" in each]
    assert [shop.job_id(other) in each for each in succeeded] == [True]


def test_pending_job_whose_record_is_gone_is_logged_and_lost(
    shop: Workshop, caplog: pytest.LogCaptureFixture
) -> None:
    shop.does("bill")
    fingerprint = shop.accept()
    shop.client.delete(f"{shop.prefix}d".encode() + bytes.fromhex(fingerprint), shop.rq().key)
    assert [requeue_lost(shop.hooks, shop.rq(), -1) for _ in range(2)] == [0, 0]
    assert_lost(shop, fingerprint, caplog)


def assert_lost(shop: Workshop, fingerprint: str, caplog: pytest.LogCaptureFixture) -> None:
    errors = [each for each in caplog.records if each.levelname == "ERROR"]
    assert [vars(each)["fingerprint"] for each in errors] == [fingerprint]
    assert "its record is gone" in errors[0].getMessage()
    assert queue_status(shop.client, shop.queue, shop.hooks).lost == 1


def test_live_worker_is_listed_with_its_state(shop: Workshop) -> None:
    shop.does("bill")
    worker = shop.worker(shop.client, name="one")
    worker.register_birth()
    worker.set_state("idle")
    try:
        (found,) = queue_status(shop.client, shop.queue).workers
        assert (found.name, found.state) == ("one", "idle")
        assert (found.pid, found.host) == (worker.pid, worker.hostname)
        assert found.last_heartbeat is not None
    finally:
        worker.register_death()
    assert queue_status(shop.client, shop.queue).workers == ()


def test_healthy_queue_has_no_problems() -> None:
    assert HEALTHY.problems() == []
    assert replace(HEALTHY, workers=(), scheduler=False).problems() == []


@pytest.mark.parametrize(
    ("status", "problem"),
    [
        (
            replace(HEALTHY, waiting=1, workers=()),
            "1 event is waiting in queue q, but no worker runs.",
        ),
        (
            replace(HEALTHY, waiting=1, running=1, workers=()),
            "2 events are waiting in queue q, 1 of them with a dead worker, but no worker runs.",
        ),
        (
            replace(HEALTHY, scheduled=2, scheduler=False),
            "2 events are to be retried, but no scheduler runs.",
        ),
        (replace(HEALTHY, dead=3), "3 events are dead in queue q."),
        (replace(HEALTHY, lost=1), "1 event is lost in queue q: its record is gone."),
        (replace(HEALTHY, lost=2), "2 events are lost in queue q: their records are gone."),
    ],
)
def test_each_problem_is_one_sentence(status: QueueStatus, problem: str) -> None:
    assert [each.message for each in status.problems()] == [problem]
