"""Web processes behind a proxy that loses its server: answers in time, and no restart."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from threading import Timer
from typing import Any

import pytest
import redis
import redis.asyncio

from florentin_webhooks import Delivery, Receiver, RedisStore, Reply
from florentin_webhooks.core.health import health
from florentin_webhooks.core.stores import base
from florentin_webhooks.testing import Provider
from tests.support.proxy import Cut, Proxy
from tests.support.shop import SECRET
from tests.support.waiting import assert_below, seconds_of

BOUND = 2.0
"""Seconds for each answer to the sender."""
Send = Callable[[Receiver[Any]], Reply]

cuts = pytest.mark.parametrize("cut", list(Cut))


def send(hooks: Receiver[Any]) -> Reply:
    return hooks.receive(*Provider(SECRET).make("user.login"))


def send_asyncio(hooks: Receiver[Any]) -> Reply:
    async def program() -> Reply:
        # Without a bound of its own, a test that fails would never end.
        async with asyncio.timeout(10):
            return await hooks.areceive(*Provider(SECRET).make("user.login"))

    return asyncio.run(program())


BOTH = pytest.mark.parametrize("send", [send, send_asyncio], ids=["sync", "asyncio"])


@pytest.fixture
def proxy(redis_url: str) -> Iterator[Proxy]:
    with Proxy(redis_url) as opened:
        yield opened


def receiver(store: RedisStore) -> Receiver[Any]:
    hooks: Receiver[Any] = Receiver(SECRET, store=store)
    hooks.on("user.login", inline=True)(lambda _: None)
    return hooks


def assert_unavailable(hooks: Receiver[Any], send: Send) -> None:
    def unavailable() -> None:
        assert send(hooks).status == 503

    assert_below(BOUND, lambda: seconds_of(unavailable))


@cuts
@BOTH
def test_sender_is_answered_in_time_while_redis_is_away(
    proxy: Proxy, redis_prefix: str, send: Send, cut: Cut
) -> None:
    with closing(RedisStore(proxy.url, prefix=redis_prefix)) as store:
        hooks = receiver(store)
        assert send(hooks).status == 200
        with proxy.cutting(cut):
            assert_unavailable(hooks, send)
            assert not health(hooks).ready
        assert send(hooks).status == 200
        assert health(hooks).ready


@BOTH
@pytest.mark.parametrize("cut", [Cut.RESET, Cut.MUTE])
def test_replicas_of_a_silent_server_are_not_waited_for(
    proxy: Proxy, redis_prefix: str, send: Send, cut: Cut
) -> None:
    store = RedisStore(proxy.url, prefix=redis_prefix, replicas=1)
    with closing(store), proxy.cutting(cut):
        assert_unavailable(receiver(store), send)


CLIENTS: dict[str, Callable[[str], Any]] = {
    "single": lambda url: redis.Redis.from_url(
        url, socket_timeout=0.4, single_connection_client=True
    ),
    "protocol 2": lambda url: redis.Redis.from_url(url, socket_timeout=0.4, protocol=2),
    "blocking": lambda url: redis.Redis(
        connection_pool=redis.BlockingConnectionPool.from_url(
            url, socket_timeout=0.4, max_connections=1, timeout=1
        )
    ),
}


@pytest.mark.parametrize("client", CLIENTS.values(), ids=CLIENTS)
def test_client_of_the_user_recovers_from_silence(
    proxy: Proxy, redis_prefix: str, client: Callable[[str], Any]
) -> None:
    with client(proxy.url) as opened:
        hooks = receiver(RedisStore(opened, prefix=redis_prefix))
        assert send(hooks).status == 200
        with proxy.cutting(Cut.HALF):
            assert_unavailable(hooks, send)
        assert send(hooks).status == 200


def handle_plainly(hooks: Receiver[Any], effect: Callable[[], object]) -> None:
    hooks.on("user.login", inline=True)(lambda _: effect())


def handle_once(hooks: Receiver[Any], effect: Callable[[], object]) -> None:
    def handler(_: object, delivery: Delivery) -> None:
        with delivery.once("mail"):
            effect()

    hooks.on("user.login", inline=True)(handler)


def handle_once_async(hooks: Receiver[Any], effect: Callable[[], object]) -> None:
    async def handler(_: object, delivery: Delivery) -> None:
        async with delivery.once("mail"):
            effect()

    hooks.on("user.login", inline=True)(handler)


def handle_latest(hooks: Receiver[Any], effect: Callable[[], object]) -> None:
    hooks.on("user.login", inline=True, latest=lambda _: "one")(lambda _: effect())


def handle_first(hooks: Receiver[Any], effect: Callable[[], object]) -> None:
    handle_plainly(hooks, effect)
    hooks.on("user.login", inline=True)(print)


WAYS = [handle_plainly, handle_once, handle_once_async, handle_latest, handle_first]


@BOTH
@pytest.mark.parametrize("handle", WAYS)
def test_effect_is_recorded_after_a_short_restart(
    proxy: Proxy,
    redis_prefix: str,
    send: Send,
    handle: Callable[[Receiver[Any], Callable[[], object]], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(base, "_PATIENCE", 10)
    ran = list[str]()
    with closing(RedisStore(proxy.url, prefix=redis_prefix)) as store, ExitStack() as outage:

        def effect() -> None:
            ran.append("effect")
            outage.enter_context(proxy.cutting(Cut.RESET))
            Timer(0.3, outage.close).start()

        hooks: Receiver[Any] = Receiver(SECRET, store=store)
        handle(hooks, effect)
        assert send(hooks).status == 200
        assert ran == ["effect"]


@BOTH
def test_answers_that_arrive_byte_by_byte_are_read(
    proxy: Proxy, redis_prefix: str, send: Send
) -> None:
    proxy.drips = True
    with closing(RedisStore(proxy.url, prefix=redis_prefix)) as store:
        assert send(receiver(store)).status == 200
