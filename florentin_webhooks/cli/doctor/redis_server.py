"""Check what a Redis server says about itself: whether it answers, and keeps what it is given."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from florentin_webhooks.cli.doctor.check import Check, fail, ok, skipped, warn

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from florentin_webhooks.redis.inspection import ServerFacts

__all__ = ["check_server"]

_OLDEST, _TESTED = (6, 2), (7, 0)
_MOST_SECONDS = 30
_NEARLY_FULL = 0.9


def check_server(facts: ServerFacts) -> list[Check]:
    """Return the checks of one server."""
    if facts.failure is not None:
        return [_unusable(facts)]
    found = [ok("redis", f"Redis at {facts.address} answers and runs scripts.")]
    if facts.info is None:
        message = "The user may not read INFO: version, persistence and memory are unknown."
        found.append(skipped("redis-info", message, "Run doctor with a user that has +info."))
    else:
        found += [*_version(facts.info), *_role(facts), *_disk(facts.info)]
        found += [*_memory(facts.info), *_replicas(facts)]
    return [*found, *_persistence(facts), *_eviction(facts), *_clock(facts), *_rights(facts)]


def _unusable(facts: ServerFacts) -> Check:
    # Imported here, so that --help loads no Redis.
    from florentin_webhooks.redis.failures import Failure, describe  # noqa: PLC0415

    failure = Failure(str(facts.failure))
    kind = "refuses" if failure is Failure.REFUSED else failure.value
    return fail(f"redis-{kind}", *describe(facts.address, failure, facts.detail))


def _version(info: Mapping[str, object]) -> Iterator[Check]:
    text = str(info.get("redis_version", ""))
    numbers = tuple(map(int, re.findall(r"\d+", text)[:2]))
    if not numbers or numbers >= _TESTED:
        return
    message = f"The server speaks version {text} of Redis."
    hint = "Use Redis 7.0 or Valkey 7.2, or newer."
    yield (
        fail("redis-version", message, hint)
        if numbers < _OLDEST
        else warn("redis-version", message, hint)
    )


def _role(facts: ServerFacts) -> Iterator[Check]:
    info = facts.info or {}
    if info.get("role") in ("slave", "replica"):
        message = "The server is a replica, which accepts no deliveries."
        yield fail("redis-replica", message, "Use the URL of the primary.")
    if info.get("cluster_enabled") and not facts.tag:
        message = "The server is a node of a cluster, which has only some of the keys."
        yield fail("redis-cluster", message, "Use a URL that begins with redis+cluster://.")
    if facts.tag and facts.settings.get("cluster-require-full-coverage") == "yes":
        message = "All nodes of the cluster refuse deliveries while one is replaced."
        yield warn("redis-coverage", message, "Set cluster-require-full-coverage no.")


def _disk(info: Mapping[str, object]) -> Iterator[Check]:
    words = ("aof_last_write_status", "aof_last_bgrewrite_status", "rdb_last_bgsave_status")
    failed = [name for name in words if info.get(name, "ok") != "ok"]
    if failed:
        message = f"The server could not write to its disk ({', '.join(failed)})."
        yield fail("redis-disk", message, "Check the space on its disk, and its log.")


def _memory(info: Mapping[str, object]) -> Iterator[Check]:
    used, limit = _number(info, "used_memory"), _number(info, "maxmemory")
    if limit and used > limit * _NEARLY_FULL:
        message = f"The server uses {used / limit:.0%} of maxmemory."
        hint = "Raise maxmemory, or delete what is not needed: a full server answers 503."
        yield warn("redis-memory", message, hint)


def _replicas(facts: ServerFacts) -> Iterator[Check]:
    # Imported here, so that --help loads no Redis.
    from florentin_webhooks.redis.addresses import is_sentinel  # noqa: PLC0415
    from florentin_webhooks.redis.durability import loses_in_failover  # noqa: PLC0415

    connected = _number(facts.info or {}, "connected_slaves")
    if connected < facts.replicas:
        message = f"{facts.replicas} replicas must confirm a delivery; {connected} are connected."
        yield fail("redis-replicas", message, "Start them, or lower RedisStore(replicas).")
    elif loses_in_failover(facts.info or {}, fails_over=is_sentinel(facts.address)):
        message = "A fail-over loses or repeats the deliveries that its replica has not received."
        hint = "Set min-replicas-to-write 1 and min-replicas-max-lag 2."
        yield warn("redis-replicas", message, hint)


def _persistence(facts: ServerFacts) -> Iterator[Check]:
    info = facts.info or {}
    enabled = facts.settings.get("appendonly") or {0: "no", 1: "yes"}.get(
        _number(info, "aof_enabled") if "aof_enabled" in info else -1
    )
    if enabled is None:
        yield skipped("redis-persistence", "The user may not read whether appendonly is set.")
    elif enabled != "yes":
        message = "The server has no append-only file: a restart loses accepted deliveries."
        yield warn("redis-persistence", message, "Set appendonly yes.")
    elif facts.settings.get("appendfsync") == "no":
        message = "appendfsync is no: a power cut loses what the system has not written yet."
        yield warn("redis-persistence", message, "Set appendfsync everysec.")


def _eviction(facts: ServerFacts) -> Iterator[Check]:
    info = facts.info or {}
    policy = facts.settings.get("maxmemory-policy") or info.get("maxmemory_policy")
    if policy is None:
        yield skipped("redis-eviction", "The user may not read maxmemory-policy.")
    elif policy != "noeviction" and (not info or info.get("maxmemory")):
        message = f"The server evicts deliveries when its memory is full ({policy})."
        yield fail("redis-eviction", message, "Set maxmemory-policy noeviction.")
    elif _number(info, "evicted_keys"):
        message = f"The server has evicted {_number(info, 'evicted_keys')} keys since its start."
        hint = "Replay the deliveries of that time at their sender."
        yield warn("redis-eviction", message, hint)


def _clock(facts: ServerFacts) -> Iterator[Check]:
    if facts.ahead is not None and abs(facts.ahead) > _MOST_SECONDS:
        way = "ahead of" if facts.ahead > 0 else "behind"
        message = f"The clock of Redis is {abs(facts.ahead):.0f} s {way} that of this machine."
        yield warn("clock", message, "Synchronise both clocks, as with chrony.")


def _rights(facts: ServerFacts) -> Iterator[Check]:
    if facts.denied is None:
        message = "The user may not ask for its own rights (ACL DRYRUN)."
        yield skipped("redis-rights", message)
    elif facts.denied:
        message = f"The user may not run {', '.join(facts.denied)}, or not on all keys."
        words = " ".join(f"+{name.lower()}" for name in facts.denied)
        hint = f"Grant {words} on ~PREFIX* and ~rq:*, with the prefix of the store, such as fl:."
        yield fail("redis-rights", message, hint)


def _number(info: Mapping[str, object], name: str) -> int:
    found = info.get(name, 0)
    return int(found) if isinstance(found, int | float) else 0
