"""Deliveries over HTTP under uvicorn, compared with a bare endpoint and a simple queue.

All servers run on one core, Redis and the sender on another. One server at a time gets a slice of
requests, and each delivery is new to its server.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

import redis
import uvloop

from benchmarks.cpu import cpu_seconds
from benchmarks.deliveries import distinct
from benchmarks.drain import drain
from benchmarks.load import request_bytes, send_all
from benchmarks.measure import Row, against
from benchmarks.queued import CLAIM, QUEUE
from benchmarks.redis_server import flush, server
from benchmarks.serve import CORE, pin

__all__ = ["QUEUED", "Served", "rows", "send_slice", "serve"]

SLICE = 2000
DRAINED = 50
"""The jobs that are run at the end, to check that they work."""

WHY_INLINE = "Strict JSON, the typed event, a lease and two commands of Redis, in Python."
WHY_INSPECTED = "Two reports for each delivery, kept for the page."
WHY_MEASURED = "Two reports, a counter and two histograms, in Python."
WHY_QUEUED = "Strict JSON, the typed event, a job and a command of Redis, in Python."
WHY_NAIVE = "The server waits for Redis and the sender, which share the other core."


class Program(NamedTuple):
    """A server's expected response, its share of a slice, and the Redis keys that it writes."""

    answer: str
    share: float = 1
    keys: int = 0
    others: int = 0


PROGRAMS = {
    "base": Program("200 -"),
    "answering": Program("200 -"),
    "inline": Program("200 processed", 0.5, keys=2, others=2),  # log, done
    "inspected": Program("200 processed", 0.5, keys=2, others=2),
    "metrics": Program("200 processed", 0.5, keys=2, others=2),
    "queued": Program("202 accepted", keys=3, others=4),  # log, pending, queue, set of queues
    "naive": Program("200 -", 0.2, keys=2, others=2),  # queue, set of queues
}


class Pair(NamedTuple):
    """Two programs that are compared, and the aims for the ratios of *rate* and of *cpu*."""

    what: str
    ours: str
    against: str
    base: str
    rate: str
    cpu: str
    why: str


BASE = "Starlette Route that only verifies"
ANSWERING = "the same, its answer with a body as ours"
NAIVE = "SET NX, then queue.enqueue in a thread"
MEASURED = "HTTP, run inline, with metrics for Prometheus"
INLINE, QUEUED = "HTTP, accepted in Redis, run inline", "HTTP, accepted and queued in Redis"
INSPECTED = "HTTP, run inline, with the inspector"
PAIRS = (
    Pair(INLINE, "inline", BASE, "base", "0.46", "", WHY_INLINE),
    Pair(INLINE, "inline", ANSWERING, "answering", "", "", ""),
    Pair(INSPECTED, "inspected", "the same without", "inline", "0.95", "", WHY_INSPECTED),
    Pair(MEASURED, "metrics", "the same without", "inline", "0.95", "1.05", WHY_MEASURED),
    Pair(QUEUED, "queued", BASE, "base", "0.48", "2.1", WHY_QUEUED),
    Pair(QUEUED, "queued", ANSWERING, "answering", "", "", ""),
    Pair(QUEUED, "queued", NAIVE, "naive", "3", "", WHY_NAIVE),
)
QUICK = [pair for pair in PAIRS if (pair.ours, pair.base) == ("queued", "base")]


class Served(NamedTuple):
    """A running server on *port*."""

    port: int
    pid: int


