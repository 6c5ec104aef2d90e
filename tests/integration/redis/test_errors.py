"""Errors of the server: a 503, never another exception, and never its password."""

from __future__ import annotations

import traceback
from contextlib import closing

import pytest

from florentin_webhooks import RedisStore, Reply
from tests.support.proxy import Proxy
from tests.support.shop import SECRET, Receive, Shop, assert_unavailable, both_ways

ERRORS = [
    "READONLY You can't write against a read only replica.",
    "LOADING Redis is loading the dataset in memory",
    "NOAUTH Authentication required.",
    "WRONGPASS invalid username-password pair or user is disabled.",
    "NOPERM User hooks has no permissions to run the 'evalsha' command",
    "MISCONF Redis is configured to save RDB snapshots, but it's unable to persist to disk.",
    "WRONGTYPE Operation against a key holding the wrong kind of value",
    "CLUSTERDOWN The cluster is down",
    "MOVED 3999 127.0.0.1:6381",
    "TRYAGAIN Multiple keys request during rehashing of slot",
    "CROSSSLOT Keys in request don't hash to the same slot",
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    "NOREPLICAS Not enough good replicas to write.",
    "OOM command not allowed when used memory > 'maxmemory'.",
    "BUSY Redis is busy running a script.",
    "NOSCRIPT No matching script.",
    "ERR unknown command 'EVALSHA'",
    "UNHEARD-OF an unknown error",
]


@both_ways
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.partition(" ")[0])
@pytest.mark.parametrize("what", [b"EVALSHA", b"done"], ids=["accept", "finish"])
def test_every_server_error_is_unavailable(
    redis_url: str, receive: Receive, error: str, what: bytes
) -> None:
    with (
        Proxy(redis_url) as proxy,
        closing(RedisStore(proxy.url)) as store,
    ):
        proxy.refuse(b"EVAL" if error.startswith("NOSCRIPT") else what, error)
        assert_unavailable(receive(Shop(store)))


@both_ways
def test_password_of_an_unreachable_server_is_shown_nowhere(
    receive: Receive, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    store = RedisStore("redis://hooks:hunter2@127.0.0.1:1/0")
    assert_no_password(receive(Shop(store)), caplog)


@both_ways
def test_refused_password_is_shown_nowhere(
    redis_url: str, receive: Receive, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    with closing(RedisStore(redis_url.replace("//", "//hooks:hunter2@", 1))) as store:
        assert_no_password(receive(Shop(store)), caplog)
        assert "hunter2" not in repr(store)


def assert_no_password(reply: Reply, log: pytest.LogCaptureFixture) -> None:
    assert_unavailable(reply)
    assert reply.error is not None
    result = "".join(traceback.format_exception(reply.error)) + log.text + repr(reply)
    assert "hunter2" not in result
    assert SECRET not in result
