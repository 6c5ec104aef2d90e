"""How long commands hold a Redis that remembers many deliveries, and one that arrives meanwhile.

Time is the server's own, of the log of slow commands, and CPU time of the command. Only deliveries
that arrive meanwhile are timed by the clock, which other programs on the machine disturb.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from resource import RUSAGE_CHILDREN, getrusage
from secrets import token_hex
from typing import Any, NamedTuple, cast

import redis
import rq

from benchmarks.deliveries import distinct
from benchmarks.measure import Row
from benchmarks.redis_server import server
from benchmarks.remembering import PATH, QUEUE, URL, fill, receiver
from florentin_webhooks import Receiver, RedisStore
from florentin_webhooks.core.stores.jobs import IndexStates
from florentin_webhooks.inspector.sources import Sources
from florentin_webhooks.inspector.trail import Trail
from florentin_webhooks.inspector.views.deliveries import Listing
from florentin_webhooks.inspector.views.query import Query
from florentin_webhooks.rq.sweeper import drop_expired, index_states, requeue_lost

__all__ = ["rows"]

FULL = {"done": 1_000_000, "waiting": 100_000, "dead": 50_000}
SMALL = {"done": 100, "waiting": 100, "dead": 20}
STATES = ("running", "queued", "scheduled", "done", "failed", "dead", "stale", "invalid")


def rows(*, quick: bool) -> Iterator[Row]:
    """Return a row for each command and part of the worker and the inspector."""
    counts = SMALL if quick else FULL
    with server() as url, redis.Redis.from_url(url) as client:
        dead = fill(url, **counts)
        yield Row("size of the Redis that is looked into, MB", "", [_megabytes(client)])
        stage = _Stage(url, client, dead, 1 if quick else 3)
        yield from stage.rows(quick=quick)


class _Cost(NamedTuple):
    hold: float
    cpu: float
    slowest: float


class _Stage:
    def __init__(self, url: str, client: redis.Redis, dead: list[str], rounds: int) -> None:
        self._url, self._rounds, self._dead = url, rounds, dead
        self._server: Any = client  # Any: redis-py leaves its types open.
        for name, value in (("slower-than", 200), ("max-len", 10_000)):
            self._server.config_set(f"slowlog-{'log-' * (name != 'max-len')}{name}", value)
        self._store = RedisStore(url)
        self._hooks = receiver(self._store)

    def rows(self, *, quick: bool) -> Iterator[Row]:
        commands = [*_commands(self._dead)]
        yield from self._rows("nothing", lambda: time.sleep(0.1 if quick else 1))
        yield from self._rows("the first index of states", self._index, self._forget_index)
        for words in commands[:1] if quick else commands:
            yield from self._rows(f"`{' '.join(words)}`", lambda words=words: self._type(words))
        for name, work in self._parts():
            yield from self._rows(name, work)

    def _rows(
        self, name: str, work: Callable[[], None], prepare: Callable[[], None] = bool
    ) -> Iterator[Row]:
        name = name.replace(f" {PATH}", "")
        costs = [self._measure(work, prepare) for _ in range(self._rounds)]
        yield Row(f"longest hold of Redis by {name}, ms", "", [each.hold for each in costs], "<= 5")
        yield Row(f"CPU time of {name}, s", "", [each.cpu for each in costs], "<= 1")
        slowest = [each.slowest for each in costs]
        yield Row(f"slowest delivery during {name}, ms", "", slowest, "<= 50", "others ran, too")

    def _measure(self, work: Callable[[], None], prepare: Callable[[], None]) -> _Cost:
        prepare()
        last = self._last_logged()
        began = _cpu()
        with _arriving(self._hooks) as times:
            work()
        spent = _cpu() - began
        logged = self._server.slowlog_get(self._last_logged() - last + 1)
        holds = [each["duration"] for each in logged if last < each["id"] and _is_ours(each)]
        return _Cost(max(holds, default=0) / 1000, spent, max(times) * 1000)

    def _last_logged(self) -> int:
        """Return the number of the last entry. To empty the log would hold the server for 8 ms."""
        return next((entry["id"] for entry in self._server.slowlog_get(1)), -1)

    def _forget_index(self) -> None:
        """Put the index away. To free its memory would take 6 ms in the midst of the next calls."""
        for key in (self._store.schema.indexed, *self._store.schema.indexes):
            if self._server.exists(key):
                self._server.rename(key, f"forgotten:{token_hex(8)}")

    def _index(self) -> None:
        """Index all states as a worker does that finds no index."""
        while not self._store.execute(IndexStates()):
            pass

    def _type(self, words: tuple[str, ...]) -> None:
        line = [sys.executable, "-m", "florentin_webhooks", *words]
        done = subprocess.run(
            line, env={**os.environ, URL: self._url}, check=False, capture_output=True, text=True
        )
        assert done.returncode in (0, 1, 2), done.stderr
        is_whole = "To go on, add --until" not in done.stderr
        assert is_whole or "--state" not in words or "--event" in words, words

    def _parts(self) -> Iterator[tuple[str, Callable[[], None]]]:
        """Yield what workers and the inspector do."""
        hooks = self._hooks
        queue = cast("Any", rq.Queue)(QUEUE, connection=self._server, serializer="json")
        yield "the sweeper", lambda: _sweep(hooks, queue)
        listing = Listing(Sources([hooks]), Trail())
        for state in ("", "dead", "failed", "running", "scheduled"):
            yield from self._show(listing, Query(state=state))
        yield from self._show(listing, Query(text="no-such-text"))

    def _show(self, listing: Listing, query: Query) -> Iterator[tuple[str, Callable[[], None]]]:
        def show() -> None:
            listing.page(query)

        yield f"the inspector's list {query.state}{query.text}".rstrip(), show


def _sweep(hooks: Receiver, queue: Any) -> None:
    assert requeue_lost(hooks, queue, -3600) == 0
    drop_expired(hooks)
    index_states(hooks)


def _commands(dead: list[str]) -> Iterator[tuple[str, ...]]:
    listed = ("deliveries", "list", PATH)
    yield listed
    yield from ((*listed, "--state", state) for state in STATES)
    yield (*listed, "--event", "team.created")
    yield from (
        (*listed, "--event", "team.created", "--state", state) for state in ("dead", "queued")
    )
    yield from ((*listed, "--event", "invoice.created", "--state", state) for state in STATES[-2:])
    yield (*listed, "--since", "1s")
    yield (*listed, "--until", "1d")
    yield (*listed, "--limit", "1000")
    show = ("deliveries", "show", PATH)
    yield (*show, dead[0][:12])
    yield (*show, "abcdef123456")
    yield (*show, "no-such-delivery")
    yield ("deliveries", "export", PATH, "--state", "dead", "--limit", "2", "--to", os.devnull)
    yield ("deliveries", "replay", PATH, dead[1][:12])
    yield ("deliveries", "export", PATH, "--event", "team.created", "--to", os.devnull)
    yield ("deliveries", "replay", PATH, "--event", "team.created", "--yes")
    yield ("dead", "list", PATH)
    yield ("dead", "list", PATH, "--limit", "1000")
    yield ("dead", "requeue", PATH, dead[2][:12])
    yield ("dead", "discard", PATH, dead[3][:12], "--yes")
    yield ("dead", "discard", PATH, "--all")  # Asks, and gets no answer.
    yield ("queue", PATH)
    yield ("health", PATH)


@contextmanager
def _arriving(hooks: Receiver) -> Iterator[list[float]]:
    """Receive deliveries during the block, and yield the seconds of each."""
    times: list[float] = []
    ended = threading.Event()

    def receive() -> None:
        while True:
            (made,) = distinct(1, "user.login")
            began = time.monotonic()
            assert hooks.receive(made.headers, made.body).outcome == "processed"
            times.append(time.monotonic() - began)
            if ended.wait(0.01):
                return

    thread = threading.Thread(target=receive)
    thread.start()
    try:
        yield times
    finally:
        ended.set()
        thread.join()


def _is_ours(entry: dict[str, Any]) -> bool:  # Any: redis-py leaves its types open.
    """Whether the benchmark itself did not ask for *entry*."""
    return not entry["command"].startswith((b"SLOWLOG", b"RENAME", b"CONFIG"))


def _cpu() -> float:
    children = getrusage(RUSAGE_CHILDREN)
    return time.thread_time() + children.ru_utime + children.ru_stime


def _megabytes(client: redis.Redis) -> float:
    return cast("Any", client).info("memory")["used_memory"] / 1e6
