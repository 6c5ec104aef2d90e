"""A worker's client behind a load balancer that accepts connections and has no server for them."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Thread

import pytest
import redis
from redis.exceptions import AuthenticationError
from redis.exceptions import ConnectionError as RedisConnectionError

from florentin_webhooks.redis.waiting_retry import WaitingRetry
from tests.support.proxy import Proxy
from tests.support.waiting import eventually


@pytest.fixture
def balancer(redis_url: str) -> Iterator[Proxy]:
    with Proxy(redis_url) as proxy:
        yield proxy


@pytest.fixture
def retry() -> WaitingRetry:
    return WaitingRetry("redis://balancer", 0)


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
    def restore() -> None:
        eventually(lambda: "is away, and the worker waits" in caplog.text)
        balancer.restore()

    if connected:
        client.ping()
    balancer.withdraw()
    thread = Thread(target=restore)
    thread.start()
    assert client.ping()
    thread.join()
    assert "accepts commands again" in caplog.text


def test_reset_handshake_ends_a_worker_that_must_stop(
    client: redis.Redis, balancer: Proxy, retry: WaitingRetry
) -> None:
    balancer.withdraw()
    retry.outlasts = False
    with pytest.raises(RedisConnectionError):
        client.ping()


def test_wrong_password_is_not_waited_for(balancer: Proxy, retry: WaitingRetry) -> None:
    balancer.refuse(b"AUTH", "WRONGPASS invalid username-password pair")
    client = redis.Redis.from_url(balancer.url, password="made-up", retry=retry)
    with client, pytest.raises(AuthenticationError):
        client.ping()
