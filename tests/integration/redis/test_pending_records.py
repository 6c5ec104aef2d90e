"""Many inline handlers: few round trips, and each record is sent before the next handler."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis
import uvloop

from florentin_webhooks import Receiver, RedisStore
from florentin_webhooks.events import Event
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.redis.clients import TIMEOUTS
from florentin_webhooks.testing import Provider, SignedDelivery
from tests.support.proxy import Proxy
from tests.support.shop import SECRET
from tests.support.waiting import assert_below, eventually

HANDLERS = 16


class Workshop:
    """A receiver with 16 inline handlers; each calls *on_run* with its number, then pauses."""

    def __init__(self, url: str, *, is_blocking: bool = False) -> None:
        self.store = RedisStore(url)
        self.receiver = Receiver(SECRET, store=self.store)
        self.ran: list[int] = []
        self.on_run: Callable[[int], object] = lambda _: None
        self.pause = 0.0
        for number in range(HANDLERS):
            handler = self._blocking(number) if is_blocking else self._handler(number)
            self.receiver.on("invoice.created")(handler)

    def _blocking(self, number: int) -> Callable[[Event], None]:
        def handle(_event: Event) -> None:
            self.ran.append(number)
            self.on_run(number)

        handle.__qualname__ = f"handle_{number}"
        return handle

    def _handler(self, number: int) -> Callable[[Event], Coroutine[Any, Any, None]]:
        async def handle(_event: Event) -> None:
            self.ran.append(number)
            self.on_run(number)
            if self.pause:
                await asyncio.sleep(self.pause)

        handle.__qualname__ = f"handle_{number}"
        return handle

    def receive_blocking(self, made: SignedDelivery) -> Outcome:
        return self.receiver.receive(*made).outcome

    async def receive(self, made: SignedDelivery) -> Outcome:
        return (await self.receiver.areceive(*made)).outcome


@pytest.fixture
def proxy(redis_url: str) -> Iterator[Proxy]:
    with Proxy(redis_url) as made:
        yield made


def make() -> SignedDelivery:
    return Provider(SECRET).make("invoice.created")


def test_16_inline_handlers_take_3_round_trips_without_a_loop(proxy: Proxy) -> None:
    shop = Workshop(proxy.url, is_blocking=True)
    for _ in range(2):  # Connected, and the server's settings are known.
        shop.receive_blocking(make())
    proxy.latency = 0.02

    def turns() -> int:
        before = proxy.turns
        assert shop.receive_blocking(make()) is Outcome.PROCESSED
        return proxy.turns - before

    assert_below(4, turns)  # More where this process had to wait between two handlers.
    shop.store.close()
    assert shop.ran[-3 * HANDLERS :] == [*range(HANDLERS)] * 3


def test_blocking_program_sends_a_record_before_the_next_handler(redis_url: str) -> None:
    def look(number: int) -> None:
        eventually(lambda: len(names()) >= number)  # Not only once the run has gone on.
        seen.append(len(names()))

    def names() -> list[bytes]:
        (record,) = client.keys("fl:d*")
        return [name for name in client.hkeys(record) if name.startswith(b"h:")]

    seen = list[int]()
    with redis.Redis.from_url(redis_url) as client:
        client.script_flush()
        shop = Workshop(redis_url, is_blocking=True)
        shop.on_run = look
        for _ in range(2):  # The server knows no script, then all of them.
            client.flushdb()
            assert shop.receive_blocking(make()) is Outcome.PROCESSED
        shop.store.close()
    assert seen == [*range(HANDLERS)] * 2


@pytest.mark.parametrize("what", ["scripts", "connection"])
def test_loss_in_a_blocking_program_repeats_no_handler(
    proxy: Proxy, redis_url: str, what: str
) -> None:
    def lose(number: int) -> None:
        if number == 7 and len(shop.ran) > HANDLERS:
            client.script_flush() if what == "scripts" else proxy.lose_answer(b"handle_7")

    with redis.Redis.from_url(redis_url) as client:
        shop = Workshop(proxy.url, is_blocking=True)
        shop.receive_blocking(make())
        shop.on_run, made = lose, make()
        outcomes = [shop.receive_blocking(made) for _ in "ab"]
        shop.store.close()
    assert outcomes == [Outcome.PROCESSED, Outcome.DUPLICATE]
    assert proxy.lost == (what == "connection")
    assert shop.ran == [*range(HANDLERS)] * 2


def test_runs_beyond_the_connections_for_records_succeed(redis_url: str) -> None:
    def meet(number: int) -> None:
        if number == 1:  # By then each run has sent a record, and keeps its connection.
            barrier.wait(60)

    runs = TIMEOUTS.record_connections + 4
    barrier = threading.Barrier(runs)
    shop = Workshop(redis_url, is_blocking=True)
    shop.receive_blocking(make())
    shop.on_run = meet
    with ThreadPoolExecutor(runs) as threads:
        outcomes = [*threads.map(shop.receive_blocking, [make() for _ in range(runs)])]
    shop.store.close()
    assert outcomes == [Outcome.PROCESSED] * runs


def test_16_inline_handlers_take_3_round_trips(proxy: Proxy) -> None:
    async def turns() -> int:
        shop = Workshop(proxy.url)
        proxy.latency = 0
        for _ in range(2):  # Connected, and the server's settings are known.
            await shop.receive(make())
        proxy.latency = 0.02
        before = proxy.turns
        assert await shop.receive(make()) is Outcome.PROCESSED
        await shop.store.aclose()
        assert shop.ran == [*range(HANDLERS)] * 3
        return proxy.turns - before

    assert_below(4, lambda: asyncio.run(turns()))  # As above.


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_record_is_sent_before_the_next_handler_starts(
    redis_url: str, run: Callable[[Coroutine[Any, Any, None]], None]
) -> None:
    """The handlers never return to the event loop, and look with a connection of their own."""

    def look(number: int) -> None:
        eventually(lambda: len(names()) >= number)  # Not only once the run has gone on.
        seen.append(names())

    def names() -> set[bytes]:
        (record,) = client.keys("fl:d*")
        return {name for name in client.hkeys(record) if name.startswith(b"h:")}

    async def program() -> None:
        client.script_flush()
        for _ in range(2):  # The server knows no script, then all of them.
            client.flushdb()
            outcomes.append(await shop.receive(make()))

    seen, outcomes = list[set[bytes]](), list[Outcome]()
    with redis.Redis.from_url(redis_url) as client:
        shop = Workshop(redis_url)
        shop.on_run = look
        run(program())
    assert outcomes == [Outcome.PROCESSED] * 2
    assert [len(recorded) for recorded in seen] == [*range(HANDLERS)] * 2


def test_retry_runs_only_the_handlers_that_failed(redis_url: str) -> None:
    def fail(number: int) -> None:
        if number in (3, HANDLERS - 1) and len(shop.ran) <= HANDLERS:
            raise ValueError

    async def program() -> list[Outcome]:
        made = make()
        return [await shop.receive(made) for _ in range(3)]

    shop = Workshop(redis_url)
    shop.on_run = fail
    outcomes = [Outcome.HANDLER_FAILED, Outcome.PROCESSED, Outcome.DUPLICATE]
    assert asyncio.run(program()) == outcomes
    assert shop.ran == [*range(HANDLERS), 3, HANDLERS - 1]


def test_lost_connection_repeats_no_handler(proxy: Proxy) -> None:
    async def program() -> list[Outcome]:
        await shop.receive(make())
        made = make()
        proxy.lose_answer(b"handle_7")
        return [await shop.receive(made) for _ in "ab"]

    shop = Workshop(proxy.url)
    assert asyncio.run(program()) == [Outcome.PROCESSED, Outcome.DUPLICATE]
    assert proxy.lost == 1
    assert shop.ran == [*range(HANDLERS)] * 2


def test_run_ends_when_another_has_taken_the_lease(redis_url: str) -> None:
    def take(number: int) -> None:
        if number == 2:
            (record,) = client.keys("fl:d*")
            client.hset(record, "t:", b"other")

    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
        shop = Workshop(redis_url)
        shop.on_run, shop.pause = take, 0.05
        assert asyncio.run(shop.receive(make())) is Outcome.IN_PROGRESS
    assert len(shop.ran) < HANDLERS
