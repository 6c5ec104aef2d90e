"""What a store refuses to be given, and what it warns of, before the first delivery."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest
import redis
import redis.asyncio

from florentin_webhooks import RedisStore
from florentin_webhooks.errors import ConfigurationError


@pytest.mark.parametrize(
    "unfit",
    [
        redis.Redis(decode_responses=True),
        redis.asyncio.Redis(decode_responses=True),
        "redis://localhost/0?decode_responses=true",
    ],
)
def test_client_that_decodes_is_refused(unfit: str) -> None:
    with pytest.raises(ConfigurationError, match="Drop decode_responses"):
        RedisStore(unfit)


def test_prefix_other_than_a_text_is_refused() -> None:
    unfit: Any = b"fl:"
    with pytest.raises(ConfigurationError, match="prefix is b'fl:'"):
        RedisStore("redis://localhost:1/0", prefix=unfit)


@pytest.mark.parametrize("unfit", [None, 6379, object()])
def test_object_other_than_a_client_is_refused(unfit: str) -> None:
    with pytest.raises(ConfigurationError, match="takes a URL or a client of one server"):
        RedisStore(unfit)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:6379",
        "http://localhost:6379",
        "redis://localhost:port/0",
        "redis://[::1:6379/0",
        f"redis://{'a' * 70}/0",
        "redis://localhost/0?unknown=1",
        "redis://localhost/0?protocol=9",
        "rediss://localhost/0?ssl_cert_reqs=perhaps",
    ],
)
def test_invalid_url_is_refused_at_once(url: str) -> None:
    with pytest.raises(ConfigurationError, match="The Redis URL is invalid, or has an option"):
        RedisStore(url)


@pytest.mark.parametrize("database", ["shop", "-1", "0.5"])
def test_database_that_is_not_a_number_is_refused(database: str) -> None:
    with pytest.raises(ConfigurationError, match="has a database that is not a number"):
        RedisStore(f"redis://localhost/{database}")  # redis-py would take 0.


@pytest.mark.parametrize(
    "url",
    [
        "redis://user:hunter2-hunter2@localhost:port/0",
        "redis://user:1/hunter2@localhost:6379/0",
        "redis+cluster://user:1/hunter2@localhost:6379",
        "redis+sentinel://user:1/hunter2@localhost:6379",
        "redis+sentinel://user:1/2/hunter2@localhost:6379/service/0",
    ],
)
def test_invalid_url_is_not_quoted(url: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        RedisStore(url)
    assert "hunter2" not in f"{refused.value!r} {refused.value.__context__!r}"


@pytest.mark.parametrize(
    "slow",
    [
        redis.Redis(socket_timeout=5),
        redis.Redis(socket_timeout=None),
        redis.asyncio.Redis(socket_timeout=5),
        "redis://localhost/0?socket_timeout=5",
    ],
)
def test_client_with_a_long_timeout_is_warned_about(
    slow: str, caplog: pytest.LogCaptureFixture
) -> None:
    RedisStore(slow)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "Set socket_timeout to 1 or less" in caplog.text


@pytest.mark.parametrize(
    "fit", ["redis://localhost/0", "redis://localhost/0?protocol=2", redis.Redis(socket_timeout=1)]
)
def test_client_with_a_short_timeout_is_not_warned_about(
    fit: str, caplog: pytest.LogCaptureFixture
) -> None:
    RedisStore(fit)
    assert caplog.records == []


def test_unfinished_retention_shorter_than_retention_is_invalid() -> None:
    with pytest.raises(ConfigurationError, match="Raise unfinished_retention"):
        RedisStore("redis://localhost", unfinished_retention=timedelta(hours=1))


def test_keep_is_the_deprecated_name_of_unfinished_retention() -> None:
    with pytest.warns(DeprecationWarning, match="keep was renamed to unfinished_retention"):
        store = RedisStore("redis://localhost", keep=timedelta(days=2))
    assert store.unfinished_retention == timedelta(days=2)
