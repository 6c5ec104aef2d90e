"""Programs that end in the middle of a delivery: leases are released, done stays done."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import Callable
from contextlib import closing

import redis

from florentin_webhooks import Receiver, RedisStore, Reply
from florentin_webhooks.events import InvoiceCreated
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.testing import Provider
from tests.support.proxy import Proxy
from tests.support.shop import SECRET
from tests.support.waiting import aeventually, eventually


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


def test_connections_are_closed_with_each_event_loop(redis_url: str) -> None:
    receiver = Receiver(SECRET, store=RedisStore(redis_url))
    receiver.on(InvoiceCreated)(lambda _: None)
    with redis.Redis.from_url(redis_url) as client, warnings.catch_warnings():
        warnings.simplefilter("error")
        gc.collect()  # Closes what earlier tests have left.
        before = len(client.client_list())
        for _ in range(3):
            made = Provider(SECRET).make("invoice.created")
            reply = asyncio.run(receiver.areceive(*made))
            assert reply.outcome is Outcome.PROCESSED
            gc.collect()
            eventually(lambda: len(client.client_list()) <= before)


def test_closed_store_is_open_again_in_the_same_loop(redis_url: str) -> None:
    async def program() -> list[Outcome]:
        seen = []
        for _ in range(2):
            reply = await receiver.areceive(*Provider(SECRET).make("invoice.created"))
            seen.append(reply.outcome)
            await receiver.aclose()
        return seen

    receiver = Receiver(SECRET, store=RedisStore(redis_url))
    receiver.on(InvoiceCreated)(lambda _: None)
    assert asyncio.run(program()) == [Outcome.PROCESSED] * 2


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
