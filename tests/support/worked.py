"""A receiver for workers in processes of their own; ``python -m tests.support.worked fork`` is one.

It is told by ``FW_URL``, ``FW_PREFIX`` and ``FW_QUEUE`` where it works. What its handlers do stands
in the event: the last word of the invoice's number. Each run is noted under ``<prefix>ran``.
"""

from __future__ import annotations

import logging
import os
import sys
from functools import cache

import redis

from florentin_webhooks import Delivery, Discard, Receiver, RedisStore, RetryLater, RQQueue
from florentin_webhooks.events import Event, InvoiceCreated
from tests.support.vectors import SECRET, T0

PRIVATE = "ada@adabooks.example"
"""What stands in every event and in every error of a handler."""


def build(url: str, prefix: str, queue: str) -> Receiver:
    """Give the receiver, whose workers find it as ``hooks`` of this module."""
    made = Receiver(
        SECRET,
        store=RedisStore(url, prefix=prefix),
        queue=RQQueue(queue, retries=(1,), receiver=f"{__name__}:hooks"),
        clock=lambda: T0,
    )
    made.on("invoice.created")(bill)
    made.on(Event)(count)
    return made


def bill(event: InvoiceCreated, delivery: Delivery) -> object:
    """Do what the event says."""
    word = event.data.invoice.number.rpartition(" ")[2]
    times = _client().rpush(f"{_prefix()}ran", f"{delivery.fingerprint} {word}")
    with delivery.once("effect") as first:
        if first:
            _client().incr(f"{_prefix()}effects")
    if word == "fails" or (word == "twice" and runs(_client(), _prefix()).count(word) == 1):
        raise ValueError(f"{PRIVATE}\n{event!r} {delivery.body!r} {SECRET} {times}")
    if word == "later" and runs(_client(), _prefix()).count(word) == 1:
        raise RetryLater(1)
    if word == "discards":
        raise Discard(PRIVATE)
    return {PRIVATE: object()}


async def count(_event: Event, delivery: Delivery) -> str:
    """Run beside it, as a coroutine."""
    async with delivery.once("counted"):
        return PRIVATE


def runs(client: redis.Redis, prefix: str) -> list[str]:
    """What the handler was told to do, in the order of its runs."""
    noted = client.lrange(f"{prefix}ran", 0, -1)
    return [each.decode().rpartition(" ")[2] for each in noted]  # type: ignore[union-attr]  # bytes.


def _prefix() -> str:
    return os.environ["FW_PREFIX"]


@cache
def _client() -> redis.Redis:
    return redis.Redis.from_url(os.environ["FW_URL"])


if "FW_URL" in os.environ:
    hooks = build(os.environ["FW_URL"], os.environ["FW_PREFIX"], os.environ["FW_QUEUE"])

if __name__ == "__main__":
    from florentin_webhooks.core.loader import load_receiver
    from florentin_webhooks.rq.worker import WorkerKind, build_worker

    logging.basicConfig(level=logging.INFO)
    worker = build_worker(
        load_receiver("tests.support.worked:hooks"),
        redis.Redis.from_url(os.environ["FW_URL"]),
        queue=os.environ["FW_QUEUE"],
        kind=WorkerKind(sys.argv[1]),
    )
    worker.work(burst="--stay" not in sys.argv, with_scheduler=True)
