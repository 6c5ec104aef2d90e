"""A server that is unreachable, hangs, is full or refuses: a 503 in time."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import redis

from florentin_webhooks import RedisStore
from florentin_webhooks.core.stores.accept import AcceptDecision
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.redis.embedded_server import EmbeddedServer
from tests.support.proxy import Proxy
from tests.support.shop import Receive, Shop, assert_unavailable, blocking, both_ways
from tests.support.stores import accept, content, finish
from tests.support.waiting import assert_below, spent

BOUND = 2.0
"""The longest that a sender waits for an answer, in seconds."""


@pytest.fixture
def server(directory: Path) -> Iterator[EmbeddedServer]:
    with EmbeddedServer(directory) as started:
        yield started


@pytest.fixture
def store(server: EmbeddedServer) -> Iterator[RedisStore]:
    with closing(RedisStore(server.url)) as made:
        yield made


@contextmanager
def hanging(server: EmbeddedServer) -> Iterator[None]:
    os.kill(server.pid(), signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.pid(), signal.SIGCONT)


@contextmanager
def full(server: EmbeddedServer) -> Iterator[None]:
    with redis.Redis.from_url(server.url) as client:
        client.config_set("maxmemory", 1)
        yield
        client.config_set("maxmemory", 0)


def check(receive: Receive, shop: Shop) -> float:
    """Return how long a delivery takes that must be unavailable, in seconds."""
    began = time.monotonic()
    reply = receive(shop)
    seconds = time.monotonic() - began
    assert_unavailable(reply)
    return seconds


async def atimed(shop: Shop) -> tuple[Outcome, float]:
    began = time.monotonic()
    reply = await shop.areceive()
    return reply.outcome, time.monotonic() - began


def waited(result: list[tuple[Outcome, float]], before: float) -> float:
    """Return the longest wait of many at once, without what this thread has spent since *before*.

    Making and verifying hundreds of deliveries takes longer where others have the cores as well.
    """
    return max(seconds for _, seconds in result) - (spent() - before)


@both_ways
def test_unreachable_server_is_unavailable_at_once(
    server: EmbeddedServer, store: RedisStore, receive: Receive
) -> None:
    server.stop()
    shop = Shop(store)
    assert_below(1, lambda: check(receive, shop))
    assert not shop.ran


@both_ways
def test_restarted_server_serves_again(
    server: EmbeddedServer, store: RedisStore, receive: Receive
) -> None:
    shop = Shop(store)
    assert receive(shop).outcome is Outcome.PROCESSED
    server.stop()
    assert_unavailable(receive(shop))
    server.start()
    assert receive(shop).outcome is Outcome.PROCESSED


@both_ways
@pytest.mark.parametrize("used", [True, False])
def test_hanging_server_is_unavailable_in_time(
    server: EmbeddedServer, store: RedisStore, receive: Receive, *, used: bool
) -> None:
    shop = Shop(store)
    if used:
        receive(shop)
        shop.ran.clear()
    with hanging(server):
        assert_below(BOUND, lambda: check(receive, shop))
    assert not shop.ran


def test_server_that_hangs_later_is_unavailable_in_time(
    server: EmbeddedServer, store: RedisStore
) -> None:
    async def program() -> float:
        shop = Shop(store, asynchronous=True)
        assert (await shop.areceive()).outcome is Outcome.PROCESSED
        with hanging(server):
            began = time.monotonic()
            assert_unavailable(await shop.areceive())
            seconds = time.monotonic() - began
        await until_served(shop)
        await store.aclose()
        return seconds

    assert_below(BOUND, lambda: asyncio.run(program()))


async def until_served(shop: Shop) -> None:
    while (await shop.areceive()).outcome is not Outcome.PROCESSED:
        pass  # A server that goes on may need a moment.


def test_hanging_server_answers_200_concurrent_deliveries_in_time(
    server: EmbeddedServer, store: RedisStore
) -> None:
    async def program() -> list[tuple[Outcome, float]]:
        shop = Shop(store, asynchronous=True)
        await until_served(shop)
        with hanging(server):
            result = await asyncio.gather(*(atimed(shop) for _ in range(200)))
        await store.aclose()
        return result

    def slowest() -> float:
        before = spent()
        result = asyncio.run(program())
        assert {outcome for outcome, _ in result} == {Outcome.UNAVAILABLE}
        return waited(result, before)

    assert_below(BOUND, slowest)


def test_hanging_server_answers_more_threads_than_connections_in_time(
    server: EmbeddedServer, store: RedisStore
) -> None:
    shop = Shop(store)

    def slowest() -> float:
        with ThreadPoolExecutor(100) as threads:
            return max(threads.map(lambda _: check(blocking, shop), range(100)))

    with hanging(server):
        assert_below(BOUND, slowest)


@both_ways
def test_full_server_is_unavailable_and_recovers(
    server: EmbeddedServer, store: RedisStore, receive: Receive
) -> None:
    shop = Shop(store)
    with full(server):
        assert_unavailable(receive(shop))
        assert not shop.ran
    assert receive(shop).outcome is Outcome.PROCESSED


def test_running_delivery_can_finish_on_a_full_server(
    server: EmbeddedServer, store: RedisStore
) -> None:
    store.execute(accept(content()))
    with full(server):
        assert store.execute(finish(content(), handler="m:bill")) is State.DONE
    assert store.execute(accept(content(), token=b"other")).decision is AcceptDecision.DUPLICATE


def test_duplicate_is_known_on_a_full_server(server: EmbeddedServer, store: RedisStore) -> None:
    store.execute(accept(content()))
    store.execute(finish(content()))
    with full(server):
        again = store.execute(accept(content(), token=b"other"))
    assert again.decision is AcceptDecision.DUPLICATE


@pytest.mark.parametrize("burst", [100, 500])
def test_burst_on_a_slow_link_runs_at_most_once(redis_url: str, burst: int) -> None:
    async def program(store: RedisStore) -> list[tuple[Outcome, float]]:
        shop = Shop(store, asynchronous=True)
        result = await asyncio.gather(*(atimed(shop) for _ in range(burst)))
        await store.aclose()
        assert set(shop.ran.values()) == {1}
        return result

    def slowest() -> float:
        before = spent()
        with Proxy(redis_url, latency=0.2) as proxy:
            result = asyncio.run(program(RedisStore(proxy.url)))
        assert {outcome for outcome, _ in result} <= {Outcome.PROCESSED, Outcome.UNAVAILABLE}
        return waited(result, before)

    assert_below(BOUND, slowest)


def test_exhausted_pool_is_unavailable(redis_url: str) -> None:
    with Proxy(redis_url, latency=0.05) as proxy:
        pool = redis.ConnectionPool.from_url(proxy.url, max_connections=5, socket_timeout=1)
        shop = Shop(RedisStore(redis.Redis.from_pool(pool)))
        with ThreadPoolExecutor(50) as threads:
            result = list(threads.map(lambda _: blocking(shop).outcome, range(50)))
        shop.receiver.close()
    assert set(result) == {Outcome.PROCESSED, Outcome.UNAVAILABLE}
