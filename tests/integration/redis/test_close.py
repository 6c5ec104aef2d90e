"""Programs that end in the middle of a delivery: leases are released, done stays done."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
import redis

from florentin_webhooks import Receiver, RedisStore, Reply
from florentin_webhooks.events import InvoiceCreated
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.testing import Provider
from tests.support.proxy import Proxy
from tests.support.shop import SECRET
from tests.support.waiting import aeventually


@pytest.fixture(autouse=True)
def unclosed_connections() -> Iterator[None]:
    """Ignore redis-py's warning of a connection that such a program leaves open."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield
        gc.collect()


class Program:
    """A program that ends as soon as a condition holds, and its successor."""

    def __init__(self, store: RedisStore) -> None:
        self.receiver = Receiver(SECRET, store=store)
        self.made = Provider(SECRET).make("invoice.created")
        self.ran = 0
        self.waits = False
        self.receiver.on(InvoiceCreated)(self._handle)

    async def _handle(self, _: InvoiceCreated) -> None:
        self.ran += 1
        while self.waits:
            await asyncio.Event().wait()

    def end_when(self, reached: Callable[[], object]) -> None:
        """Receive, and end as soon as *reached* holds."""

        async def program() -> asyncio.Future[Reply]:
            # Connected before, so that nothing but the delivery itself is under way.
            await self.receiver.areceive(*Provider(SECRET).make("invoice.created"))
            self.ran, self.waits = 0, waits
            task = asyncio.ensure_future(self.receiver.areceive(*self.made))
            await asyncio.sleep(0)
            await aeventually(reached)
            return task

        waits, self.waits = self.waits, False
        assert asyncio.run(program()).cancelled()
        self.waits = False

    def retry(self) -> Outcome:
        return self.receiver.receive(*self.made).outcome


def test_close_in_a_handler(redis_url: str) -> None:
    with closing(RedisStore(redis_url)) as store:
        program = Program(store)
        program.waits = True
        program.end_when(lambda: program.ran)
        assert program.retry() is Outcome.PROCESSED
        assert program.ran == 2


def test_close_before_anything_was_sent(redis_url: str) -> None:
    with closing(RedisStore(redis_url)) as store:
        program = Program(store)
        program.end_when(lambda: True)
        assert program.retry() is Outcome.PROCESSED
        assert program.ran == 1


def test_close_while_the_store_accepts(redis_url: str) -> None:
    with Proxy(redis_url) as proxy, closing(RedisStore(proxy.url)) as store:
        program = Program(store)
        proxy.latency = 0.1
        program.end_when(lambda: proxy.asked_for(program.made.body))
        proxy.latency = 0
        assert program.retry() is Outcome.PROCESSED
        assert program.ran == 1


def test_close_while_the_store_records_the_last_handler(redis_url: str) -> None:
    with Proxy(redis_url) as proxy, closing(RedisStore(proxy.url)) as store:
        program = Program(store)
        proxy.latency = 0.1
        program.end_when(lambda: program.ran)
        proxy.latency = 0
        assert program.retry() is Outcome.DUPLICATE
        assert program.ran == 1


def test_close_with_a_sync_client_in_threads(redis_url: str) -> None:
    with Proxy(redis_url) as proxy, redis.Redis.from_url(proxy.url, socket_timeout=1) as client:
        program = Program(RedisStore(client))
        proxy.latency = 0.1
        program.end_when(lambda: program.ran)
        proxy.latency = 0
        assert program.retry() is Outcome.DUPLICATE
        assert program.ran == 1
