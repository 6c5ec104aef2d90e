"""Deliveries over HTTP under uvicorn, accepted in Redis, against an endpoint that only verifies.

Both servers run on one core, Redis and the sender on another; only one is asked at a time, in
slices of equally many requests, and each delivery is new to its server.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import redis
import uvloop

from benchmarks.deliveries import distinct
from benchmarks.load import request_bytes, send_all
from benchmarks.measure import Row, against
from benchmarks.redis_server import server
from benchmarks.serve import CORE, pin

__all__ = ["rows"]

SLICE = 2000

WHY = (
    "two round trips through redis-py, written in Python, cost the server about as much CPU as "
    "the base's whole request, and the receiver's own steps as much again"
)


class Served(NamedTuple):
    """Hold a server that answers on *port*."""

    port: int
    pid: int

    def cpu(self) -> float:
        """Give the seconds of CPU that it has used, or 0 where the system does not tell."""
        try:
            fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(") ")[2].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rows(*, quick: bool) -> Iterator[Row]:
    """Alternate slices, and give rates from the clock and CPU from the system."""
    pairs, size = (2, 200) if quick else (9, SLICE)
    requests = [request_bytes(made) for made in distinct((pairs + 1) * size)]
    pin(CORE + 1)
    with ExitStack() as stack:
        store = stack.enter_context(server())
        client = stack.enter_context(redis.Redis.from_url(store))
        base = stack.enter_context(_serve("base"))
        ours = stack.enter_context(_serve("ours", store))
        times: dict[str, list[float]] = {"ours": [], "base": []}
        cpu: dict[str, list[float]] = {"ours": [], "base": []}
        for turn in range(pairs + 1):
            part = requests[turn * size : (turn + 1) * size]
            for name in ("ours", "base")[:: 1 if turn % 2 else -1]:
                client.flushall()
                passed, used = _slice(ours if name == "ours" else base, part, name)
                times[name].append(passed)
                cpu[name].append(used)
                remembered = client.dbsize()
                assert remembered == (2 * size if name == "ours" else 0), remembered
    what, other = "HTTP, accepted in Redis", "Starlette Route that only verifies"
    rates = against(times["base"][1:], times["ours"][1:])
    yield Row(f"{what}: rate", other, rates, ">= 0.35", WHY)
    if all(cpu["base"][1:]):
        yield Row(f"{what}: server's CPU", other, against(cpu["ours"][1:], cpu["base"][1:]))


def _slice(served: Served, requests: Sequence[bytes], name: str) -> tuple[float, float]:
    used, start = served.cpu(), time.perf_counter()
    answers = uvloop.run(send_all(served.port, requests))
    passed, used = time.perf_counter() - start, served.cpu() - used
    expected = "200 processed" if name == "ours" else "200 -"
    assert answers == {expected: len(requests)}, answers
    return passed, used


@contextmanager
def _serve(name: str, *url: str) -> Iterator[Served]:
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listening:
        descriptor = listening.fileno()
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.serve", name, str(descriptor), *url],
            pass_fds=[descriptor],
        )
        try:
            yield Served(listening.getsockname()[1], process.pid)
        finally:
            process.terminate()
            process.wait()
