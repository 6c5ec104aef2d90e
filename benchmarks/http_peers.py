"""Deliveries over HTTP, compared with FastAPI and arq, and with FastAPI, stripe and Celery.

As benchmarks/over_http.py: each server in turn gets a slice of requests. arq is installed into
``.venv/arq`` on first use.
"""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import redis

from benchmarks.deliveries import PATH, SECRET, distinct
from benchmarks.load import request_bytes
from benchmarks.measure import Row, against
from benchmarks.over_http import QUEUED, send_slice, serve
from benchmarks.queued import QUEUE
from benchmarks.redis_server import flush, server
from benchmarks.serve import CORE, pin
from benchmarks.with_celery import HEADER, sign
from florentin_webhooks.testing import SignedDelivery

__all__ = ["rows"]

SLICE = 1000
ANSWERS = {"queued": "202 accepted", "arq": "200 -", "celery": "200 -"}
PEERS = {
    "arq": ("FastAPI, an HMAC and arq", ">= 3"),
    "celery": ("FastAPI, stripe and celery.delay in a thread", ">= 6.5"),
}
ARQ = Path(sys.prefix, "arq")
ARQ_PACKAGES = ["arq>=0.28", "fastapi>=0.133", "httptools>=0.6", "uvicorn>=0.54", "uvloop>=0.22"]


def rows(*, quick: bool) -> Iterator[Row]:
    """Return rates in wall-clock time and CPU time; the servers take turns."""
    rounds, size = (1, 100) if quick else (7, SLICE)
    requests = [_request(made) for made in distinct((rounds + 1) * size)]
    arq = _arq_server()
    pin(CORE + 1)
    times, cpu = defaultdict[str, list[float]](list), defaultdict[str, list[float]](list)
    with ExitStack() as stack:
        url = stack.enter_context(server())
        client = stack.enter_context(redis.Redis.from_url(url))
        commands = {"arq": [*arq, "{fd}", url, PATH, SECRET, str(CORE)]}
        served = {
            name: stack.enter_context(serve(name, url, commands.get(name))) for name in ANSWERS
        }
        for turn in range(rounds + 1):
            part = requests[turn * size :][:size]
            for name in list(ANSWERS)[:: 1 if turn % 2 else -1]:
                flush(client)
                passed, used = send_slice(served[name], part, ANSWERS[name])
                assert _queued(client, name) == len(part), (name, _queued(client, name))
                times[name].append(passed)
                cpu[name].append(used)
    for name, (peer, aim) in PEERS.items():
        yield Row(f"{QUEUED}: rate", peer, against(times[name][1:], times["queued"][1:]), aim)
        if all(cpu[name][1:]):
            ratios = against(cpu["queued"][1:], cpu[name][1:])
            yield Row(f"{QUEUED}: server's CPU per delivery", peer, ratios)


def _request(made: SignedDelivery) -> bytes:
    """Return a request that is signed in both ways, so that all servers read the same."""
    first, rest = request_bytes(made).split(b"\r\n", 1)
    return b"%s\r\n%s: %s\r\n%s" % (first, HEADER.encode(), sign(made.body), rest)


def _queued(client: redis.Redis, name: str) -> object:
    if name == "arq":
        return client.zcard("arq:queue")
    return client.llen(f"rq:queue:{QUEUE}" if name == "queued" else "celery")


def _arq_server() -> Sequence[str]:
    """Return the command of the server with arq, after it is installed."""
    python = ARQ / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(ARQ)], check=True)
        pip = [str(python), "-m", "pip", "-qq", "--disable-pip-version-check", "install"]
        subprocess.run([*pip, *ARQ_PACKAGES], check=True)
    return [str(python), str(Path(__file__).with_name("arq_server.py"))]
