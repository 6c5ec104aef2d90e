"""Connections of clients: closed where no thread has them."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import redis
from redis.exceptions import RedisError

from florentin_webhooks import RedisStore
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.redis.clients import close_free
from florentin_webhooks.redis.failures import describe_failure

if TYPE_CHECKING:
    from collections.abc import Callable


class Connection:
    """A connection without a server."""

    def __init__(self, **_: object) -> None:
        self.is_open = False
        self.pid = os.getpid()

    def connect(self) -> None:
        self.is_open = True

    def disconnect(self) -> None:
        self.is_open = False

    def can_read(self) -> bool:
        return False

    def should_reconnect(self) -> bool:
        return False

    def re_auth(self) -> None:
        pass


@pytest.mark.parametrize("kind", [redis.ConnectionPool, redis.BlockingConnectionPool])
def test_connections_that_threads_have_stay_open(kind: type[Any]) -> None:
    pool = kind(connection_class=Connection, max_connections=3)
    busy, free = pool.get_connection(), pool.get_connection()
    pool.release(free)
    close_free(pool)
    assert (busy.is_open, free.is_open) == (True, False)
    assert pool.get_connection() is free
    assert free.is_open
    pool.release(busy)
    assert pool.get_connection() is busy


@pytest.mark.parametrize(
    "kind", [redis.ConnectionPool, partial(redis.BlockingConnectionPool, timeout=0)]
)
def test_used_up_pool_is_not_blamed_on_the_server(kind: Callable[..., Any]) -> None:
    pool = kind(connection_class=Connection, max_connections=1)
    pool.get_connection()
    with pytest.raises(RedisError) as caught:
        pool.get_connection()
    message, hint = describe_failure("redis://db:6379/0", caught.value)
    assert message.endswith("was not asked, since all connections of its client were in use.")
    assert "BlockingConnectionPool" in hint


@pytest.mark.parametrize(
    ("url", "message", "hint"),
    [
        ("socket_timeot=3", "has the unknown option 'socket_timeot'", "mean 'socket_timeout'?"),
        ("timeout=1", "has the unknown option 'timeout'", "Did you mean"),  # Of pools that block.
        ("socket_timeout=soon", "an invalid value of its option 'socket_timeout'", "drop the"),
        ("made=1", "is invalid, or has an option that", "Write it as redis://"),
        ("ssl_ca_certs=/x", "has the unknown option 'ssl_ca_certs'", "need rediss://"),
    ],
)
def test_invalid_option_of_a_url_is_named(url: str, message: str, hint: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        RedisStore(f"redis://h/0?{url}")
    assert message in raised.value.message
    assert hint in raised.value.hint
    assert "made" not in str(raised.value)


@pytest.mark.parametrize(
    "url", ["redis://:made?up=1@h/0", "redis://user?ssl_made=1@h/0", "redis://h:66666/0"]
)
def test_part_of_a_password_is_not_named_as_an_option(url: str) -> None:
    with pytest.raises(ConfigurationError, match="is invalid, or has an option that") as raised:
        RedisStore(url)
    assert "made" not in str(raised.value)
