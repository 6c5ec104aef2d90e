"""The cost of a delivery in Redis: round trips, memory, and time as the server fills up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import count
from typing import cast

import redis

from benchmarks.deliveries import SECRET, distinct
from benchmarks.measure import Row, against
from benchmarks.queued import QUEUE, receiver
from benchmarks.redis_server import flush, server, used
from florentin_webhooks import Delivery, Receiver, RedisStore
from florentin_webhooks.core.stores.accept import Accept, AcceptDecision, Finish
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.protocol.fingerprint import content_key, fingerprint
from florentin_webhooks.senders.florentin.envelope import retry_content

__all__ = ["rows"]

PREFIX = "fl:"

# Writes the keys that accept and finish leave behind, without a million calls of them.
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
"""The keys of a finished delivery that has dropped out of the history."""
HISTORY = 1000
"""The finished deliveries that RedisStore stores with their bodies."""
NUMBER = 20
"""The deliveries over which round trips are counted."""
DAY = 24 * 60 * 60 * 1000
"""RedisStore's retention, in milliseconds."""
CHUNK = 10_000


def rows(*, quick: bool) -> Iterator[Row]:
    """Count round trips and memory, then compare an almost empty server with a full one."""
    many = 10_000 if quick else 1_000_000
    with ExitStack() as stack:
        urls = [stack.enter_context(server()) for _ in range(2)]
        nearly_empty, full = (stack.enter_context(redis.Redis.from_url(url)) for url in urls)
        yield from _round_trips(nearly_empty, urls[0])
        yield _memory(nearly_empty, many // 10)
        flush(nearly_empty)
        fill(nearly_empty, HISTORY)
        fill(full, many)
        yield from _growth(urls, [nearly_empty, full], 5 if quick else 101)


def fill(client: redis.Redis, number: int) -> None:
    """Store *number* finished deliveries in *client*, each with an id.

    The newest ones, which keep their bodies, are accepted and finished. The keys of all others
    are written as accept and finish leave them.
    """
    _assert_same_shape(client)
    script = client.register_script(FILL)
    older = number - HISTORY
    for start in range(0, older, CHUNK):
        script(keys=[PREFIX], args=[DAY, start + 1, min(start + CHUNK, older)])
    store = RedisStore(client, prefix=PREFIX, history=HISTORY)
    _run(store, HISTORY)
    assert client.dbsize() == 2 * number + 2, "keys collided"  # With log and done.
    assert client.zcard(f"{PREFIX}log") == client.llen(f"{PREFIX}done") == HISTORY


def _assert_same_shape(client: redis.Redis) -> None:
    """Check that FILL writes exactly the keys that a real delivery leaves behind."""
    flush(client)
    _run(RedisStore(client, prefix=PREFIX, history=0), 1)
    real = _shape(client)
    flush(client)
    client.register_script(FILL)(keys=[PREFIX], args=[DAY, 1, 1])
    assert _shape(client) == real, (real, _shape(client))
    flush(client)


def _shape(client: redis.Redis) -> list[tuple[object, ...]]:
    keys = cast("list[bytes]", client.keys())
    return sorted(
        (
            key[: len(PREFIX) + 1],
            len(key),
            client.type(key),
            client.object("encoding", key),
            len(cast("bytes", client.dump(key))),
            DAY - 60_000 < client.pttl(key) <= DAY,
        )
        for key in keys
    )


def _round_trips(client: redis.Redis, url: str) -> Iterator[Row]:
    runs: list[object] = []
    inline = Receiver(SECRET, store=RedisStore(url))
    inline.on("invoice.created")(runs.append)
    yield _trips(client, inline, "delivery with an inline handler", 2, Outcome.PROCESSED)
    assert len(runs) == NUMBER + 1
    queued = receiver(url)
    yield _trips(client, queued, "accepted delivery", 1, Outcome.ACCEPTED)
    assert client.llen(f"rq:queue:{QUEUE}") == NUMBER + 1
    yield _trips(client, queued, "duplicate", 1, Outcome.DUPLICATE)


def _trips(client: redis.Redis, hooks: Receiver, name: str, expected: int, outcome: Outcome) -> Row:
    """Count the server's reads from connections, in blocking programs and in asyncio."""
    made = list(distinct(NUMBER + 1))
    if outcome is Outcome.DUPLICATE:
        for each in made:
            hooks.receive(*each)
    counted: list[float] = []

    async def in_asyncio() -> None:
        await hooks.areceive(*made[-1])  # Connects, and checks the server's settings.
        before = _reads(client)
        outcomes = {(await hooks.areceive(*each)).outcome for each in made[half:-1]}
        counted.append((_reads(client) - before - 1) / (len(made) - 1 - half))
        assert outcomes == {outcome}, outcomes
        await hooks.aclose()

    half = NUMBER // 2
    asyncio.run(in_asyncio())
    hooks.receive(*made[-1])  # The same.
    before = _reads(client)
    outcomes = {hooks.receive(*each).outcome for each in made[:half]}
    counted.append((_reads(client) - before - 1) / half)
    assert outcomes == {outcome}, outcomes
    hooks.close()
    return Row(f"Redis round trips per {name}", "counted", counted, f"<= {expected}")


def _reads(client: redis.Redis) -> int:
    return cast("Mapping[str, int]", client.info("stats"))["total_reads_processed"]


def _memory(client: redis.Redis, number: int) -> Row:
    _assert_same_shape(client)
    before = flush(client)
    fill(client, number)
    what = f"Redis memory per remembered delivery, {number:,} of them, in bytes"
    return Row(what, "counted", [(used(client) - before) / number], "<= 320")


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
    statistics = cast("Mapping[str, Mapping[str, int]]", client.info("commandstats"))
    return int(statistics.get("cmdstat_evalsha", {"usec": 0})["usec"])


_NUMBERS = count()
BODY = next(distinct(1)).body


def _run(store: RedisStore, number: int) -> float:
    """Accept and finish *number* new deliveries; return the seconds spent in accept."""
    passed, now = 0.0, datetime.now(UTC)
    for _ in range(number):
        body = BODY + b"%d" % next(_NUMBERS)
        key, token = fingerprint(body), b"token-16"
        delivery = Delivery(key.hex(), "invoice.created", now, body.hex(), "secret-1", now, body)
        retry_key = content_key(body.hex(), retry_content(body.hex(), body) or b"")
        asked = Accept(key, retry_key, token, delivery, fresh=True, valid=True)
        start = time.perf_counter()
        claim = store.execute(asked)
        passed += time.perf_counter() - start
        assert claim.decision is AcceptDecision.RUN
        assert store.execute(Finish(key, token, State.DONE, "shop.hooks:bill")) is State.DONE
    return passed
