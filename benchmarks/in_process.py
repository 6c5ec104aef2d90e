"""A whole delivery through ASGI without a network, compared with a bare endpoint."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.deliveries import PATH, SECRET, distinct, raw_headers
from benchmarks.measure import Row, against, paired
from benchmarks.programs import full, verifies_only
from florentin_webhooks import Receiver

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Scope

    from florentin_webhooks.core.processing.report import Reporter
    from florentin_webhooks.testing import SignedDelivery

__all__ = ["request_of", "rows"]

SLICE = 200
"""Deliveries of one slice, because each program starts with the other's caches."""

CHECKS = 4
"""The places in the flow that look for an observer."""

FURTHER = 4
"""The handlers beside the first one, to measure what each of them costs."""

clock = time.thread_time
"""CPU time of this thread: by the wall clock, this ratio is a third higher under load."""

WHY = "It also does strict JSON, the typed event, recognising retries and two store operations."

Request = tuple["Scope", "Message"]


def rows(*, quick: bool) -> Iterator[Row]:
    """Send the same deliveries to each program in turn; a program gets each delivery once."""
    rounds = 5 if quick else 81
    made = list(distinct((rounds + 1) * SLICE))
    gc.collect()
    gc.freeze()  # The collector must not scan the prepared deliveries.
    ours, base, several = asyncio.run(_race(made, rounds))
    gc.unfreeze()
    yield Row(
        "whole ASGI delivery in process, MemoryStore",
        "Starlette Route that only verifies",
        against(ours, base),
        "<= 2.2",
        WHY,
    )
    each = [(more - one) / FURTHER for more, one in zip(several, ours, strict=True)]
    yield Row("each further inline handler", "a delivery with one", against(each, ours), "<= 0.2")
    checks = paired({"checks": _check_observers}, len(ours), clock)["checks"]
    what = "the checks for an observer, where there is none"
    yield Row(what, "a delivery", against(checks, ours), "<= 0.01")


def _check_observers(reporter: Reporter = Receiver(SECRET).reporter) -> None:  # noqa: B008 - one.
    """Do what a delivery with one inline handler does to learn that nobody observes it."""
    for _ in range(CHECKS):
        if reporter.notifier is not None:
            raise AssertionError


async def _race(made: Sequence[SignedDelivery], rounds: int) -> Iterable[list[float]]:
    app, runs = full()
    several, _ = full(further=FURTHER)
    programs: dict[str, ASGIApp] = {"ours": app, "base": verifies_only(), "several": several}
    times: dict[str, list[float]] = {name: [] for name in programs}
    deliveries = iter(made)
    for turn in range(rounds + 1):
        part = list(islice(deliveries, SLICE))
        for name in list(programs)[:: 1 if turn % 2 else -1]:
            times[name].append(await _median(programs[name], [request_of(each) for each in part]))
    assert len(runs) == len(made), "a delivery did not run, or ran twice"
    forged = request_of(made[0]._replace(body=made[0].body + b" "))
    for app in programs.values():
        await _median(app, [forged], status=401)
    return [kept[1:] for kept in times.values()]  # The first round warmed up.


async def _median(app: ASGIApp, requests: Sequence[Request], *, status: int = 200) -> float:
    statuses: list[int] = []

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    times: list[float] = []
    for scope, message in requests:

        async def receive(message: Message = message) -> Message:
            return message

        start = clock()
        await app(scope, receive, send)
        times.append(clock() - start)
    assert statuses == [status] * len(requests), statuses
    return median(times)


def request_of(made: SignedDelivery) -> Request:
    """Return *made* as the scope and the message of an ASGI request."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "server": ("127.0.0.1", 8000),
        "client": ("127.0.0.1", 50_000),
        "scheme": "http",
        "method": "POST",
        "root_path": "",
        "path": PATH,
        "raw_path": PATH.encode(),
        "query_string": b"",
        "headers": raw_headers(made),
        "state": {},
    }
    return scope, {"type": "http.request", "body": made.body, "more_body": False}
