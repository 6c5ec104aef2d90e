"""Two programs with handlers in RQ workers: ours, and a simple one written by hand.

Workers import this module. Environment variables hold the Redis URL and the pipe.
"""

from __future__ import annotations

import os
import struct
import time
from typing import TYPE_CHECKING

import redis
import redis.asyncio
import rq
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.deliveries import PATH, SECRET
from benchmarks.programs import is_signed
from florentin_webhooks import Receiver, RedisStore
from florentin_webhooks.rq import RQQueue

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp

    from florentin_webhooks.events import InvoiceCreated, UserLogin

__all__ = [
    "CLAIM",
    "EMPTY",
    "PIPE",
    "QUEUE",
    "URL",
    "do_nothing",
    "empty",
    "mark",
    "naive",
    "note_start",
    "receiver",
]

URL, PIPE = "BENCHMARK_REDIS_URL", "BENCHMARK_PIPE"
"""Environment variables."""

QUEUE = "florentin"
PATH_OF_HOOKS = f"{__name__}:hooks"
CLAIM = "claim:"
DAY = 24 * 60 * 60


def receiver(url: str) -> Receiver:
    """Return a receiver with its store and queue in the Redis at *url*."""
    made = Receiver(SECRET, store=RedisStore(url), queue=RQQueue(QUEUE, receiver=PATH_OF_HOOKS))
    made.on("invoice.created")(empty)
    made.on("user.login")(mark)
    return made


def naive(url: str) -> ASGIApp:
    """Return a program as written by hand: verify, SET NX, ``queue.enqueue`` in a thread."""
    claims = redis.asyncio.Redis.from_url(url)
    queue = rq.Queue(QUEUE, connection=redis.Redis.from_url(url))

    async def endpoint(request: Request) -> Response:
        body = await request.body()
        if not is_signed(request, body):
            return Response(status_code=401)
        key = CLAIM + request.headers["x-florentin-delivery-id"]
        if await claims.set(key, "1", nx=True, ex=DAY):
            await run_in_threadpool(queue.enqueue, do_nothing, body)
        return Response(status_code=200)

    return Starlette(routes=[Route(PATH, endpoint, methods=["POST"])])


def empty(_event: InvoiceCreated) -> None:
    """Handle an event by doing nothing."""


def mark(_event: UserLogin) -> None:
    """Report when the handler started."""
    _report_time()


def do_nothing(_body: bytes) -> None:
    """Do nothing, as a plain RQ job."""


def note_start(_body: bytes) -> None:
    """Report when the job started, as a plain RQ job."""
    _report_time()


def _report_time() -> None:
    os.write(int(os.environ[PIPE]), struct.pack("d", time.monotonic()))


EMPTY = f"{__name__}:{empty.__qualname__}"
"""The name of the handler in records."""

hooks = receiver(os.environ.get(URL, "redis://"))
