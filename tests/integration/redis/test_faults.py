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

from florentin_webhooks import RedisStore, Reply
from florentin_webhooks.core.stores.accept import AcceptDecision
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.redis.embedded_server import EmbeddedServer
from tests.support.proxy import Proxy
from tests.support.shop import Receive, Shop, assert_unavailable, blocking, both_ways
from tests.support.stores import accept, content, finish

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


def timed(receive: Receive, shop: Shop) -> tuple[Reply, float]:
    began = time.monotonic()
    return receive(shop), time.monotonic() - began


async def atimed(shop: Shop) -> tuple[Outcome, float]:
    began = time.monotonic()
    reply = await shop.areceive()
    return reply.outcome, time.monotonic() - began


def bound_since(computed: float) -> float:
    """What bounds many at once: their waiting, and what this process *computed* since then.

    Making and verifying hundreds of deliveries takes longer where others have the cores as well.
    """
    return BOUND + 2 * (time.process_time() - computed)


@both_ways
def test_unreachable_server_is_unavailable_at_once(
    server: EmbeddedServer, store: RedisStore, receive: Receive
) -> None:
    server.stop()
    shop = Shop(store)
    reply, seconds = timed(receive, shop)
    assert_unavailable(reply)
    assert seconds < 1
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
        reply, seconds = timed(receive, shop)
    assert_unavailable(reply)
    assert seconds < BOUND
    assert not shop.ran


def test_server_that_hangs_later_is_unavailable_in_time(
    server: EmbeddedServer, store: RedisStore
) -> None:
    async def program() -> None:
        shop = Shop(store, asynchronous=True)
        assert (await shop.areceive()).outcome is Outcome.PROCESSED
        with hanging(server):
            began = time.monotonic()
            assert_unavailable(await shop.areceive())
            assert time.monotonic() - began < BOUND
        assert (await shop.areceive()).outcome is Outcome.PROCESSED
        await store.aclose()

    asyncio.run(program())


def test_hanging_server_answers_200_concurrent_deliveries_in_time(
    server: EmbeddedServer, store: RedisStore
) -> None:
    async def program() -> list[tuple[Outcome, float]]:
        shop = Shop(store, asynchronous=True)
        await shop.areceive()
        with hanging(server):
            result = await asyncio.gather(*(atimed(shop) for _ in range(200)))
        await store.aclose()
        return result

    computed = time.process_time()
    result = asyncio.run(program())
    assert {outcome for outcome, _ in result} == {Outcome.UNAVAILABLE}
    assert max(seconds for _, seconds in result) < bound_since(computed)


def test_hanging_server_answers_more_threads_than_connections_in_time(
    server: EmbeddedServer, store: RedisStore
) -> None:
    shop = Shop(store)
    with hanging(server), ThreadPoolExecutor(100) as threads:
        result = list(threads.map(lambda _: timed(blocking, shop), range(100)))
    assert {reply.outcome for reply, _ in result} == {Outcome.UNAVAILABLE}
    assert max(seconds for _, seconds in result) < BOUND


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

    computed = time.process_time()
    with Proxy(redis_url, latency=0.2) as proxy:
        result = asyncio.run(program(RedisStore(proxy.url)))
    assert {outcome for outcome, _ in result} <= {Outcome.PROCESSED, Outcome.UNAVAILABLE}
    assert max(seconds for _, seconds in result) < bound_since(computed)


def test_exhausted_pool_is_unavailable(redis_url: str) -> None:
    with Proxy(redis_url, latency=0.05) as proxy:
        pool = redis.ConnectionPool.from_url(proxy.url, max_connections=5, socket_timeout=1)
        shop = Shop(RedisStore(redis.Redis.from_pool(pool)))
        with ThreadPoolExecutor(50) as threads:
            result = list(threads.map(lambda _: blocking(shop).outcome, range(50)))
        shop.receiver.close()
    assert set(result) == {Outcome.PROCESSED, Outcome.UNAVAILABLE}
