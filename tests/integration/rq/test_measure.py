"""The facts of queues, as metrics and health checks read them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import redis

from florentin_webhooks import RedisStore, RQQueue
from florentin_webhooks.core.health import health
from florentin_webhooks.core.queue import MeasuredQueue, QueueFacts
from florentin_webhooks.errors import ConfigurationError, Unavailable
from tests.support.vectors import CANONICAL, delivery
from tests.support.workshop import Workshop, open_workshop


@pytest.fixture
def shop(redis_url: str, redis_prefix: str) -> Iterator[Workshop]:
    with open_workshop(redis_url, redis_prefix, retries=(3600,)) as shop:
        yield shop


def measure(shop: Workshop, *names: str) -> tuple[QueueFacts, ...]:
    queue: object = shop.hooks.queue
    assert isinstance(queue, MeasuredQueue)
    return queue.measure(shop.store, names or (shop.queue,))


def test_empty_queues_have_no_jobs_and_no_workers(shop: Workshop) -> None:
    none = QueueFacts(shop.queue, 0, None, 0, 0, 0, 0, scheduler=False)
    assert measure(shop, shop.queue, "other") == (none, none._replace(name="other"))
    assert measure(shop) == (none,)


def test_jobs_are_counted_by_state_and_the_oldest_is_dated(shop: Workshop) -> None:
    shop.does("bill", ValueError(), ValueError(), ValueError())
    first, second, third = (CANONICAL.replace(b"F-0001", b"F-%04d" % n) for n in range(3))
    shop.accept(delivery(first, delivery_id="1"))
    shop.work_it_off()
    shop.accept(delivery(second, delivery_id="2"))
    shop.work()
    before = datetime.now(UTC)
    shop.accept(delivery(third, delivery_id="3"))
    (facts,) = measure(shop)
    assert (facts.waiting, facts.scheduled, facts.running, facts.dead) == (1, 1, 0, 1)
    assert facts.oldest is not None
    assert abs((facts.oldest - before).total_seconds()) < 60


def test_live_worker_and_scheduler_are_counted(shop: Workshop) -> None:
    shop.does("bill")
    worker, other = (shop.worker(shop.client, name=name) for name in ("one", "two"))
    worker.register_birth()
    worker.set_state("idle")
    other.register_birth()
    shop.client.delete(other.key)  # As after it was killed.
    shop.client.set(f"rq:scheduler-lock:{shop.queue}", "1", ex=60)
    try:
        (facts,) = measure(shop)
        assert (facts.workers, facts.scheduler) == (1, True)
        assert health(shop.hooks).ok
    finally:
        worker.register_death()
        other.register_death()


def test_server_that_does_not_answer_is_unavailable() -> None:
    store = RedisStore("redis://:made-up-password@127.0.0.1:1/0")
    with pytest.raises(Unavailable) as raised:
        RQQueue("q").measure(store, ["q"])
    assert "made-up-password" not in str(raised.value)


def test_store_with_an_asyncio_client_cannot_be_measured() -> None:
    client = redis.asyncio.Redis(socket_timeout=1)
    with pytest.raises(ConfigurationError, match="has an asyncio client"):
        RQQueue("q").measure(RedisStore(client), ["q"])
