"""The programs whose handlers run in RQ workers: ours, and the naive way that it is compared with.

Workers import this module, under the Redis URL and the pipe that the environment names.
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
"""Variables of the environment."""

QUEUE = "florentin"
PATH_OF_HOOKS = f"{__name__}:hooks"
CLAIM = "claim:"
DAY = 24 * 60 * 60


def receiver(url: str) -> Receiver:
    """Give a receiver that remembers and queues in the Redis at *url*."""
    made = Receiver(SECRET, store=RedisStore(url), queue=RQQueue(QUEUE, receiver=PATH_OF_HOOKS))
    made.on("invoice.created")(empty)
    made.on("user.login")(mark)
    return made


def naive(url: str) -> ASGIApp:
    """Give what people write by hand: verify, SET NX, then ``queue.enqueue`` in a thread."""
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
    """Say when the handler started."""
    _tell_time()


def do_nothing(_body: bytes) -> None:
    """Be the job of plain RQ that does nothing."""


def note_start(_body: bytes) -> None:
    """Be the job of plain RQ that says when it started."""
    _tell_time()


def _tell_time() -> None:
    os.write(int(os.environ[PIPE]), struct.pack("d", time.monotonic()))


EMPTY = f"{__name__}:{empty.__qualname__}"
"""The name under which records note the handler."""

hooks = receiver(os.environ.get(URL, "redis://"))
