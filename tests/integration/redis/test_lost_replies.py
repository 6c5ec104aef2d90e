"""Commands whose answer was lost: neither lost nor executed twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator
from contextlib import closing
from datetime import timedelta

import pytest

from florentin_webhooks import RedisStore, Reply
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.testing import SignedDelivery
from tests.support.proxy import Proxy
from tests.support.shop import Receive, Shop, both_ways, retry_after
from tests.support.waiting import eventually

ACCEPT, DONE, FAILED = b"invoice.created", b"\r\ndone\r\n", b"\r\nfailed\r\n"

cut_or_silent = pytest.mark.parametrize("silently", [False, True], ids=["cut", "silent"])


@pytest.fixture
def proxy(redis_url: str) -> Iterator[Proxy]:
    with Proxy(redis_url) as started:
        yield started


@both_ways
@cut_or_silent
@pytest.mark.parametrize("what", [ACCEPT, DONE], ids=["accept", "finish"])
def test_delivery_with_a_lost_answer_is_processed_once(
    proxy: Proxy, receive: Receive, what: bytes, *, silently: bool
) -> None:
    with closing(RedisStore(proxy.url)) as store:
        shop = Shop(store)
        receive(shop, shop.make())
        made = shop.make()
        proxy.lose_answer(what, silently=silently)
        assert receive(shop, made).outcome is Outcome.PROCESSED
        assert receive(shop, made).outcome is Outcome.DUPLICATE
    assert proxy.lost == 1
    assert set(shop.ran.values()) == {1}


@both_ways
def test_duplicate_with_a_lost_answer_is_a_duplicate(proxy: Proxy, receive: Receive) -> None:
    with closing(RedisStore(proxy.url)) as store:
        shop = Shop(store)
        made = shop.make()
        receive(shop, made)
        proxy.lose_answer(ACCEPT)
        assert receive(shop, made).outcome is Outcome.DUPLICATE
    assert proxy.lost == 1


@both_ways
def test_failure_with_a_lost_answer_is_retried(proxy: Proxy, receive: Receive) -> None:
    def fail() -> None:
        if shop.ran.total() == 1:
            raise ValueError

    with closing(RedisStore(proxy.url)) as store:
        shop = Shop(store, on_run=fail)
        made = shop.make()
        proxy.lose_answer(FAILED)
        assert receive(shop, made).outcome is Outcome.HANDLER_FAILED
        assert receive(shop, made).outcome is Outcome.PROCESSED
    assert proxy.lost == 1
    assert set(shop.ran.values()) == {2}


@both_ways
def test_delivery_with_two_lost_answers_runs_after_its_lease(
    proxy: Proxy, receive: Receive
) -> None:
    with closing(RedisStore(proxy.url, lease=timedelta(seconds=0.5))) as store:
        shop = Shop(store, timeout=timedelta(seconds=0.4))
        made = shop.make()
        receive(shop, shop.make())
        proxy.lose_answer(ACCEPT)
        proxy.lose_answer(ACCEPT)
        assert receive(shop, made).outcome is Outcome.UNAVAILABLE
        result = receive(shop, made)
        assert (result.outcome, retry_after(result)) == (Outcome.IN_PROGRESS, 1)
        eventually(lambda: receive(shop, made).outcome is Outcome.PROCESSED)
    assert set(shop.ran.values()) == {1}


@pytest.mark.parametrize("what", [ACCEPT, DONE], ids=["accept", "finish"])
def test_batch_with_lost_answers_is_processed_once(proxy: Proxy, what: bytes) -> None:
    def at_once(shop: Shop, each: SignedDelivery) -> Awaitable[Reply]:
        return shop.areceive(each)

    async def program() -> None:
        store = RedisStore(proxy.url)
        shop = Shop(store, asynchronous=True)
        await shop.areceive()
        proxy.lose_answer(what)
        made = [shop.make() for _ in range(50)]
        replies = await asyncio.gather(*(at_once(shop, each) for each in made))
        assert {reply.outcome for reply in replies} == {Outcome.PROCESSED}
        again = await asyncio.gather(*(at_once(shop, each) for each in made))
        assert {reply.outcome for reply in again} == {Outcome.DUPLICATE}
        assert set(shop.ran.values()) == {1}
        await store.aclose()

    asyncio.run(program())
    assert proxy.lost == 1
