"""What a Redis Cluster of one, two and three nodes takes: the CPU time of its busiest node.

All servers share one core here, and on machines of their own they would not, so the table has what
the busiest node leaves room for: it is busy for its part of the deliveries only.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from math import ceil
from pathlib import Path
from typing import Any

import redis

from benchmarks.deliveries import distinct
from benchmarks.measure import Row
from benchmarks.queued import receiver
from benchmarks.redis_server import server
from florentin_webhooks import Receiver
from tests.support.cluster import running_cluster

__all__ = ["rows"]

IN_FLIGHT = 64
"""The deliveries under way for each node."""
LANES = 16
PERSISTENCE = {"appendonly": "no"}


class Subject:
    """A receiver that queues deliveries in the servers at *urls*, which it finds by *url*."""

    def __init__(self, name: str, url: str, urls: Sequence[str]) -> None:
        self.name = name
        self.hooks: Receiver[Any] = receiver(url)
        self.clients: list[Any] = [redis.Redis.from_url(each) for each in urls]
        for client in self.clients:
            _pin(int(client.info("server")["process_id"]))

    @property
    def limit(self) -> float:
        """How many times the deliveries of one node it may take: its busiest has most lanes."""
        return LANES / ceil(LANES / len(self.clients))

    def rate(self, count: int) -> float:
        """Return the deliveries per second for which the busiest server has the time."""
        before = [_cpu(client) for client in self.clients]
        asyncio.run(_receive(self.hooks, count, IN_FLIGHT * len(self.clients)))
        spent = [_cpu(client) - b for client, b in zip(self.clients, before, strict=True)]
        for client in self.clients:
            client.flushall()
        return count / max(spent)


def rows(*, quick: bool) -> Iterator[Row]:
    """Compare lanes in one node with a plain store, and several nodes with one."""
    rounds, count, sizes = (1, 300, (1, 2)) if quick else (9, 8000, (1, 2, 3))
    with ExitStack() as stack:
        plain = stack.enter_context(server())
        subjects = [Subject("plain", plain, [plain])]
        for size in sizes:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fw-")))
            cluster = stack.enter_context(running_cluster(folder, size, options=PERSISTENCE))
            urls = [f"redis://{node.address}" for node in cluster.nodes]
            subjects.append(Subject(f"{size} nodes", cluster.url, urls))
        for subject in subjects:
            subject.rate(count // 10)  # Loads the scripts.
        rates = [[subject.rate(count) for subject in subjects] for _ in range(rounds)]
    base, one, *others = zip(*rates, strict=True)
    yield Row("queued deliveries/s, a Redis", "its CPU", base)
    yield Row("queued deliveries/s, 16 lanes in 1 node", "its CPU", one)
    yield Row("16 lanes in 1 node", "a Redis", _ratios(one, base), ">= 0.8")
    for subject, rate in zip(subjects[2:], others, strict=True):
        yield Row(f"queued deliveries/s, {subject.name}", "CPU of the busiest", rate)
        aim = f">= {0.8 * subject.limit:.3g}"
        yield Row(subject.name, "1 node", _ratios(rate, one), aim)


async def _receive(hooks: Receiver[Any], count: int, in_flight: int) -> None:
    made = iter(list(distinct(count)))

    async def send() -> None:
        for each in made:
            reply = await hooks.areceive(*each)
            assert reply.outcome == "accepted", reply

    await hooks.areceive(*next(iter(distinct(1))))  # Connects.
    await asyncio.gather(*(send() for _ in range(in_flight)))
    await hooks.aclose()


def _cpu(client: Any) -> float:
    found = client.info("cpu")
    return float(found["used_cpu_user"] + found["used_cpu_sys"])


def _ratios(rates: Sequence[float], base: Sequence[float]) -> list[float]:
    return [rate / b for rate, b in zip(rates, base, strict=True)]


def _pin(pid: int) -> None:
    with suppress(AttributeError, OSError):  # Not on every system.
        os.sched_setaffinity(pid, {min(os.sched_getaffinity(0))})
