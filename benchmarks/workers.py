"""Workers with queued deliveries, compared with plain RQ jobs in workers of the same class."""

from __future__ import annotations

import os
import select
import signal
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from statistics import quantiles
from typing import NamedTuple, cast

import redis
import rq

from benchmarks.deliveries import distinct
from benchmarks.drain import running_worker
from benchmarks.measure import Row, against
from benchmarks.queued import EMPTY, QUEUE, do_nothing, note_start, receiver
from benchmarks.redis_server import flush, server, used
from benchmarks.serve import CORE, pin
from florentin_webhooks.protocol.delivery import Outcome

__all__ = ["rows"]

LIST = f"rq:queue:{QUEUE}"
WIP = f"rq:wip:{QUEUE}"
POLL = 0.001
PATIENCE = 60

WHY = "A job takes a lease and records its handler's end: two more round trips."


class Side(NamedTuple):
    """One of the two programs: *push* enqueues events, and *pid* is its worker."""

    client: redis.Redis
    push: Callable[[str, int], object]
    pid: int = 0


class Rounds(NamedTuple):
    """The number of rounds, of jobs per round, and of jobs that are timed one by one."""

    rounds: int
    jobs: int
    singles: int


SIZES = {"simple": Rounds(9, 400, 300), "fork": Rounds(7, 60, 70)}
# A simple worker needs many jobs, or all are done before the first measurement.
QUICK = {"simple": Rounds(1, 100, 2), "fork": Rounds(1, 5, 2)}


def rows(*, quick: bool) -> Iterator[Row]:
    """Return rates and waits of both kinds of worker, and the memory of queued jobs."""
    pin(CORE + 1)
    with ExitStack() as stack:
        urls = [stack.enter_context(server()) for _ in range(2)]
        clients = [stack.enter_context(redis.Redis.from_url(url)) for url in urls]
        sides = [Side(clients[0], _ours(urls[0])), Side(clients[1], _plain(clients[1]))]
        yield _memory(sides, 50 if quick else 10_000)
        for kind, sizes in (QUICK if quick else SIZES).items():
            yield from _worked(kind, sizes, sides, urls)


def _ours(url: str) -> Callable[[str, int], object]:
    hooks = receiver(url)

    def push(event: str, number: int) -> None:
        for made in distinct(number, event):
            assert hooks.receive(*made).outcome is Outcome.ACCEPTED

    return push


def _plain(client: redis.Redis) -> Callable[[str, int], object]:
    queue = rq.Queue(QUEUE, connection=client)

    def push(event: str, number: int) -> None:
        job = do_nothing if event == "invoice.created" else note_start
        for made in distinct(number, event):
            queue.enqueue(job, made.body)

    return push


def _memory(sides: Sequence[Side], number: int) -> Row:
    sizes: list[float] = []
    for side in sides:
        side.push("invoice.created", 1)  # Connects, and loads the scripts.
        before = flush(side.client)
        side.push("invoice.created", number)
        assert side.client.llen(LIST) == number
        sizes.append((used(side.client) - before) / number)
    ours, plain = sizes
    return Row(
        f"Redis memory per queued delivery, {number:,} of them, in bytes",
        f"the body as argument of a plain RQ job: {plain:.0f}",
        [ours],
        "<= 2100",
    )


def _worked(kind: str, sizes: Rounds, sides: Sequence[Side], urls: Sequence[str]) -> Iterator[Row]:
    with ExitStack() as stack:
        reading, writing = os.pipe()
        stack.callback(os.close, reading)
        stack.callback(os.close, writing)
        for side in sides:
            flush(side.client)
        pids = [
            stack.enter_context(running_worker(whose, kind, url, writing))
            for whose, url in zip(("ours", "plain"), urls, strict=True)
        ]
        sides = [side._replace(pid=pid) for side, pid in zip(sides, pids, strict=True)]
        waits: list[list[float]] = [[], []]
        rates: list[list[float]] = [[], []]
        for turn in range(sizes.rounds + 1):
            for which in (0, 1)[:: 1 if turn % 2 else -1]:
                rates[which].append(_rate(sides[which], sizes.jobs))
                waits[which] += _waits(sides[which], reading, -(-sizes.singles // sizes.rounds))
    plain = f"plain RQ jobs, {kind} worker"
    ratios = against(rates[0][1:], rates[1][1:])
    yield Row(f"events per second, empty handler, {kind} worker", plain, ratios, ">= 0.85", WHY)
    for name, at in (("p50", 49), ("p99", 98)):
        ours, theirs = (quantiles(each, n=100)[at] * 1000 for each in waits)
        what = f"answer to handler start, {kind} worker, {name}, in ms"
        yield Row(what, f"{plain}: {theirs:.3g}", [ours])


def _rate(side: Side, number: int) -> float:
    """Return the jobs per second while the queue falls from 90 to 10 percent."""
    client = side.client
    flush(client)
    os.kill(side.pid, signal.SIGSTOP)
    side.push("invoice.created", number)
    os.kill(side.pid, signal.SIGCONT)
    length, start = _fallen_to(client, number * 0.9)
    rest, end = _fallen_to(client, number * 0.1)
    _fallen_to(client, 0)
    _wait(lambda: _ended(client) == number and not client.zcard(WIP))
    _assert_handled(client)
    return (length - rest) / (end - start)


def _fallen_to(client: redis.Redis, limit: float) -> tuple[int, float]:
    end = time.monotonic() + PATIENCE
    while (length := client.llen(LIST)) > limit:
        assert time.monotonic() < end, "the worker makes no progress"
        time.sleep(POLL)
    return length, time.monotonic()


def _ended(client: redis.Redis) -> int:
    """Return the number of finished jobs, as recorded by us or by RQ."""
    return client.llen("fl:done") + client.zcard(f"rq:finished:{QUEUE}")


def _assert_handled(client: redis.Redis) -> None:
    assert client.zcard(f"rq:failed:{QUEUE}") == 0
    for key in cast("list[bytes]", client.lrange("fl:done", 0, -1)):
        record = cast("dict[bytes, bytes]", client.hgetall(b"fl:d" + key))
        assert record[b"h:" + EMPTY.encode()] == b"done", record


def _waits(side: Side, reading: int, number: int) -> Iterator[float]:
    """Return the seconds from each reply to the start of its handler, one job at a time."""
    for _ in range(number):
        before = _ended(side.client)
        side.push("user.login", 1)
        answered = time.monotonic()
        ready, _, _ = select.select([reading], [], [], PATIENCE)
        assert ready, "the handler did not start"
        (started,) = struct.unpack("d", os.read(reading, 8))
        yield started - answered
        _wait(lambda: _ended(side.client) > before and not side.client.zcard(WIP))  # noqa: B023
        time.sleep(0.002)  # Until the worker waits for the next job.


def _wait(done: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < end, "the worker makes no progress"
        time.sleep(POLL)
