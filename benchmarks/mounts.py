"""Each framework's mount compared with a view that verifies by hand, over HTTP.

The server has one core and the sender the other. Mount and view take turns in slices; each delivery
is new. An event without a handler is verified and typed but not stored, so it is comparable with a
view written by hand. An event with a handler is stored as well.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import uvloop

from benchmarks.cpu import cpu_seconds
from benchmarks.deliveries import PATH, distinct
from benchmarks.frameworks import BY_HAND
from benchmarks.load import request_bytes, send_all
from benchmarks.measure import Row, against
from benchmarks.serve import CORE, pin

__all__ = ["rows"]

SLICE = 400
HANDLED, UNWANTED = "invoice.created", "user.login"

POOL = ["--worker-class", "gthread", "--threads", "4", "--log-level", "warning"]
GUNICORN = ["gunicorn", *POOL, "--bind", "fd://{fd}", "benchmarks.frameworks.{program}"]
UVICORN = ["benchmarks.frameworks", "benchmarks.frameworks.{program}", "{fd}"]
PLACES = {
    "Django, gunicorn": (GUNICORN, "with_django:wsgi", "", ">= 0.80"),
    "Flask, gunicorn": (GUNICORN, "with_flask:app", "", ">= 0.80"),
    "Django, uvicorn": (UVICORN, "with_django:asgi", "-async", ">= 0.80"),
    "FastAPI by router, uvicorn": (UVICORN, "with_fastapi:app", "", ">= 0.55"),
    "FastAPI by WebhookMiddleware, uvicorn": (UVICORN, "with_fastapi:behind", "", ">= 0.95"),
}
QUICK = ("Flask, gunicorn", "FastAPI by router, uvicorn")
TURNS = {
    "handled": (HANDLED, PATH, "200 processed"),
    "unwanted": (UNWANTED, PATH, "200 ignored"),
    "by hand": (HANDLED, BY_HAND, "200 -"),
}


class Served(NamedTuple):
    """A running server on *port*."""

    port: int
    pid: int


OTHER = "a view that verifies by hand"
WHY = "Strict JSON, the typed event and the record take the time; the other view has none of them."


def rows(*, quick: bool) -> Iterator[Row]:
    """Return the rate of each mount in wall-clock time, and the CPU time of its server."""
    rounds, size = (1, 20) if quick else (9, SLICE)
    made = {
        event: [request_bytes(each) for each in distinct((rounds + 1) * size, event)]
        for event in (HANDLED, UNWANTED)
    }
    pin(CORE + 1)
    for place in QUICK if quick else PLACES:
        server, program, kind, aim = PLACES[place]
        with _serve(server, program) as served:
            times, cpu = _measured(served, made, size, kind)
        unwanted = against(times["by hand"], times["unwanted"])
        yield Row(f"{place}: verified and typed, rate", OTHER, unwanted, ">= 0.85", WHY)
        handled = against(times["by hand"], times["handled"])
        yield Row(f"{place}: handled and stored in memory, rate", OTHER, handled, aim, WHY)
        if all(cpu["by hand"]):
            what = f"{place}: handled and stored in memory, server's CPU"
            yield Row(what, OTHER, against(cpu["handled"], cpu["by hand"]))


Costs = dict[str, list[float]]


def _measured(
    served: Served, made: dict[str, list[bytes]], size: int, kind: str
) -> tuple[Costs, Costs]:
    times: Costs = defaultdict(list)
    cpu: Costs = defaultdict(list)
    names = list(TURNS)
    for turn, start in enumerate(range(0, len(made[HANDLED]), size)):
        shift = turn % len(names)
        for name in names[shift:] + names[:shift]:
            event, path, answer = TURNS[name]
            place = f"{path}{kind}".encode()
            part = made[event][start : start + size]
            sent = [request.replace(PATH.encode(), place, 1) for request in part]
            used = cpu_seconds(served.pid)
            times[name].append(_slice(served.port, sent, answer))
            cpu[name].append(cpu_seconds(served.pid) - used)
    for kept in (*times.values(), *cpu.values()):
        del kept[0]  # The warm-up.
    return times, cpu


def _slice(port: int, requests: Sequence[bytes], answer: str) -> float:
    start = time.perf_counter()
    answers = uvloop.run(send_all(port, requests))
    passed = time.perf_counter() - start
    assert answers == {answer: len(requests)}, answers
    return passed / len(requests)


@contextmanager
def _serve(server: Sequence[str], program: str) -> Iterator[Served]:
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listening:
        descriptor = listening.fileno()
        words = [word.format(fd=descriptor, program=program) for word in server]
        command = [sys.executable, "-m", *words]
        process = subprocess.Popen(command, pass_fds=[descriptor])
        pin(CORE, process.pid)  # In time: it imports before it forks.
        try:
            yield Served(listening.getsockname()[1], process.pid)
        finally:
            process.terminate()
            process.wait()
