"""Print the path of a delivery through the package: ``python -m benchmarks.path``.

A move is a call (``sys.setprofile``) into another module of the package than the nearest caller
inside the package. A call from outside is a move, too: by the server, or by the event loop that
resumes a coroutine or runs a thread. Generated constructors count for the module of their class.

Counted is the second delivery of a receiver, whose handler is a plain function of event and
delivery: inline, through ASGI with a MemoryStore; and in a worker, with a RedisStore.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, NamedTuple

import redis

from benchmarks.deliveries import PATH, SECRET, distinct, raw_headers
from benchmarks.programs import ignore
from benchmarks.redis_server import server
from florentin_webhooks import MemoryStore, Receiver, RedisStore
from florentin_webhooks.asgi import WebhookApp
from florentin_webhooks.core.job import process_job
from florentin_webhooks.rq import RQQueue

if TYPE_CHECKING:
    from starlette.types import Message, Scope

    from florentin_webhooks.testing import SignedDelivery

__all__ = ["Move", "trace_inline", "trace_job"]

PACKAGE = "florentin_webhooks."
OUTSIDE = "-"


class Move(NamedTuple):
    """A call into another module; *source* is ``-`` for a call from outside the package."""

    source: str
    target: str
    function: str


def main() -> None:
    """Print both paths and their lengths."""
    logging.getLogger("florentin_webhooks").setLevel(logging.CRITICAL)
    _print_path("inline delivery through ASGI", trace_inline())
    with server() as url:
        _print_path("job in a worker", trace_job(url))


def trace_inline() -> list[Move]:
    """Return the moves of an inline delivery through ASGI."""
    receiver = Receiver(SECRET, store=MemoryStore())
    receiver.on("invoice.created")(ignore)
    app = WebhookApp(receiver)
    first, second = distinct(2)
    asyncio.run(_request(app, first))  # A loop of its own, so that the second one's thread is new.
    return asyncio.run(_request(app, second))


def trace_job(url: str) -> list[Move]:
    """Return the moves of a job in a worker whose store is the Redis at *url*."""
    store = RedisStore(url, prefix="benchmark-path:")
    queue = RQQueue("benchmark-path", receiver="benchmarks.path:receiver")
    receiver = Receiver(SECRET, store=store, queue=queue)
    receiver.on("invoice.created")(ignore)
    with redis.Redis.from_url(url) as client:
        of_worker = store.with_client(client)
        _process(receiver, of_worker)
        moves = _process(receiver, of_worker)
    receiver.close()
    return moves


def _process(receiver: Receiver, store: RedisStore) -> list[Move]:
    (made,) = distinct(1)
    reply = receiver.receive(made.headers, made.body)
    fingerprint = json.loads(reply.body)["data"]["delivery"]
    (queue,) = receiver.queue_names
    with _recorded() as moves:
        since = time.monotonic()
        result = process_job(receiver, store, fingerprint, queue, last=True, since=since)
    assert (reply.status, result.seconds, result.failures) == (202, None, ())
    return moves


async def _request(app: WebhookApp, made: SignedDelivery) -> list[Move]:
    async def receive() -> Message:
        return {"type": "http.request", "body": made.body, "more_body": False}

    async def send(message: Message) -> None:
        statuses.append(message.get("status"))

    statuses: list[object] = []
    with _recorded() as moves:
        await app(_scope(made), receive, send)
    assert statuses == [200, None]
    return moves


def _scope(made: SignedDelivery) -> Scope:
    return {"type": "http", "method": "POST", "path": PATH, "headers": raw_headers(made)}


@contextmanager
def _recorded() -> Iterator[list[Move]]:
    """Collect the moves of this thread, and of all threads that start meanwhile."""
    moves: list[Move] = []

    def profile(frame: FrameType, event: str, _argument: object) -> None:
        target = _module(frame)
        if event == "call" and target and (source := _caller(frame)) != target:
            moves.append(Move(source, target, frame.f_code.co_qualname))

    threading.setprofile(profile)
    sys.setprofile(profile)
    try:
        yield moves
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


def _caller(frame: FrameType) -> str:
    """Return the module of the nearest caller inside the package."""
    caller = frame.f_back
    while caller is not None:
        if module := _module(caller):
            return module
        caller = caller.f_back
    return OUTSIDE


def _module(frame: FrameType) -> str:
    """Return the name of *frame*'s module within the package, or an empty string."""
    name = str(frame.f_globals.get("__name__", ""))
    return name.removeprefix(PACKAGE) if name.startswith(PACKAGE) else ""


def _print_path(title: str, moves: list[Move]) -> None:
    modules = {move.target for move in moves}
    print(f"{title}: {len(moves)} moves between {len(modules)} modules")
    for move in moves:
        print(f"  {move.source:32} -> {move.target}:{move.function}")


if __name__ == "__main__":
    main()
