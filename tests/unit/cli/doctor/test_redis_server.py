"""Each way in which a Redis server loses deliveries, or cannot be used, is found and named."""

from __future__ import annotations

from dataclasses import replace

import pytest

from florentin_webhooks.cli.doctor.redis_server import check_server
from florentin_webhooks.redis.failures import Failure
from florentin_webhooks.redis.inspection import ServerFacts

INFO = {"redis_version": "8.2.3", "role": "master", "aof_enabled": 1, "connected_slaves": 0}
SETTINGS = {"appendonly": "yes", "maxmemory-policy": "noeviction"}
SOUND = ServerFacts("redis://shop/0", None, "", INFO, SETTINGS, 0.1, ())


def info(**changes: object) -> ServerFacts:
    return replace(SOUND, info={**INFO, **changes}, settings={})


def failed(failure: Failure, detail: str = "") -> ServerFacts:
    return ServerFacts("redis://shop/0", failure, detail)


MISTAKES = [
    (failed(Failure.PASSWORD, "AuthenticationError"), "fail redis-password", "user and password"),
    (failed(Failure.TLS, "certificate has expired"), "fail redis-tls", "rediss://"),
    (failed(Failure.ADDRESS, "gaierror"), "fail redis-address", "name of the host"),
    (failed(Failure.UNREACHABLE), "fail redis-unreachable", "Start the server"),
    (failed(Failure.RIGHTS), "fail redis-rights", "+eval"),
    (failed(Failure.OTHER), "fail redis-other", "Redis or Valkey"),
    (failed(Failure.REFUSED, "READONLY"), "fail redis-refuses", "leads to the primary"),
    (failed(Failure.REFUSED, "LOADING"), "fail redis-refuses", "wait"),
    (info(redis_version="5.0.14"), "fail redis-version", "Redis 7.0 or Valkey 7.2"),
    (info(redis_version="6.2.14"), "warn redis-version", "Redis 7.0 or Valkey 7.2"),
    (info(role="slave"), "fail redis-replica", "URL of the primary"),
    (info(cluster_enabled=1), "fail redis-cluster", "redis+cluster://"),
    (
        replace(SOUND, tag="{fl:03}", settings={"cluster-require-full-coverage": "yes"}),
        "warn redis-coverage",
        "cluster-require-full-coverage no",
    ),
    (info(aof_enabled=0), "warn redis-persistence", "appendonly yes"),
    (
        replace(SOUND, settings={**SETTINGS, "appendfsync": "no"}),
        "warn redis-persistence",
        "appendfsync everysec",
    ),
    (info(aof_last_write_status="err"), "fail redis-disk", "space on its disk"),
    (
        info(maxmemory=10, maxmemory_policy="allkeys-lru"),
        "fail redis-eviction",
        "maxmemory-policy noeviction",
    ),
    (
        info(evicted_keys=7, maxmemory_policy="noeviction"),
        "warn redis-eviction",
        "Replay the deliveries",
    ),
    (info(maxmemory=100, used_memory=95), "warn redis-memory", "Raise maxmemory"),
    (
        replace(SOUND, info={**INFO, "connected_slaves": 2}),
        "warn redis-replicas",
        "min-replicas-to-write 1",
    ),
    (replace(SOUND, replicas=1), "fail redis-replicas", "lower RedisStore(replicas)"),
    (replace(SOUND, ahead=-61.0), "warn clock", "Synchronise"),
    (replace(SOUND, denied=("EVALSHA", "HSET")), "fail redis-rights", "+evalsha +hset"),
]


@pytest.mark.parametrize(("facts", "expected", "fix"), MISTAKES)
def test_mistake_is_found_with_its_fix(facts: ServerFacts, expected: str, fix: str) -> None:
    state, name = expected.split()
    check = next(each for each in check_server(facts) if each.name == name)
    assert check.state == state
    assert fix in check.hint


def test_sound_server_has_no_finding() -> None:
    assert [check.state.value for check in check_server(SOUND)] == ["ok"]


def test_server_without_eviction_limit_keeps_everything() -> None:
    facts = info(maxmemory=0, maxmemory_policy="allkeys-lru")
    assert not any(check.name == "redis-eviction" for check in check_server(facts))


def test_what_a_user_may_not_read_is_skipped() -> None:
    checks = check_server(ServerFacts("redis://shop/0"))
    states = {check.name: check.state.value for check in checks}
    assert states == {
        "redis": "ok",
        "redis-info": "skipped",
        "redis-persistence": "skipped",
        "redis-eviction": "skipped",
        "redis-rights": "skipped",
    }
