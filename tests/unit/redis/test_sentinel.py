"""URLs of Sentinel: what they name, what they hide, and what is wrong with them."""

from __future__ import annotations

from typing import Any

import pytest
import redis
from redis.exceptions import AuthenticationError, RedisError
from redis.exceptions import ConnectionError as RedisConnectionError

from florentin_webhooks import Receiver, RedisStore
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.redis.clients import create_asyncio_client, create_sync_client, new_client
from florentin_webhooks.redis.failures import Failure, NoPrimaryError
from florentin_webhooks.redis.sentinel import (
    SentinelConnection,
    SentinelTLSConnection,
    create_sync_pool,
    parse_sentinel,
)

URL = "redis+sentinel://web:hidden@one:26379,two,[::1]:26380/shop/2?socket_timeout=0.3"
LOGIN = "&sentinel_username=guard&sentinel_password=covert"


def test_url_names_sentinels_service_and_logins() -> None:
    address = parse_sentinel(URL + LOGIN)
    assert [str(each) for each in address.sentinels] == ["one:26379", "two:26379", "[::1]:26380"]
    assert address.service == "shop"
    expected = {"username": "web", "password": "hidden", "db": 2, "socket_timeout": 0.3}
    assert {name: address.server[name] for name in expected} == expected
    assert address.sentinel == {"username": "guard", "password": "covert"}


def test_tls_is_for_the_primary_and_its_sentinels() -> None:
    address = parse_sentinel("rediss+sentinel://one/shop?ssl_ca_certs=ca.pem")
    for options in (address.server, address.sentinel):
        assert (options["ssl"], options["ssl_ca_certs"]) == (True, "ca.pem")


def test_passwords_are_hidden_in_addresses() -> None:
    url = URL.replace("socket_timeout=0.3", LOGIN[1:])
    shown = f"{parse_sentinel(url)!r} {RedisStore(url).address} {RedisStore(url).location}"
    assert "redis+sentinel://one:26379,two,[::1]:26380/shop/2" in shown
    assert not {word for word in ("hidden", "covert") if word in shown}


def test_every_client_asks_the_same_sentinels() -> None:
    pools: list[Any] = [
        create_sync_client(URL).connection_pool,
        create_asyncio_client(URL).connection_pool,
        new_client(URL).connection_pool,
    ]
    for pool in pools:
        assert pool.service_name == "shop"
        options = [
            each.connection_pool.connection_kwargs for each in pool.sentinel_manager.sentinels
        ]
        assert [each["host"] for each in options] == ["one", "two", "::1"]
        assert all(each["socket_timeout"] < 0.2 for each in options)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("redis+sentinel://one:26379", "no name of a service"),
        ("redis+sentinel://one:26379/", "no name of a service"),
        ("redis+sentinel:///shop", "a host that is empty or invalid"),
        ("redis+sentinel://one,,two/shop", "a host that is empty or invalid"),
        ("redis+sentinel://one:port/shop", "a host that is empty or invalid"),
        ("redis+sentinel://one/shop/first", "has a database that is not a number"),
        ("redis+sentinel://user:1/2@one/shop", "a password with a slash"),
        ("redis+sentinel://one/shop?socket_timeout=soon", "an option that is invalid"),
        ("redis+sentinel://one/shop?no_such_option=1", "an option that redis-py does not know"),
    ],
)
def test_invalid_url_is_refused_at_start(url: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        RedisStore(url)


@pytest.mark.parametrize(
    ("hosts", "seconds"), [("one", 0.2), ("one,two,three", 0.4 / 3), ("a,b,c,d,e,f", 0.1)]
)
def test_all_sentinels_share_one_wait(hosts: str, seconds: float) -> None:
    assert parse_sentinel(f"redis+sentinel://{hosts}/shop").wait == seconds


def answered(answer: object) -> Any:
    """Return a command of Sentinel that gives *answer*, or raises it."""

    def ask(*_: object, **__: object) -> object:
        if isinstance(answer, Exception):
            raise answer
        return answer

    return ask


REFUSALS = [
    ([RedisConnectionError()] * 3, Failure.SENTINELS),
    ([RedisConnectionError(), {}, {}], Failure.SERVICE),
    ([AuthenticationError("hidden"), RedisConnectionError(), {}], Failure.SENTINEL_PASSWORD),
]


def test_url_that_cannot_be_split_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="The URL of Sentinel is invalid"):
        parse_sentinel("redis+sentinel://[::1/shop")


