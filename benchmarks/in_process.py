"""A whole delivery through ASGI without a network, compared with a bare endpoint."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.deliveries import PATH, distinct, raw_headers
from benchmarks.measure import Row, against
from benchmarks.programs import full, verifies_only

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Scope

    from florentin_webhooks.testing import SignedDelivery

__all__ = ["request_of", "rows"]

SLICE = 200
"""Deliveries of one slice, because each program starts with the other's caches."""

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
    ours, base = asyncio.run(_race(made, rounds))
    gc.unfreeze()
    yield Row(
        "whole ASGI delivery in process, MemoryStore",
        "Starlette Route that only verifies",
        against(ours, base),
        "<= 2.2",
        WHY,
    )


async def _race(made: Sequence[SignedDelivery], rounds: int) -> tuple[list[float], list[float]]:
    app, runs = full()
    programs: dict[str, ASGIApp] = {"ours": app, "base": verifies_only()}
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
    return times["ours"][1:], times["base"][1:]  # The first round warmed up.


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
