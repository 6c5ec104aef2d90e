"""A server whose memory is full: it accepts nothing, and drains by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from florentin_webhooks import Delivery, Reply
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.queries import ListRecords, Status
from florentin_webhooks.events import Event, InvoiceCreated
from florentin_webhooks.redis.embedded_server import EmbeddedServer
from florentin_webhooks.redis.full_memory import force_where_full
from florentin_webhooks.rq.monitoring import queue_status
from florentin_webhooks.rq.sweeper import requeue_lost
from florentin_webhooks.testing import Provider
from tests.support.vectors import SECRET
from tests.support.workshop import Workshop, open_workshop, told_in

OVER = 100_000
"""Bytes that must be freed before the server accepts anything."""


@pytest.fixture
def shop(directory: Path) -> Iterator[Workshop]:
    with EmbeddedServer(directory) as server, open_workshop(server.url, "fl:", history=0) as opened:
        yield opened


class Filled:
    """A server that is filled with queued deliveries, about 450 for a megabyte of *room*."""

    def __init__(self, shop: Workshop, room: int) -> None:
        self.shop, self.ran = shop, Counter[str]()
        self._client: Any = shop.client  # Any: redis-py's.
        self._provider = Provider(SECRET, clock=shop.clock)

        @shop.handles("bill", InvoiceCreated)
        def bill(_event: Event, delivery: Delivery) -> None:
            self._bill(delivery)

        self.sent = [self.send()]
        shop.work()  # From then on the server has a worker's scripts: most of a megabyte.
        self._limit(room)
        while (sent := self.send()).status == 202:
            self.sent.append(sent)
        self._limit(-OVER)
        with pytest.raises(redis.exceptions.OutOfMemoryError):
            self._client.set("anything", "")
        shop.client = force_where_full(shop.client)  # As workers have it.

    def send(self) -> Reply:
        return self.shop.hooks.receive(*self._provider.make("invoice.created"))

    def _bill(self, delivery: Delivery) -> None:
        name = delivery.delivery_id or ""
        self.ran[name] += 1
        if self.ran[name] == 1 and len(self.ran) % 40 == 0:
            raise ValueError
        with delivery.once("mail"):
            pass

    def _limit(self, more: int) -> None:
        used = self._client.info("memory")["used_memory"]
        self._client.config_set("maxmemory", used + more)

    def assert_drained(self) -> None:
        assert len(self.ran) == len(self.sent)
        assert set(self.ran.values()) <= {1, 2}
        states = {self.shop.record(told_in(each)).state for each in self.sent}
        assert states == {State.DONE}


def test_full_server_drains_and_accepts_again(shop: Workshop) -> None:
    filled = Filled(shop, 600_000)
    assert len(filled.sent) > 200
    shop.work_it_off()
    filled.assert_drained()
    assert filled.send().status == 202


def test_full_server_drains_job_by_job(shop: Workshop) -> None:
    filled = Filled(shop, 100_000)
    assert len(filled.sent) > 20
    shop.work_it_off(batch=1)
    filled.assert_drained()


def test_full_server_drains_in_forks(shop: Workshop) -> None:
    filled = Filled(shop, 100_000)
    shop.work_in_forks()
    states = [shop.record(told_in(each)).state for each in filled.sent]
    assert states.count(State.DONE) > len(states) - 5  # The others wait for their retry.


def test_jobs_that_are_lost_in_a_full_server_are_requeued(shop: Workshop) -> None:
    filled = Filled(shop, 200_000)
    shop.client.delete(shop.rq().key)
    assert requeue_lost(shop.hooks, shop.rq(), -1) == len(filled.sent) - 1
    shop.work_it_off()
    filled.assert_drained()


def test_full_server_is_listed_and_a_problem_of_the_queue(shop: Workshop) -> None:
    Filled(shop, 100_000)
    for status in Status:
        found = shop.hooks.store.execute(ListRecords(1, status=status)).records
        assert bool(found) is (status is Status.QUEUED)
    (problem,) = [
        each.message
        for each in queue_status(shop.client, shop.queue, shop.hooks).problems()
        if each.kind == "full"
    ]
    assert problem.startswith("Redis is full")
