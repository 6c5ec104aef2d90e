"""Addresses of servers in messages: the server that is meant, without a password."""

from __future__ import annotations

from typing import Any

import pytest
import redis
import redis.asyncio
import redis.asyncio.sentinel
import redis.sentinel
from redis.exceptions import ReadOnlyError, ResponseError

from florentin_webhooks import RedisStore
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.redis.addresses import (
    display_url,
    normalize_address,
    to_unavailable,
    unavailable_at,
)
from florentin_webhooks.redis.clients import new_client

URLS = {
    "redis://u:p@db.example:6380/2": "redis://db.example:6380/2",
    "rediss://:p@db.example/2": "rediss://db.example/2",
    "redis://db.example?db=3&password=p": "redis://db.example?db=3",
    "unix://u:p@/run/redis.sock?db=1": "unix:///run/redis.sock?db=1",
}


@pytest.mark.parametrize("url", URLS)
def test_address_of_a_url_has_no_password(url: str) -> None:
    assert display_url(url) == URLS[url]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://u:p@db", "redis://db:6379/0"),
        ("rediss://db:1/2", "rediss://db:1/2"),
        ("unix://u:p@/run/redis.sock", "unix:///run/redis.sock"),
        ("redis+sentinel://u:p@one,two/shop", "redis+sentinel://one,two/shop"),
        ("redis+cluster://u:p@one:7000,two", "redis+cluster://one:7000,two"),
    ],
)
def test_normalized_address_has_its_port_and_database(url: str, expected: str) -> None:
    assert normalize_address(url) == expected


def test_normalized_address_of_a_client_is_its_own() -> None:
    assert normalize_address(redis.Redis(host="db")) == "redis://db:6379/0"


def test_address_of_a_client_is_its_server() -> None:
    build: Any = redis.Redis  # Untyped in redis-py.
    assert display_url(build(host="db", port=6380, db=2)) == "redis://db:6380/2"
    assert display_url(build(host="db", ssl=True)) == "rediss://db:6379/0"
    assert display_url(build(unix_socket_path="/run/r.sock", db=1)) == "unix:///run/r.sock?db=1"
    assert display_url(redis.asyncio.Redis(host="db", ssl=True)) == "rediss://db:6379/0"


def sentinel_client(room: Any) -> Any:
    nodes = [("one", 26379), ("two", 26380)]
    return room.Sentinel(nodes, socket_timeout=0.1).master_for("shop", db=2, password="p")


@pytest.mark.parametrize("room", [redis.sentinel, redis.asyncio.sentinel])
def test_address_of_sentinel_names_its_nodes_and_the_service(room: Any) -> None:
    store = RedisStore(sentinel_client(room))
    assert store.address == "redis+sentinel://one:26379,two:26380/shop/2"


def test_address_of_sentinel_over_tls_has_its_scheme() -> None:
    client = new_client("rediss+sentinel://one/shop/2")
    assert display_url(client) == "rediss+sentinel://one:26379/shop/2"


def test_server_that_is_too_old_is_a_wrong_configuration() -> None:
    error = unavailable_at("redis://db:6379/0", ResponseError("unknown command `HELLO`"))
    assert isinstance(error, ConfigurationError)
    assert unavailable_at("redis://another", error) is error


def test_worker_of_sentinel_has_the_same_address() -> None:
    client = sentinel_client(redis.sentinel)
    assert display_url(new_client(client)) == "redis+sentinel://one:26379,two:26380/shop/2"


def test_refusal_names_server_code_and_remedy() -> None:
    pool = redis.ConnectionPool(host="db", password="secret")
    error = to_unavailable(ReadOnlyError("the secret"), pool)
    assert error.message == "Redis at redis://db:6379/0 refuses commands (READONLY)."
    assert error.hint.startswith("It is a replica")
