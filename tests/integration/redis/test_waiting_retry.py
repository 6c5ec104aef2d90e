"""A worker's client behind a load balancer that accepts connections and has no server for them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from redis.exceptions import AuthenticationError
from redis.exceptions import ConnectionError as RedisConnectionError

from florentin_webhooks.redis.waiting_retry import WaitingRetry
from tests.support.proxy import Cut, Proxy
from tests.support.waiting import eventually


@pytest.fixture
def balancer(redis_url: str) -> Iterator[Proxy]:
    with Proxy(redis_url) as proxy:
        yield proxy


@pytest.fixture
def retry() -> WaitingRetry:
    return WaitingRetry("redis://balancer", 1)  # A lost connection fails in the first attempt.


@pytest.fixture
def client(balancer: Proxy, retry: WaitingRetry) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(balancer.url) as client:
        client.set_retry(retry)
        retry.keep_opening(client.connection_pool)
        yield client


@pytest.mark.parametrize("connected", [False, True], ids=["new", "lost"])
def test_reset_handshake_is_waited_for(
    client: redis.Redis, balancer: Proxy, caplog: pytest.LogCaptureFixture, *, connected: bool
) -> None:
    if connected:
        client.ping()
    with ThreadPoolExecutor() as threads:
        with balancer.cutting(Cut.RESET):
            answer = threads.submit(client.ping)
            eventually(lambda: "is away, and the worker waits" in caplog.text)
        assert answer.result()
    assert "accepts commands again" in caplog.text


def test_reset_handshake_ends_a_worker_that_must_stop(
    client: redis.Redis, balancer: Proxy, retry: WaitingRetry
) -> None:
    retry.end()
    with balancer.cutting(Cut.RESET), pytest.raises(RedisConnectionError):
        client.ping()


def test_wrong_password_is_not_waited_for(balancer: Proxy, retry: WaitingRetry) -> None:
    balancer.refuse(b"AUTH", "WRONGPASS invalid username-password pair")
    client = redis.Redis.from_url(balancer.url, password="made-up", retry=retry)
    with client, pytest.raises(AuthenticationError):
        client.ping()
