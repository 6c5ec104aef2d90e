"""Keys in Redis after many deliveries, and warnings about its settings."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis

from florentin_webhooks import RedisStore
from florentin_webhooks.core.stores.base import Operation
from florentin_webhooks.core.stores.guards import GuardStep, Latest
from florentin_webhooks.protocol.fingerprint import fingerprint
from florentin_webhooks.redis.embedded_server import EmbeddedServer
from tests.support.operations import queued
from tests.support.shop import Shop
from tests.support.stores import accept, content, finish

ALLOWED_BYTES = 320
REMEMBERED = 20_000


@pytest.fixture
def own(directory: Path) -> Iterator[redis.Redis]:
    """A server of our own, in which nothing is measured but what a test does."""
    with EmbeddedServer(directory) as server, redis.Redis.from_url(server.url) as client:
        client.config_set("appendonly", "no")
        yield client


def url_of(client: redis.Redis) -> str:
    return f"unix://{client.connection_pool.connection_kwargs['path']}"


def remember(store: RedisStore, count: int) -> None:
    """Accept and finish *count* deliveries, few at a time, within their lease."""

    async def one(number: int) -> None:
        body, token = content(number), os.urandom(8)
        await store.aexecute(accept(body, token=token, under=f"id-{number}"))
        await store.aexecute(finish(body, token=token))

    async def all_of_them() -> None:
        for first in range(0, count, 50):
            await asyncio.gather(*(one(first + number) for number in range(min(50, count))))
        await store.aclose()

    asyncio.run(all_of_them())


def commands(client: redis.Redis) -> int:
    counts: Mapping[str, Mapping[str, int]] = client.info("commandstats")
    outside = ("cmdstat_info", "cmdstat_eval", "cmdstat_evalsha")
    return sum(each["calls"] for name, each in counts.items() if name not in outside)


def test_delivery_takes_few_commands(own: redis.Redis) -> None:
    # Each takes a twentieth of Redis' time for a delivery.
    taken: list[int] = []
    plain = [number for number in range(9) if fingerprint(content(number))[0] % 8]
    with closing(RedisStore(url_of(own))) as store:
        for number in plain[:3]:  # The first ones create what all deliveries share.
            body, other = content(number), content(100 + number)
            operations: list[Operation[Any]] = [  # Any: of each its own answer.
                accept(body, under=f"id-{number}"),
                finish(body, handler="m:bill"),
                queued(other, under=f"other-{number}"),
            ]
            for asked in operations:
                before = commands(own)
                store.execute(asked)
                taken.append(commands(own) - before)
    # One of seven is for deliveries that come late, as those of tests.
    assert taken[-3:] == [7, 4, 7]


def test_finished_delivery_takes_few_bytes(own: redis.Redis) -> None:
    store = RedisStore(url_of(own))
    remember(store, 1)  # So that the scripts and the first tables are no part of it.
    own.flushall()
    before = own.info("memory")["used_memory"]
    remember(store, REMEMBERED)
    used = own.info("memory")["used_memory"] - before
    assert own.dbsize() == 2 * REMEMBERED + 2  # The log, and the newest that are done.
    assert used / REMEMBERED <= ALLOWED_BYTES


def keys_after_a_thousand(url: str, prefix: str) -> list[bytes]:
    with closing(RedisStore(url, prefix=prefix)) as store, redis.Redis.from_url(url) as client:
        shop = Shop(store)
        for number in range(1000):
            made = shop.make()
            hostile = f"{number} ../{'x' * 100}"
            shop.receive(made._replace(headers={**made.headers, "X-Other": hostile}))
        return [bytes(key) for key in client.scan_iter(count=1000)]


def test_keys_have_the_prefix_a_bounded_length_and_no_payload(
    redis_url: str, redis_prefix: str
) -> None:
    keys = keys_after_a_thousand(redis_url, redis_prefix)
    assert len(keys) == 2002
    assert {key[: len(redis_prefix)] for key in keys} == {redis_prefix.encode()}
    assert max(len(key) for key in keys) == len(redis_prefix) + 17
    assert not any(b"invoice" in key or b"INV-" in key for key in keys)


def test_every_key_expires(redis_url: str, redis_prefix: str) -> None:
    keys = keys_after_a_thousand(redis_url, redis_prefix)
    month = 30 * 24 * 3600 * 1000
    with redis.Redis.from_url(redis_url) as client, client.pipeline(transaction=False) as pipe:
        for key in keys:
            pipe.pttl(key)
        assert all(0 < left <= month for left in pipe.execute())


@pytest.mark.parametrize(("fresh", "valid"), [(False, True), (True, False), (True, True)])
def test_unfinished_records_expire(
    redis_url: str, redis_prefix: str, *, fresh: bool, valid: bool
) -> None:
    with closing(RedisStore(redis_url, prefix=redis_prefix)) as store:
        store.execute(accept(content(), fresh=fresh, valid=valid))
    with redis.Redis.from_url(redis_url) as client:
        month = 30 * 24 * 3600 * 1000
        assert all(0 < client.pttl(key) <= month for key in client.scan_iter())


@pytest.mark.parametrize("step", [GuardStep.DONE, GuardStep.RELEASE])
def test_high_water_mark_expires(redis_url: str, redis_prefix: str, step: GuardStep) -> None:
    with closing(RedisStore(redis_url, prefix=redis_prefix)) as store:
        for each in (GuardStep.BEGIN, step):
            store.execute(Latest(b"entity", 20, b"token", each, 60))
    with redis.Redis.from_url(redis_url) as client:
        left = [client.pttl(key) for key in client.scan_iter(match=f"{redis_prefix}*")]
    assert all(0 < each <= 30 * 24 * 3600 * 1000 for each in left)
    assert len(left) == (step is GuardStep.DONE)


def test_delivery_id_with_ever_new_content_stays_small(redis_url: str, redis_prefix: str) -> None:
    with closing(RedisStore(redis_url, prefix=redis_prefix)) as store:
        for number in range(100):
            store.execute(accept(content(number)))
    with redis.Redis.from_url(redis_url) as client:
        (key,) = client.scan_iter(match=f"{redis_prefix}i*")
        assert client.strlen(key) == 16 * 32


@contextmanager
def server(directory: Path, options: Mapping[str, str]) -> Iterator[str]:
    with EmbeddedServer(directory, options=options) as started:
        yield started.url


def ask_both_ways(url: str) -> None:
    """Use one store in both ways, and another with asyncio first."""
    for is_asyncio_first in (False, True):
        store = RedisStore(url)
        if is_asyncio_first:
            remember(store, 2)
        store.execute(accept(content()))
        store.execute(finish(content()))
        remember(store, 2)
        store.close()


def test_eviction_policy_is_logged_as_an_error(
    directory: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with server(directory, {"maxmemory": "20mb", "maxmemory-policy": "allkeys-lru"}) as url:
        ask_both_ways(url)
    errors = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert ["allkeys-lru" in each.getMessage() for each in errors] == [True, True]


def test_eviction_policy_without_a_limit_is_not_logged(
    directory: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with server(directory, {"maxmemory": "0", "maxmemory-policy": "allkeys-lru"}) as url:
        ask_both_ways(url)
    assert caplog.records == []


def test_missing_append_only_file_is_logged_as_a_warning(
    directory: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with server(directory, {"appendonly": "no"}) as url:
        ask_both_ways(url)
    assert {each.levelno for each in caplog.records} == {logging.WARNING}
    assert caplog.text.count("Set appendonly yes") == 2  # Once for each store.


def test_refused_info_is_logged_as_a_warning(
    directory: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with server(directory, {}) as url:
        with redis.Redis.from_url(url) as client:
            client.acl_setuser(
                "hooks",
                enabled=True,
                passwords=["+hunter2"],
                keys=["*"],
                categories=["+@all"],
                commands=["-info"],
            )
        ask_both_ways(url.replace("unix://", "unix://hooks:hunter2@"))
    assert caplog.text.count("Redis refuses INFO") == 2


def test_durable_server_is_not_logged(directory: Path, caplog: pytest.LogCaptureFixture) -> None:
    with server(directory, {}) as url:
        ask_both_ways(url)
    assert caplog.records == []
