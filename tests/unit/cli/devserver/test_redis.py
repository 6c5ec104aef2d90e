"""A configured Redis must answer; its password is never shown."""

from __future__ import annotations

import pytest

from florentin_webhooks.cli.devserver.redis import check_redis
from florentin_webhooks.cli.errors import StoreUnavailable, UsageError


def test_answering_redis_is_accepted(redis_url: str) -> None:
    check_redis(redis_url)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://user:password@127.0.0.1:1/0", "redis://127.0.0.1:1/0"),
        ("unix:///nowhere/redis.sock", "unix:///nowhere/redis.sock"),
    ],
)
def test_unreachable_redis_is_named_without_password(url: str, address: str) -> None:
    with pytest.raises(StoreUnavailable) as raised:
        check_redis(url)
    assert f"Redis at {address} does not answer (" in raised.value.message
    assert "password" not in str(raised.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1", "localhost:6379"])
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(UsageError, match="is not a redis://, rediss:// or unix:// URL"):
        check_redis(url)


def test_cluster_is_asked_as_one_server_is() -> None:
    with pytest.raises(StoreUnavailable, match=r"127\.0\.0\.1:1 does not answer"):
        check_redis("redis+cluster://127.0.0.1:1")
    with pytest.raises(UsageError, match="host that is empty or invalid"):
        check_redis("redis+cluster://")


def test_sentinel_is_asked_as_one_server_is() -> None:
    with pytest.raises(StoreUnavailable, match="none of its Sentinels answers"):
        check_redis("redis+sentinel://127.0.0.1:1/shop")
    with pytest.raises(UsageError, match="no name of a service"):
        check_redis("redis+sentinel://127.0.0.1:1")
