"""What a server says about itself, for the doctor: each question may be refused."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

from redis.exceptions import RedisError, ResponseError

from florentin_webhooks.redis.failures import Failure, find_failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from florentin_webhooks.redis.protocols import SyncClient, Word

__all__ = ["ServerFacts", "inspect_server", "needed_commands"]


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What is known of the server at *address*.

    *failure* is why it could not be asked, *detail* a code or the type of an error. *info* is its
    INFO, None where the user may not read it; *settings* are those of CONFIG that it may read.
    *ahead* is how many seconds its clock is ahead of ours. *denied* are commands that the user may
    not run, None where ACL DRYRUN may not be asked. *tag* is that of a lane in a cluster, and
    *replicas* how many the store waits for.
    """

    address: str
    failure: Failure | None = None
    detail: str = ""
    info: Mapping[str, object] | None = None
    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    ahead: float | None = None
    denied: tuple[str, ...] | None = None
    tag: str = ""
    replicas: int = 0


_SETTINGS = ("appendonly", "maxmemory-policy", "appendfsync", "cluster-require-full-coverage")


# Each command of the scripts and its arguments after a key, in the smallest form that is valid.
_COMMANDS = (
    "DEL|EXISTS|EXPIRE 1|GET|HDEL a|HGET a|HGETALL|HINCRBY a 1|HKEYS|HMGET a|HSCAN 0|HSET a 1"
    "|LINDEX 0|LLEN|LPOP|LPOS a|LPUSH a|LRANGE 0 0|LREM 0 a|PERSIST|PEXPIRE 1|PTTL|RPOP|RPUSH a"
    "|SADD a|SCARD|SET a|SMEMBERS|SREM a|ZADD 1 a|ZCARD|ZCOUNT 0 0|ZMSCORE a|ZRANGE 0 0"
    "|ZRANGEBYSCORE 0 0|ZREM a|ZREMRANGEBYSCORE 0 0|ZREVRANGE 0 0|ZREVRANGEBYSCORE 0 0|ZSCORE a"
    "|XADD * a 1|XRANGE - +"
)
_OF_RQ = "rq:job:florentin-webhooks.probe"


def needed_commands(prefix: str, tag: str = "", *, replicas: int = 0) -> Iterator[tuple[str, ...]]:
    """Yield what a user must be allowed to do, on keys of the store and of RQ.

    RQ's keys begin with the *tag* of a lane. A store with *replicas* waits for them. ACL DRYRUN
    runs none of it.
    """
    if replicas:
        yield "WAIT", f"{replicas}", "1"
    key = f"{prefix}d"
    yield ("TIME",)
    yield "EVAL", "return 1", "1", key
    yield "EVALSHA", "0" * 40, "1", key
    for words in _COMMANDS.split("|"):
        name, *arguments = words.split()
        yield name, key, *arguments
    yield "HSET", tag + _OF_RQ, "a", "1"
    yield "RPUSH", f"{tag}rq:queue:florentin-webhooks.probe", "a"


def inspect_server(
    client: SyncClient, address: str, prefix: str = "fl:", tag: str = "", *, replicas: int = 0
) -> ServerFacts:
    """Return what the server answers; changes nothing there, and waits as *client* does."""
    try:
        client.execute_command("EVAL", "return 1", 0)
    except (RedisError, OSError) as error:
        return ServerFacts(address, *find_failure(error))
    try:
        info = _ask(client.info)
        if tag and info is not None and not info.get("cluster_enabled"):
            return ServerFacts(address, Failure.NO_CLUSTER)
        settings = {name: found for name in _SETTINGS if (found := _setting(client, name))}
        needed = needed_commands(prefix, tag, replicas=replicas)
        denied, clock = _denied(client, needed), _clock(client)
        facts = ServerFacts(address, None, "", info, settings, clock, denied, tag)
        return replace(facts, replicas=replicas)
    except (RedisError, OSError) as error:  # It went away meanwhile.
        return ServerFacts(address, *find_failure(error))


def _ask(question: Callable[[], Mapping[str, object]]) -> Mapping[str, object] | None:
    try:
        return question()
    except ResponseError:  # Refused, or renamed.
        return None


def _setting(client: SyncClient, name: str) -> str | None:
    try:
        found = _pairs(client.execute_command("CONFIG", "GET", name))
    except ResponseError:
        return None
    return found.get(name)


def _pairs(answer: object) -> Mapping[str, str]:
    """Return an answer of CONFIG GET as texts; redis-py makes a mapping of it, or does not."""
    if isinstance(answer, dict):
        items = list(cast("dict[object, object]", answer).items())
    else:
        words = cast("list[object]", answer)
        items = list(zip(words[::2], words[1::2], strict=False))
    return {_text(name): _text(value) for name, value in items}


def _clock(client: SyncClient) -> float | None:
    before = time.time()
    try:
        seconds, microseconds = cast("tuple[object, object]", client.execute_command("TIME"))
    except ResponseError:
        return None
    now = (before + time.time()) / 2
    return int(_text(seconds)) + int(_text(microseconds)) / 1_000_000 - now


def _denied(client: SyncClient, needed: Iterable[tuple[str, ...]]) -> tuple[str, ...] | None:
    try:
        user = _text(client.execute_command("ACL", "WHOAMI"))
        denied = [words[0] for words in needed if not _may(client, user, words)]
    except ResponseError:
        return None
    return tuple(dict.fromkeys(denied))


def _may(client: SyncClient, user: str, words: tuple[Word, ...]) -> bool:
    return _text(client.execute_command("ACL", "DRYRUN", user, *words)) == "OK"


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
