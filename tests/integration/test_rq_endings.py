"""A worker that is ended while it starts leaves nothing behind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from florentin_webhooks.worker import Kind, build_worker
from tests.helpers.waiting import eventually
from tests.helpers.workshop import Workshop, open_workshop


@pytest.fixture
def shop(redis_url: str, redis_prefix: str) -> Iterator[Workshop]:
    with open_workshop(redis_url, redis_prefix) as opened:
        opened.does("bill")
        yield opened


@pytest.fixture
def ended(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> Any:  # Any: a worker of RQ's.
    """A worker that a signal has met before RQ was ready for signals."""
    queue = shop.rq().name
    worker = build_worker(shop.hooks, shop.client, queue=queue, kind=Kind.SIMPLE, name="early")

    def meets_a_signal() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(worker, "_install_signal_handlers", meets_a_signal)
    with pytest.raises(KeyboardInterrupt):
        worker.work(with_scheduler=True)
    return worker


def test_no_thread_goes_on_that_the_end_of_the_process_would_stop(ended: Any) -> None:
    assert not ended.pubsub_thread.is_alive()


def test_no_scheduler_goes_on(ended: Any) -> None:
    process = ended.scheduler._process
    eventually(lambda: not process.is_alive())


def test_nobody_counts_on_it_any_more(ended: Any, shop: Workshop) -> None:
    assert not shop.client.sismember("rq:workers", f"rq:worker:{ended.name}")
