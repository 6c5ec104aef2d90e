"""Workers with queued deliveries, compared with plain RQ jobs and with other task queues."""

from __future__ import annotations

import os
import select
import struct
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from statistics import median
from typing import NamedTuple

import redis

from benchmarks.drain import running_worker
from benchmarks.measure import Row, against
from benchmarks.queued import QUEUE
from benchmarks.redis_server import flush, server, used
from benchmarks.serve import CORE, pin
from benchmarks.task_queues import TASK_QUEUES
from benchmarks.worker_sides import (
    PATIENCE,
    Round,
    Side,
    measure,
    our_side,
    peer_side,
    plain_side,
    wait,
)

__all__ = ["rows"]

EMPTY = "events per second, empty handler"
AIMS = {
    "taskiq, Redis streams": ">= 2",
    "huey": ">= 2",
    "celery solo, acks_late": ">= 5",
    "dramatiq": "",
}
WHY = "Measured beside other work: each wait for an answer waits for its turn on the CPU as well."

_CLOCK = time.get_clock_info("monotonic").resolution


class Sizes(NamedTuple):
    """The number of rounds, of our jobs and of theirs per round, and of jobs timed one by one.

    *settle*: the seconds that workers get until all of them listen.
    """

    rounds: int
    ours: int
    theirs: int
    singles: int
    settle: float = 1.5


SIMPLE, FORK = Sizes(5, 3000, 300, 60), Sizes(3, 600, 40, 10)
QUICK = Sizes(1, 40, 20, 2, settle=0)


def rows(*, quick: bool) -> Iterator[Row]:
    """Return rates, CPU and waits of workers, and the memory of queued jobs."""
    pin(CORE + 1)
    simple, fork = (QUICK if quick else SIMPLE), FORK
    with ExitStack() as stack:
        urls = [stack.enter_context(server()) for _ in range(2)]
        clients = [stack.enter_context(redis.Redis.from_url(url)) for url in urls]
        kinds = [("simple", simple, ">= 20"), ("fork", fork, ">= 8")]
        for kind, sizes, aim in kinds[:1] if quick else kinds:
            sides = [our_side(clients[0], urls[0], kind), plain_side(clients[1], kind)]
            if kind == "simple":
                yield _memory(sides, 50 if quick else 10_000)
            if kind == "simple" and not quick:
                with _working(sides, urls, sizes, workers=2) as (running, _):
                    yield from _compare(running, sizes, (">= 14", "plain RQ jobs, two workers"))
            with _working(sides, urls, sizes) as (running, reading):
                yield from _compare(running, sizes, (aim, f"plain RQ jobs, {kind} worker"))
                yield from _waits_of(running, sizes, reading)
        ours = our_side(clients[0], urls[0], "simple")
        for name, peer in TASK_QUEUES.items():
            if find_spec(peer.module) is None:
                continue  # Installed by `make bench`.
            flush(clients[1])
            sides = [ours, peer_side(clients[1], urls[1], name)]
            with _working(sides, urls, simple) as (running, _):
                yield from _compare(running, simple, (AIMS[name], name))


def _memory(sides: Sequence[Side], number: int) -> Row:
    sizes: list[float] = []
    for side in sides:
        side.push("invoice.created", 1)  # Connects, and loads the scripts.
        before = flush(side.client)
        side.push("invoice.created", number)
        assert side.client.llen(f"rq:queue:{QUEUE}") == number
        sizes.append((used(side.client) - before) / number)
        flush(side.client)
    ours, plain = sizes
    return Row(
        f"Redis memory per queued delivery, {number:,} of them, in bytes",
        f"the body as argument of a plain RQ job: {plain:.0f}",
        [ours],
        "<= 2100",
    )


@contextmanager
def _working(
    sides: Sequence[Side], urls: Sequence[str], sizes: Sizes, workers: int = 1
) -> Iterator[tuple[list[Side], int]]:
    """Yield *sides* with running workers, and the pipe in which handlers report their start."""
    with ExitStack() as stack:
        reading, writing = os.pipe()
        stack.callback(os.close, reading)
        stack.callback(os.close, writing)
        begun = [
            side._replace(pids=tuple(_start(stack, side, url, writing) for _ in range(workers)))
            for side, url in zip(sides, urls, strict=True)
        ]
        for side in begun:
            side.push("invoice.created", 1)
            _wait_for(side)
        time.sleep(sizes.settle)
        yield begun, reading


def _start(stack: ExitStack, side: Side, url: str, pipe: int) -> int:
    return stack.enter_context(running_worker(side.words, url, pipe))


def _wait_for(side: Side) -> None:
    wait(lambda: not side.left())


def _compare(running: Sequence[Side], sizes: Sizes, words: tuple[str, str]) -> Iterator[Row]:
    """Return the rate and the CPU of both sides."""
    aim, whom = words
    ours: list[Round] = []
    theirs: list[Round] = []
    for _ in range(sizes.rounds + 1):  # The first one warms up.
        ours.append(measure(running[0], sizes.ours))
        theirs.append(measure(running[1], sizes.theirs))
    kind = f"{running[0].words[-1]} worker" + " x 2" * (len(running[0].pids) == 2)
    rates = against([each.rate for each in ours[1:]], [each.rate for each in theirs[1:]])
    yield Row(f"{EMPTY}, {kind}", whom, rates, aim, WHY)
    plain = median(each.cpu for each in theirs[1:]) * 1e6
    spent = [each.cpu * 1e6 for each in ours[1:]]
    yield Row(f"workers' CPU per event in us, {kind}", f"{whom}: {plain:.0f}", spent)


def _waits_of(running: Sequence[Side], sizes: Sizes, reading: int) -> Iterator[Row]:
    waits: list[list[float]] = [[], []]
    for _ in range(sizes.rounds):
        for side, found in zip(running, waits, strict=True):
            found.append(median(_waits(side, reading, sizes.singles)))
    kind, plain = running[0].words[-1], median(waits[1]) * 1000
    what = f"answer to handler start, idle {kind} worker, p50"
    yield Row(what, f"plain RQ jobs: {plain:.3g} ms", against(*waits), "<= 1", WHY)


def _waits(side: Side, reading: int, number: int) -> Iterator[float]:
    """Return the seconds from each reply to the start of its handler, one job at a time."""
    for _ in range(number):
        side.push("user.login", 1)
        answered = time.monotonic()
        ready, _, _ = select.select([reading], [], [], PATIENCE)
        assert ready, "the handler did not start"
        (started,) = struct.unpack("d", os.read(reading, 8))
        yield max(started - answered, _CLOCK)  # It may start before this process has the answer.
        _wait_for(side)
        time.sleep(0.004)  # Until the worker waits for the next job.
