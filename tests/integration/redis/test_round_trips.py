"""The commands and round trips of a delivery, counted at the server."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from typing import cast

import pytest
import redis

from florentin_webhooks import RedisStore
from florentin_webhooks.core.stores.accept import AcceptDecision, Claim
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.errors import Unavailable
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.redis.executors.calls import MAX_CALLS
from tests.support.proxy import Proxy
from tests.support.shop import Shop
from tests.support.stores import accept, content, finish
from tests.support.waiting import assert_below, eventually


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as made:
        yield made


@pytest.fixture
def proxy(redis_url: str) -> Iterator[Proxy]:
    with Proxy(redis_url) as made:
        yield made


@pytest.fixture
def store(proxy: Proxy) -> Iterator[RedisStore]:
    """A store that has been used before: connected, and its scripts are known."""
    made = RedisStore(proxy.url)
    made.execute(accept(b"before"))
    made.execute(finish(b"before"))
    yield made
    made.close()


def evalsha(client: redis.Redis) -> int:
    result = client.info("commandstats").get("cmdstat_evalsha", {"calls": 0})
    return int(result["calls"])


async def connected(store: RedisStore) -> None:
    """Connect and check the server's settings, which happens once."""
    await store.aexecute(accept(b"connected"))
    await store.aexecute(accept(b"looked"))


def test_accept_is_one_command_and_one_round_trip(
    store: RedisStore, client: redis.Redis, proxy: Proxy
) -> None:
    before = evalsha(client), proxy.turns
    store.execute(accept(content()))
    assert (evalsha(client) - before[0], proxy.turns - before[1]) == (1, 1)


def test_finish_is_one_command_and_one_round_trip(
    store: RedisStore, client: redis.Redis, proxy: Proxy
) -> None:
    store.execute(accept(content()))
    before = evalsha(client), proxy.turns
    assert store.execute(finish(content())) is State.DONE
    assert (evalsha(client) - before[0], proxy.turns - before[1]) == (1, 1)


def test_inline_delivery_is_two_round_trips(store: RedisStore, proxy: Proxy) -> None:
    shop, before = Shop(store), proxy.turns
    assert shop.receive().outcome is Outcome.PROCESSED
    assert proxy.turns - before == 2


@pytest.mark.answers("RPL-19")
def test_duplicate_is_one_round_trip(store: RedisStore, proxy: Proxy) -> None:
    shop = Shop(store)
    made = shop.make()
    shop.receive(made)
    before = proxy.turns
    assert shop.receive(made).outcome is Outcome.DUPLICATE
    assert proxy.turns - before == 1


def test_asyncio_program_has_the_same_round_trips(store: RedisStore, proxy: Proxy) -> None:
    async def deliveries() -> tuple[int, int]:
        shop = Shop(store, asynchronous=True)
        await shop.areceive()
        made, before = shop.make(), proxy.turns
        await shop.areceive(made)
        between = proxy.turns
        await shop.areceive(made)
        await store.aclose()
        return between - before, proxy.turns - between

    assert asyncio.run(deliveries()) == (2, 1)


def test_forged_delivery_sends_redis_nothing(store: RedisStore, proxy: Proxy) -> None:
    shop, before = Shop(store), proxy.turns
    forged = shop.make()._replace(body=b"{}")
    assert shop.receive(forged).outcome is Outcome.INVALID_SIGNATURE
    assert proxy.turns == before


@pytest.mark.parametrize("deliveries", [1, MAX_CALLS, 5 * MAX_CALLS])
def test_pending_calls_share_one_round_trip(
    store: RedisStore, proxy: Proxy, client: redis.Redis, deliveries: int
) -> None:
    numbers = count()

    async def burst() -> float:
        await connected(store)
        before = proxy.turns, evalsha(client)
        asked = [accept(content(next(numbers)), under=None) for _ in range(deliveries)]
        answers = (store.aexecute(each) for each in asked)
        claims = await asyncio.gather(*answers, return_exceptions=True)
        await store.aclose()
        if any(isinstance(claim, Unavailable) for claim in claims):
            return math.inf  # This process, or the server, had to wait for a processor.
        assert {cast("Claim", claim).decision for claim in claims} == {AcceptDecision.RUN}
        assert evalsha(client) - before[1] == deliveries
        return proxy.turns - before[0]

    assert_below(deliveries / (MAX_CALLS / 2) + 1.1, lambda: asyncio.run(burst()))


def test_batch_is_bounded_by_the_servers_time(store: RedisStore, proxy: Proxy) -> None:
    async def burst() -> bool:
        await connected(store)
        before = proxy.turns
        bodies = [content(number) + b" " * (1 << 20) for number in range(8)]
        with suppress(Unavailable):  # A busy machine may need more than one attempt.
            claims = await asyncio.gather(*(store.aexecute(accept(body)) for body in bodies))
            assert {claim.decision for claim in claims} == {AcceptDecision.RUN}
            assert proxy.turns - before >= 4
            before = 0
        await store.aclose()
        return not before

    eventually(lambda: asyncio.run(burst()))


def test_flushed_scripts_are_sent_again(store: RedisStore, client: redis.Redis) -> None:
    client.script_flush()
    assert store.execute(accept(content())).decision is AcceptDecision.RUN
    client.script_flush()
    assert store.execute(finish(content())) is State.DONE


def test_batch_with_flushed_scripts_is_answered_in_order(
    store: RedisStore, client: redis.Redis
) -> None:
    async def burst() -> None:
        await store.aexecute(accept(content(0)))
        client.script_flush()
        last = store.aexecute(finish(content(0)))
        asked = [store.aexecute(accept(content(number))) for number in range(1, 20)]
        state, claims = await asyncio.gather(last, asyncio.gather(*asked))
        assert state is State.DONE
        assert [claim.key for claim in claims] == [accept(content(n)).key for n in range(1, 20)]
        await store.aclose()

    asyncio.run(burst())
