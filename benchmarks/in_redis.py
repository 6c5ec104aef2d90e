"""What remembering costs Redis: round trips and bytes per delivery, and time as it fills up."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import count
from typing import Any, cast

import redis

from benchmarks.deliveries import SECRET, distinct
from benchmarks.measure import Row, against
from benchmarks.redis_server import server
from florentin_webhooks import Delivery, Receiver, RedisStore
from florentin_webhooks.deliveries import Outcome
from florentin_webhooks.identity import fingerprint, trace
from florentin_webhooks.stores import Accept, Finish, State, Verdict

__all__ = ["rows"]

PREFIX = "fl:"

# Writes what accept and finish leave behind, without going through them a million times.
FILL = """
local now = ARGV[1]
for number = tonumber(ARGV[2]), tonumber(ARGV[3]) do
  local hash, id = redis.sha1hex('d' .. number), redis.sha1hex('i' .. number)
  local key, sent = string.sub(hash, 1, 16), string.sub(id, 1, 16)
  redis.call('HSET', KEYS[1] .. 'd' .. key, 's', 'done')
  redis.call('PEXPIRE', KEYS[1] .. 'd' .. key, now)
  redis.call('SET', KEYS[1] .. 'i' .. sent, sent .. key, 'PX', now)
end
"""
DAY = 24 * 60 * 60 * 1000
"""RedisStore's retention, in milliseconds."""
CHUNK = 10_000


def rows(*, quick: bool) -> Iterator[Row]:
    """Count first, then compare an almost empty server with a full one."""
    many = 10_000 if quick else 1_000_000
    with ExitStack() as stack:
        urls = [stack.enter_context(server()) for _ in range(2)]
        nearly_empty, full = (stack.enter_context(redis.Redis.from_url(url)) for url in urls)
        yield from _round_trips(nearly_empty, urls[0])
        yield _memory(nearly_empty, many // 10)
        nearly_empty.flushall()
        fill(nearly_empty, 1000)
        fill(full, many)
        yield from _growth(urls, [nearly_empty, full], 5 if quick else 101)


def fill(client: redis.Redis, number: int) -> None:
    """Have *client* remember *number* finished deliveries, each under an id."""
    _assert_same_shape(client)
    script = client.register_script(FILL)
    for start in range(0, number, CHUNK):
        script(keys=[PREFIX], args=[DAY, start + 1, min(start + CHUNK, number)])
    assert client.dbsize() >= 2 * number, "keys collided"


def _assert_same_shape(client: redis.Redis) -> None:
    """See that what FILL writes is what a real delivery leaves behind, to the byte."""
    client.flushall()
    _run(RedisStore(client, prefix=PREFIX), 1)
    real = _shape(client)
    client.flushall()
    client.register_script(FILL)(keys=[PREFIX], args=[DAY, 1, 1])
    assert _shape(client) == real, (real, _shape(client))
    client.flushall()


def _shape(client: redis.Redis) -> list[tuple[object, ...]]:
    keys = cast("list[bytes]", client.keys())
    return sorted(
        (
            key[: len(PREFIX) + 1],
            len(key),
            client.type(key),
            client.object("encoding", key),
            client.memory_usage(key),
            DAY - 60_000 < client.pttl(key) <= DAY,
        )
        for key in keys
    )


def _round_trips(client: redis.Redis, url: str) -> Iterator[Row]:
    receiver = Receiver(SECRET, store=RedisStore(url))
    runs: list[object] = []
    receiver.on("invoice.created")(runs.append)
    made = list(distinct(21))
    receiver.receive(*made.pop())  # Connects, loads the scripts, looks at the server's settings.
    for expected, outcome in ((2, Outcome.PROCESSED), (1, Outcome.DUPLICATE)):
        before = _commands(client)
        replies = [receiver.receive(headers, body) for headers, body in made]
        assert {reply.outcome for reply in replies} == {outcome}
        after = _commands(client)
        sent = {name: calls - before.get(name, 0) for name, calls in after.items()}
        # A script's own commands are counted as well; they cost no round trip.
        trips = (sent["evalsha"] + sent.get("eval", 0)) / len(made)
        name = "duplicate" if outcome is Outcome.DUPLICATE else "delivery with an inline handler"
        yield Row(f"Redis round trips per {name}", "counted", [trips], f"<= {expected}")
    assert len(runs) == 21
    receiver.close()


def _commands(client: redis.Redis) -> dict[str, int]:
    told = cast("Mapping[str, Mapping[str, int]]", client.info("commandstats"))
    return {name.removeprefix("cmdstat_"): stats["calls"] for name, stats in told.items()}


def _memory(client: redis.Redis, number: int) -> Row:
    client.flushall()
    before = _used(client)
    fill(client, number)
    assert client.dbsize() == 2 * number
    what = f"Redis memory per remembered delivery, {number:,} of them, in bytes"
    return Row(what, "counted", [(_used(client) - before) / number], "<= 320")


def _used(client: redis.Redis) -> int:
    return int(cast("Mapping[str, Any]", client.info("memory"))["used_memory"])


def _growth(urls: list[str], clients: list[redis.Redis], rounds: int) -> Iterator[Row]:
    stores = [RedisStore(url, prefix=PREFIX) for url in urls]
    for store in stores:
        _run(store, 10)
    times: list[list[float]] = [[], []]
    inside: list[list[float]] = [[], []]
    for turn in range(rounds):
        for which in (0, 1)[:: 1 if turn % 2 else -1]:
            before = _spent(clients[which])
            times[which].append(_run(stores[which], 20))
            inside[which].append(_spent(clients[which]) - before)
    what, other = "accept with 1e6 remembered", "with 1e3"
    yield Row(what, other, against(times[1], times[0]), "<= 1.15")
    yield Row(f"{what}, in the server alone", other, against(inside[1], inside[0]))
    for store in stores:
        store.close()


def _spent(client: redis.Redis) -> int:
    told = cast("Mapping[str, Mapping[str, int]]", client.info("commandstats"))
    return int(told.get("cmdstat_evalsha", {"usec": 0})["usec"])


_NUMBERS = count()


def _run(store: RedisStore, number: int) -> float:
    """Accept and finish *number* new deliveries; give the seconds that accepting them took."""
    passed, now = 0.0, datetime.now(UTC)
    for _ in range(number):
        body = b'{"event":"invoice.created","number":%d}' % next(_NUMBERS)
        key, token = fingerprint(body), b"token-16"
        delivery = Delivery(key.hex(), "invoice.created", now, body.hex(), "secret-1", now, body)
        asked = Accept(key, trace(body.hex(), body), token, delivery, fresh=True, valid=True)
        start = time.perf_counter()
        claim = store.execute(asked)
        passed += time.perf_counter() - start
        assert claim.verdict is Verdict.RUN
        assert store.execute(Finish(key, token, State.DONE, "shop.hooks:bill")) is State.DONE
    return passed
