"""Clients of the store: in event loops, threads and processes, and after closing."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import redis
import redis.asyncio

from florentin_webhooks import RedisStore
from florentin_webhooks.core.stores.accept import AcceptDecision
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.redis.clients import new_client
from tests.support.stores import accept, content, finish
from tests.support.waiting import eventually

FORKS = """
import os, sys
from florentin_webhooks import RedisStore
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.accept import AcceptDecision
from tests.support.stores import accept, content, finish

store = RedisStore(sys.argv[1])

def deliver(number):
    claim = store.execute(accept(content(number), token=b"%d" % os.getpid()))
    assert claim.decision is AcceptDecision.RUN
    assert store.execute(finish(content(number), token=b"%d" % os.getpid())) is State.DONE

deliver(0)
children = []
for child in range(1, 5):
    if (pid := os.fork()) == 0:
        for number in range(50):
            deliver(child * 1000 + number)
        os._exit(0)
    children.append(pid)
for number in range(1, 51):
    deliver(number)
print([os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children])
"""


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as made:
        yield made


async def deliver(store: RedisStore, number: int) -> None:
    assert (await store.aexecute(accept(content(number)))).decision is AcceptDecision.RUN
    assert await store.aexecute(finish(content(number))) is State.DONE


async def deliver_and_close(store: RedisStore, number: int) -> None:
    await deliver(store, number)
    await store.aclose()


def test_store_works_in_one_event_loop_after_another(redis_url: str) -> None:
    store = RedisStore(redis_url)
    for number in range(3):
        asyncio.run(deliver_and_close(store, number))


def test_store_works_in_concurrent_event_loops(redis_url: str) -> None:
    store, failures = RedisStore(redis_url), list[BaseException]()

    async def deliveries(first: int) -> None:
        await asyncio.gather(*(deliver(store, first + number) for number in range(100)))
        await store.aclose()

    def program(first: int) -> None:
        try:
            asyncio.run(deliveries(first))
        except BaseException as error:  # noqa: BLE001 - the test reports a thread's failure.
            failures.append(error)

    threads = [threading.Thread(target=program, args=(first,)) for first in (0, 1000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_closed_event_loop_is_dropped(redis_url: str) -> None:
    store = RedisStore(redis_url)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # redis-py warns of unclosed clients.
        for number in range(5):
            asyncio.run(deliver(store, number))
        assert len(store._loops) == 1
        asyncio.run(deliver_and_close(store, 5))
        gc.collect()


def test_store_survives_a_fork(redis_url: str) -> None:
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKS, redis_url],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert result.stdout == "[0, 0, 0, 0]\n", result.stderr


def test_closing_closes_the_connections(redis_url: str, client: redis.Redis) -> None:
    store, before = RedisStore(redis_url), len(client.client_list())
    store.execute(accept(content()))
    assert len(client.client_list()) == before + 1
    store.close()
    eventually(lambda: len(client.client_list()) == before)


def test_closed_store_reopens(redis_url: str) -> None:
    store = RedisStore(redis_url)
    store.execute(accept(content()))
    store.close()
    assert store.execute(finish(content())) is State.DONE
    store.close()


def test_closing_in_an_event_loop_closes_its_connection(
    redis_url: str, client: redis.Redis
) -> None:
    store, before = RedisStore(redis_url), len(client.client_list())
    asyncio.run(deliver_and_close(store, 1))
    eventually(lambda: len(client.client_list()) == before)


def test_closing_in_an_unused_event_loop_does_nothing(redis_url: str) -> None:
    asyncio.run(RedisStore(redis_url).aclose())


def test_closing_waits_for_pending_operations(redis_url: str) -> None:
    async def program() -> AcceptDecision:
        store = RedisStore(redis_url)
        asked = asyncio.ensure_future(store.aexecute(accept(content())))
        await asyncio.sleep(0)
        await store.aclose()
        return (await asked).decision

    assert asyncio.run(program()) is AcceptDecision.RUN


def test_sync_client_serves_a_sync_program(client: redis.Redis) -> None:
    store = RedisStore(client)
    assert store.execute(accept(content())).decision is AcceptDecision.RUN


def test_sync_client_serves_an_asyncio_program(client: redis.Redis) -> None:
    async def deliveries() -> None:
        store = RedisStore(client)
        await asyncio.gather(*(deliver(store, number) for number in range(50)))
        await store.aclose()

    asyncio.run(deliveries())


def test_asyncio_client_serves_an_asyncio_program(redis_url: str) -> None:
    async def deliveries() -> None:
        store = RedisStore(redis.asyncio.Redis.from_url(redis_url))
        await asyncio.gather(*(deliver(store, number) for number in range(50)))
        await store.aclose()

    asyncio.run(deliveries())


def test_asyncio_client_is_refused_in_a_sync_program(redis_url: str) -> None:
    store = RedisStore(redis.asyncio.Redis.from_url(redis_url))
    with pytest.raises(ConfigurationError, match="Pass RedisStore a URL, which serves both"):
        store.execute(accept(content()))


def test_asyncio_client_is_refused_in_a_second_event_loop(redis_url: str) -> None:
    store = RedisStore(redis.asyncio.Redis.from_url(redis_url))
    with asyncio.Runner() as first:
        first.run(deliver(store, 1))
        with pytest.raises(ConfigurationError, match="which belongs to one event loop"):
            asyncio.run(deliver(store, 2))
        first.run(store.aclose())


def test_client_like_that_of_a_user_closes_its_connections(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as theirs, new_client(theirs) as client:
        pool: Any = client.connection_pool
        connection = pool.get_connection()
        pool.release(connection)
    assert connection._sock is None