@pytest.mark.parametrize("blocks", [True, False])
def test_pool_of_sentinel_waits_for_a_connection_on_request(blocks: bool) -> None:
    pool = create_sync_pool(URL, blocks=blocks)
    assert isinstance(pool, redis.BlockingConnectionPool) is blocks
    assert pool.connection_class is SentinelConnection
    assert (
        create_sync_pool(URL.replace("redis", "rediss")).connection_class is SentinelTLSConnection
    )


PRIMARY = {"ip": "db", "port": 7, "is_master": True, "is_sdown": False, "is_odown": False}


def test_primary_is_that_of_a_sentinel_that_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    pool: Any = create_sync_client(URL).connection_pool
    manager = pool.sentinel_manager
    known = {"shop": {**PRIMARY, "num-other-sentinels": 2}}
    answers = [RedisConnectionError(), known, known]
    for each, answer in zip(manager.sentinels, answers, strict=True):
        monkeypatch.setattr(each, "sentinel_masters", answered(answer))
    assert manager.discover_master("shop") == ("db", 7)


@pytest.mark.parametrize(("answers", "failure"), REFUSALS)
def test_service_without_a_primary_has_a_cause(
    answers: list[object], failure: Failure, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool: Any = create_sync_client(URL).connection_pool
    closed, manager = list[object](), pool.sentinel_manager
    for each, answer in zip(manager.sentinels, answers, strict=True):
        monkeypatch.setattr(each, "sentinel_masters", answered(answer))
        monkeypatch.setattr(each.connection_pool, "disconnect", lambda **how: closed.append(how))
    with pytest.raises(NoPrimaryError) as raised:
        manager.discover_master("shop")
    assert raised.value.failure is failure
    assert closed == [{"inuse_connections": False}] * 3  # Another thread may be asking.


@pytest.mark.anyio
@pytest.mark.parametrize(("answers", "failure"), REFUSALS)
async def test_service_without_a_primary_has_a_cause_in_asyncio(
    answers: list[object], failure: Failure, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool: Any = create_asyncio_client(URL).connection_pool
    closed, manager = list[object](), pool.sentinel_manager
    for each, answer in zip(manager.sentinels, answers, strict=True):

        async def ask(answer: object = answer) -> object:
            return answered(answer)()

        async def close(each: object = each) -> None:
            closed.append(each)

        monkeypatch.setattr(each, "sentinel_masters", ask)
        monkeypatch.setattr(each, "aclose", close)
    with pytest.raises(NoPrimaryError) as raised:
        await manager.discover_master("shop")
    assert raised.value.failure is failure
    assert closed == manager.sentinels


def test_connection_is_closed_where_its_answer_is_interrupted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pool: Any = create_sync_client(URL).connection_pool
    connection, closed = pool.make_connection(), list[None]()
    monkeypatch.setattr(connection, "disconnect", lambda *_, **__: closed.append(None))
    monkeypatch.setattr(connection._parser, "read_response", answered(RedisError("an alarm")))
    with pytest.raises(RedisError, match="an alarm"):
        connection.read_response()
    assert closed == [None]


@pytest.mark.parametrize("replicas", [-1, 1.5])
def test_number_of_replicas_is_validated(replicas: Any) -> None:
    with pytest.raises(ConfigurationError, match="replicas"):
        RedisStore("redis://one", replicas=replicas)


def test_environment_sets_sentinel_and_replicas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLORENTIN_WEBHOOK_SECRET", "a-made-up-secret-for-the-environment")
    monkeypatch.setenv("FLORENTIN_REDIS_URL", URL)
    monkeypatch.setenv("FLORENTIN_REPLICAS", "1")
    store = Receiver.from_env().store
    assert isinstance(store, RedisStore)
    assert store.address == "redis+sentinel://one:26379,two,[::1]:26380/shop/2"
    assert store.schema.replicas == 1
