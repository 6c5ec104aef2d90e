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

import uvloop

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
    "Django, gunicorn": (GUNICORN, "with_django:wsgi", ""),
    "Flask, gunicorn": (GUNICORN, "with_flask:app", ""),
    "Django, uvicorn": (UVICORN, "with_django:asgi", "-async"),
    "FastAPI, uvicorn": (UVICORN, "with_fastapi:app", ""),
}
TURNS = {
    "handled": (HANDLED, PATH, "200 processed"),
    "unwanted": (UNWANTED, PATH, "200 ignored"),
    "by hand": (HANDLED, BY_HAND, "200 -"),
}
OTHER = "a view that verifies by hand"
WHY = "Strict JSON and the typed event weigh more on a fast server; the other view has neither."


def rows(*, quick: bool) -> Iterator[Row]:
    """Return the rate of each mount, in wall-clock time."""
    rounds, size = (1, 20) if quick else (9, SLICE)
    made = {
        event: [request_bytes(each) for each in distinct((rounds + 1) * size, event)]
        for event in (HANDLED, UNWANTED)
    }
    pin(CORE + 1)
    for place, (server, program, kind) in PLACES.items():
        with _serve(server, program) as port:
            times = _measured(port, made, size, kind)
        unwanted = against(times["by hand"], times["unwanted"])
        yield Row(f"{place}: verified and typed, rate", OTHER, unwanted, ">= 0.85", WHY)
        handled = against(times["by hand"], times["handled"])
        yield Row(f"{place}: handled and stored in memory, rate", OTHER, handled)


def _measured(
    port: int, made: dict[str, list[bytes]], size: int, kind: str
) -> dict[str, list[float]]:
    times: dict[str, list[float]] = defaultdict(list)
    names = list(TURNS)
    for turn, start in enumerate(range(0, len(made[HANDLED]), size)):
        shift = turn % len(names)
        for name in names[shift:] + names[:shift]:
            event, path, answer = TURNS[name]
            place = f"{path}{kind}".encode()
            part = made[event][start : start + size]
            sent = [request.replace(PATH.encode(), place, 1) for request in part]
            times[name].append(_slice(port, sent, answer))
    return {name: kept[1:] for name, kept in times.items()}  # The first of each is a warm-up.


def _slice(port: int, requests: Sequence[bytes], answer: str) -> float:
    start = time.perf_counter()
    answers = uvloop.run(send_all(port, requests))
    passed = time.perf_counter() - start
    assert answers == {answer: len(requests)}, answers
    return passed / len(requests)


@contextmanager
def _serve(server: Sequence[str], program: str) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listening:
        descriptor = listening.fileno()
        words = [word.format(fd=descriptor, program=program) for word in server]
        command = [sys.executable, "-m", *words]
        process = subprocess.Popen(command, pass_fds=[descriptor])
        pin(CORE, process.pid)  # In time: it imports before it forks.
        try:
            yield listening.getsockname()[1]
        finally:
            process.terminate()
            process.wait()
