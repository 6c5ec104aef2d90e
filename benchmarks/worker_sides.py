"""The programs whose workers are compared: how events get in, and what has not ended."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import redis
import rq

from benchmarks.deliveries import distinct
from benchmarks.queued import QUEUE, do_nothing, note_start, receiver
from benchmarks.task_queues import TASK_QUEUES
from florentin_webhooks.protocol.delivery import Outcome

__all__ = [
    "OURS",
    "PLAIN",
    "Round",
    "Side",
    "measure",
    "our_side",
    "peer_side",
    "plain_side",
    "wait",
]

OURS, PLAIN = "ours", "plain"
PATIENCE = 120
_POLL = 0.001
_TICKS = os.sysconf("SC_CLK_TCK")


class Side(NamedTuple):
    """One program: *push* enqueues events, *left* counts those that have not ended.

    *words* start a worker; *pids* are those of its workers.
    """

    client: redis.Redis
    push: Callable[[str, int], object]
    left: Callable[[], int]
    words: tuple[str, ...]
    pids: tuple[int, ...] = ()


class Round(NamedTuple):
    """Events per second, and seconds of the workers' CPU per event."""

    rate: float
    cpu: float


def our_side(client: redis.Redis, url: str, kind: str) -> Side:
    """Return the side of this package, with workers of *kind*."""
    hooks = receiver(url)

    def push(event: str, number: int) -> None:
        for made in distinct(number, event):
            assert hooks.receive(*made).outcome is Outcome.ACCEPTED

    keys = (f"fl:pending:{QUEUE}", f"rq:wip:{QUEUE}")
    return Side(client, push, lambda: _count(client, keys), ("benchmarks.drain", OURS, kind))


def plain_side(client: redis.Redis, kind: str) -> Side:
    """Return the side of plain RQ jobs, in RQ's own workers of *kind*."""
    queue = rq.Queue(QUEUE, connection=client)

    def push(event: str, number: int) -> None:
        job = do_nothing if event == "invoice.created" else note_start
        for made in distinct(number, event):
            queue.enqueue(job, made.body)

    def left() -> int:
        assert not client.zcard(f"rq:failed:{QUEUE}")
        # In the order in which a job passes through them, so that none is missed on its way.
        waiting = int(client.llen(queue.key)) + int(client.llen(queue.intermediate_queue_key))
        return waiting + _count(client, (f"rq:wip:{QUEUE}",))

    return Side(client, push, left, ("benchmarks.drain", PLAIN, kind))


def peer_side(client: redis.Redis, url: str, name: str) -> Side:
    """Return the side of the task queue *name*."""
    peer = TASK_QUEUES[name]
    push_one, _ = peer.build(url)

    def push(event: str, number: int) -> None:
        for made in distinct(number, event):
            push_one(made.body)

    return Side(client, push, lambda: peer.left(client), ("benchmarks.task_queues", name))


def measure(side: Side, number: int) -> Round:
    """Return what *number* events take that wait when the workers go on."""
    for pid in side.pids:
        os.kill(pid, signal.SIGSTOP)
    side.push("invoice.created", number)
    assert side.left() >= number - 16  # Celery has fetched some before.
    before, start = _cpu(side.pids), time.monotonic()
    for pid in side.pids:
        os.kill(pid, signal.SIGCONT)
    wait(lambda: not side.left())
    seconds = time.monotonic() - start
    return Round(number / seconds, (_cpu(side.pids) - before) / number)


def wait(done: Callable[[], object]) -> None:
    """Wait until *done*."""
    end = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < end, "the worker makes no progress"
        time.sleep(_POLL)


def _count(client: Any, keys: tuple[str, ...]) -> int:  # Any: redis-py leaves its types open.
    return sum(int(client.zcard(key)) for key in keys)


def _cpu(pids: tuple[int, ...]) -> float:
    """Return the seconds of CPU of processes and of their children that have ended."""
    stats = (Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids)
    return sum(sum(map(int, fields[11:15])) for fields in stats) / _TICKS
