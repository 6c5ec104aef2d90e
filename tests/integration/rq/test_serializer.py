"""Jobs that a worker without the JSON serializer has failed to read."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
import redis
import rq

from florentin_webhooks.core.stores.base import State
from florentin_webhooks.rq.monitoring import queue_status
from florentin_webhooks.rq.serializer import SERIALIZER_OPTION, is_unreadable
from florentin_webhooks.rq.sweeper import requeue_lost
from tests.support.workshop import Workshop, open_workshop


@pytest.fixture
def shop(redis_url: str, redis_prefix: str) -> Iterator[Workshop]:
    with open_workshop(redis_url, redis_prefix, retries=(3600,)) as opened:
        opened.does("bill", ValueError(), ValueError())
        yield opened


def start_plain_worker(self: Workshop, client: redis.Redis, queue: str | None = None) -> Any:
    """Return a worker as rq and django-rq start it by default; Any: rq leaves its types open."""
    where = rq.Queue(queue or self.queue, connection=client)
    return rq.SimpleWorker([where], connection=client)


def test_unreadable_job_is_reported_with_the_option(
    shop: Workshop, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    fingerprint = shop.accept()
    monkeypatch.setattr(Workshop, "worker", start_plain_worker)
    shop.work_it_off()
    requeue_lost(shop.hooks, shop.rq(), -1)
    status = queue_status(shop.client, shop.queue)
    assert (status.dead, status.unreadable) == (1, 1)
    assert SERIALIZER_OPTION in status.problems()[-1].message
    assert shop.record(fingerprint).state is State.DEAD
    logged = [each for each in caplog.records if each.name == "florentin_webhooks"]
    assert logged[-1].levelno == logging.ERROR
    assert SERIALIZER_OPTION in logged[-1].getMessage()


def test_job_that_failed_in_a_handler_is_not_unreadable(shop: Workshop) -> None:
    job_id = shop.job_id(shop.accept())
    assert not is_unreadable(shop.client, job_id)
    shop.work()
    shop.work_it_off()
    status = queue_status(shop.client, shop.queue)
    assert (status.dead, status.unreadable) == (1, 0)


def test_job_without_a_run_is_unstarted_before_its_last_attempt(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.accept()
    with monkeypatch.context() as patch:
        patch.setattr(Workshop, "worker", start_plain_worker)
        shop.work()
    status = queue_status(shop.client, shop.queue, shop.hooks)
    assert (status.scheduled, status.unstarted) == (1, 1)
    assert SERIALIZER_OPTION in status.problems()[-1].message
    shop.hurry()
    shop.work()
    assert queue_status(shop.client, shop.queue, shop.hooks).unstarted == 0


def test_job_whose_handler_failed_is_not_unstarted(shop: Workshop) -> None:
    shop.accept()
    shop.work()
    status = queue_status(shop.client, shop.queue, shop.hooks)
    assert (status.scheduled, status.unstarted) == (1, 0)
