"""A worker that is ended while it starts leaves nothing behind."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from rq.exceptions import StopRequested
from rq.worker import WorkerStatus

from florentin_webhooks.rq.worker import WorkerKind, build_worker
from tests.support.waiting import eventually
from tests.support.workshop import Workshop, handling_signals_as_before, open_workshop


@pytest.fixture
def shop(redis_url: str, redis_prefix: str) -> Iterator[Workshop]:
    with open_workshop(redis_url, redis_prefix) as opened:
        opened.does("bill")
        yield opened


@pytest.fixture
def worker(shop: Workshop) -> Any:  # Any: a worker of RQ's.
    """A worker that has not begun."""
    queue = shop.rq().name
    return build_worker(shop.hooks, shop.client, queue=queue, kind=WorkerKind.SIMPLE, name="early")


@pytest.fixture
def ended(worker: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A worker that a signal has met before RQ was ready for signals."""

    def meets_a_signal() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(worker, "_install_signal_handlers", meets_a_signal)
    with pytest.raises(KeyboardInterrupt):
        worker.work(with_scheduler=True)
    return worker


def test_shutdown_leaves_no_thread_running(ended: Any) -> None:
    assert not ended.pubsub_thread.is_alive()


def test_shutdown_leaves_no_scheduler_running(ended: Any) -> None:
    process = ended.scheduler._process
    eventually(lambda: not process.is_alive())


def test_shutdown_removes_the_worker_from_rq(ended: Any, shop: Workshop) -> None:
    assert not shop.client.sismember("rq:workers", f"rq:worker:{ended.name}")


def test_next_worker_schedules_at_once(ended: Any, shop: Workshop) -> None:
    assert ended.scheduler.acquired_locks
    assert not shop.client.exists(f"rq:scheduler-lock:{shop.queue}")


def test_scheduler_that_missed_a_signal_gets_another(
    worker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker._start_scheduler()
    process = worker.scheduler._process
    result = list[int]()

    def lost_at_first(self: Any) -> None:
        result.append(self.pid)
        if len(result) > 1:
            os.kill(self.pid, signal.SIGTERM)

    monkeypatch.setattr(type(process), "terminate", lost_at_first)
    worker.stop_scheduler()
    assert result == [process.pid] * 2
    assert not process.is_alive()


def test_scheduler_that_ignores_signals_is_killed(
    worker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("florentin_webhooks.rq.shutdown._TERMINATE_ATTEMPTS", 1)
    worker._start_scheduler()
    os.kill(worker.scheduler._process.pid, signal.SIGSTOP)
    worker.stop_scheduler()
    assert worker.scheduler._process.exitcode == -signal.SIGKILL


def test_signal_swallowed_by_an_observer_still_ends_the_worker(worker: Any) -> None:
    with handling_signals_as_before(), suppress(Exception):  # As around an observer.
        worker.request_stop(signal.SIGTERM, None)
    with pytest.raises(StopRequested):
        worker.dequeue_job_and_maintain_ttl(None)


def test_second_signal_while_the_first_is_handled_stays_brief(
    worker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meet_a_second_one() -> None:
        worker._shutdown_requested_date -= timedelta(seconds=2)  # RQ ignores earlier ones.
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(worker, "set_shutdown_requested_date", meet_a_second_one)
    worker.set_state(WorkerStatus.BUSY)
    before = worker.connection
    with handling_signals_as_before(), pytest.raises(SystemExit):
        worker.request_stop(signal.SIGTERM, None)
    assert worker.connection is not before


def test_signal_after_a_claim_ends_no_later_wait(
    worker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    restore = signal.signal

    def restore_late(number: int, handler: Any) -> Any:  # Any: as the signal module's.
        monkeypatch.undo()
        signal.raise_signal(signal.SIGINT)
        return restore(number, handler)

    worker._wait_for_redis()
    worker.set_state(WorkerStatus.BUSY)
    with handling_signals_as_before():
        worker._install_signal_handlers()
        with worker.deferring_signals():
            monkeypatch.setattr(signal, "signal", restore_late)
    assert worker._stop_requested
    assert worker.retry.waits