def rows(*, quick: bool) -> Iterator[Row]:
    """Return rates in wall-clock time and CPU time; the servers take turns."""
    rounds, size, pairs = (1, 100, QUICK) if quick else (7, SLICE, PAIRS)
    requests = [request_bytes(made) for made in distinct((rounds + 1) * size)]
    pin(CORE + 1)
    times: dict[str, list[float]] = defaultdict(list)
    cpu: dict[str, list[float]] = defaultdict(list)
    with ExitStack() as stack:
        url = stack.enter_context(server())
        client = stack.enter_context(redis.Redis.from_url(url))
        compared = {name for pair in pairs for name in (pair.ours, pair.base)}
        names = [name for name in PROGRAMS if name in compared]
        served = {name: stack.enter_context(serve(name, url)) for name in names}
        for turn in range(rounds + 1):
            shift = turn % len(names)
            for name in names[shift:] + names[:shift]:
                flush(client)
                part = requests[turn * size :][: int(size * PROGRAMS[name].share)]
                passed, used = send_slice(served[name], part, PROGRAMS[name].answer)
                _assert_remembered(client, name, len(part))
                times[name].append(passed / len(part))
                cpu[name].append(used / len(part))
        for name in compared & {"queued", "naive"}:
            _assert_counts(client, url, served[name], name, requests[: 2 * DRAINED])
    for pair in pairs:
        yield _rate({name: kept[1:] for name, kept in times.items()}, pair)
        if all(cpu["base"][1:]):  # The rate moves with the load of the machine, the CPU less.
            yield _cpu({name: kept[1:] for name, kept in cpu.items()}, pair)
    for name, kept in cpu.items() if all(cpu["base"][1:]) else ():
        micros = [1e6 * each for each in kept[1:]]
        yield Row(f"HTTP, {name}: server's CPU per delivery, in us", "counted", micros)


def _rate(times: dict[str, list[float]], pair: Pair) -> Row:
    ratios = against(times[pair.base], times[pair.ours])
    aim = f">= {pair.rate}" if pair.rate else ""
    return Row(f"{pair.what}: rate", pair.against, ratios, aim, pair.why)


def _cpu(cpu: dict[str, list[float]], pair: Pair) -> Row:
    ratios = against(cpu[pair.ours], cpu[pair.base])
    aim = f"<= {pair.cpu}" if pair.cpu else ""
    return Row(f"{pair.what}: server's CPU per delivery", pair.against, ratios, aim, pair.why)


def send_slice(served: Served, requests: Sequence[bytes], answer: str) -> tuple[float, float]:
    """Send *requests*, and return the seconds and the server's CPU seconds that it took."""
    used, start = cpu_seconds(served.pid), time.perf_counter()
    answers = uvloop.run(send_all(served.port, requests))
    passed, used = time.perf_counter() - start, cpu_seconds(served.pid) - used
    assert answers == {answer: len(requests)}, answers
    return passed, used


def _assert_remembered(client: redis.Redis, name: str, number: int) -> None:
    program = PROGRAMS[name]
    expected = program.keys * number + program.others
    assert client.dbsize() == expected, (name, client.dbsize(), expected)
    if name in ("queued", "naive"):
        assert client.llen(f"rq:queue:{QUEUE}") == number


def _assert_counts(
    client: redis.Redis, url: str, served: Served, name: str, requests: Sequence[bytes]
) -> None:
    """Check that duplicates are recognised and that the jobs run."""
    flush(client)
    send_slice(served, requests, PROGRAMS[name].answer)
    send_slice(served, requests, "200 duplicate" if name == "queued" else "200 -")
    _assert_remembered(client, name, len(requests))
    drain("ours" if name == "queued" else "plain", "simple", url, DRAINED)
    left = len(requests) - DRAINED
    assert client.llen(f"rq:queue:{QUEUE}") == left
    if name == "queued":
        assert client.zcard(f"fl:pending:{QUEUE}") == left
        assert client.llen("fl:done") == DRAINED
    else:
        assert len(list(client.scan_iter(f"{CLAIM}*", 1000))) == len(requests)
        assert client.zcard(f"rq:finished:{QUEUE}") == DRAINED


@contextmanager
def serve(name: str, url: str, command: Sequence[str] | None = None) -> Iterator[Served]:
    """Serve the program *name*, or that of *command*, whose ``{fd}`` is the socket."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listening:
        descriptor = listening.fileno()
        words = command or [sys.executable, "-m", "benchmarks.serve", name, "{fd}", url]
        filled = [word.replace("{fd}", str(descriptor)) for word in words]
        process = subprocess.Popen(filled, pass_fds=[descriptor])
        try:
            yield Served(listening.getsockname()[1], process.pid)
        finally:
            process.terminate()
            process.wait()
