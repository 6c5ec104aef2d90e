"""Every store behind one interface, and its operations. A new store is one more entry."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Protocol, TypeVar

import pytest
import redis

from florentin_webhooks import Delivery, MemoryStore, RedisStore
from florentin_webhooks.core.queue import Job
from florentin_webhooks.core.stores.accept import Accept, AcceptDecision, Claim, Finish
from florentin_webhooks.core.stores.base import Operation, State
from florentin_webhooks.core.stores.queries import GetRecord
from florentin_webhooks.protocol.fingerprint import fingerprint
from florentin_webhooks.redis.clients import Timeouts
from florentin_webhooks.redis.cluster.store import ClusterStore
from florentin_webhooks.redis.executors import calls
from florentin_webhooks.senders.florentin.envelope import retry_content
from florentin_webhooks.testing.kit.manual_clock import ManualClock
from florentin_webhooks.testing.store import RecordingStore
from tests.support.aging import age
from tests.support.identity import retry_key
from tests.support.parts import ClusterJobs, Jobs

A = TypeVar("A")
NOON = datetime(2026, 6, 6, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Span:
    """The durations of a store, in seconds."""

    lease: float = 3600
    retention: float = 3600
    history: int = 0


class Ask(Protocol):
    """A way to carry out an operation."""

    def __call__(self, operation: Operation[A], /) -> A:
        """Return the answer."""
        ...


@dataclass(frozen=True)
class Subject:
    """A store behind one blocking function, and its clock.

    *body* returns what is stored under a key, or None; *jobs* is the view of the queueing library,
    or None if the store cannot push jobs. A delivery in one of its *lanes* knows none in another.
    """

    ask: Ask
    passes: Callable[[float], None]
    body: Callable[[bytes], bytes | None]
    jobs: Jobs | ClusterJobs | None = None
    lanes: int = 1

    def accept(self, operation: Accept) -> Claim:
        return self.ask(operation)

    def finish(self, operation: Finish) -> State:
        return self.ask(operation)


@contextmanager
def _memory(_url: str, _prefix: str, span: Span) -> Iterator[Subject]:
    now = [1_000_000.0]
    store = MemoryStore(
        lease=timedelta(seconds=span.lease),
        retention=timedelta(seconds=span.retention),
        clock=lambda: now[0],
    )

    def passes(seconds: float) -> None:
        now[0] += seconds

    def body(key: bytes) -> bytes | None:
        record = store._open.get(key)
        return (record.body or None) if record else None

    yield Subject(store.execute, passes, body)


@contextmanager
def _memory_history(_url: str, _prefix: str, span: Span) -> Iterator[Subject]:
    now = [1_000_000.0]
    lease, retention = timedelta(seconds=span.lease), timedelta(seconds=span.retention)
    store = MemoryStore(lease=lease, retention=retention, clock=lambda: now[0])
    store.keep_history(span.history)

    def passes(seconds: float) -> None:
        now[0] += seconds

    def body(key: bytes) -> bytes | None:
        record = store.execute(GetRecord(key))
        return (record.body or None) if record else None

    yield Subject(store.execute, passes, body)


@contextmanager
def _recording(_url: str, _prefix: str, span: Span) -> Iterator[Subject]:
    clock = ManualClock()
    lease, retention = timedelta(seconds=span.lease), timedelta(seconds=span.retention)
    store = RecordingStore(clock, lease=lease, retention=retention)

    def passes(seconds: float) -> None:
        clock.advance(timedelta(seconds=seconds))

    def body(key: bytes) -> bytes | None:
        found = store.entries.get(key)
        return None if found is None or found.finished_at else found.delivery.body

    yield Subject(store.execute, passes, body)


@contextmanager
def _redis(url: str, prefix: str, span: Span) -> Iterator[Subject]:
    store = _redis_store(url, prefix, span)
    with _inside(url, prefix) as (passes, body, jobs):
        yield Subject(store.execute, passes, body, jobs)
    store.close()


@contextmanager
def _redis_asyncio(url: str, prefix: str, span: Span) -> Iterator[Subject]:
    store = _redis_store(url, prefix, span)

    def ask(operation: Operation[A]) -> A:
        return runner.run(store.aexecute(operation))

    with patient(), asyncio.Runner() as runner, _inside(url, prefix) as (passes, body, jobs):
        yield Subject(ask, passes, body, jobs)
        runner.run(store.aclose())


@contextmanager
def patient() -> Iterator[None]:
    """Let calls wait for long until they are sent, as on a busy machine."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(calls, "TIMEOUTS", Timeouts(queue=30))
        yield


def _redis_store(url: str, prefix: str, span: Span) -> RedisStore:
    lease, retention = timedelta(seconds=span.lease), timedelta(seconds=span.retention)
    return RedisStore(url, prefix=prefix, lease=lease, retention=retention, history=span.history)


@contextmanager
def _inside(
    url: str, prefix: str
) -> Iterator[tuple[Callable[[float], None], Callable[[bytes], bytes | None], Jobs]]:
    with redis.Redis.from_url(url) as client:

        def passes(seconds: float) -> None:
            age(client, prefix, seconds)

        def body(key: bytes) -> bytes | None:
            stored = client.hget(f"{prefix}d".encode() + key, "b")
            assert stored is None or isinstance(stored, bytes)
            return stored

        yield passes, body, Jobs(client, prefix)


@contextmanager
def _cluster(url: str, prefix: str, span: Span) -> Iterator[Subject]:
    """Yield a store whose operations are executed with and without asyncio, by turns."""
    in_turn = count()

    def ask(operation: Operation[A]) -> A:
        if next(in_turn) % 2:
            return runner.run(store.aexecute(operation))
        return store.execute(operation)

    opened = closing(_cluster_store(url, prefix, span))
    with patient(), opened as store, asyncio.Runner() as runner:
        subject = _of_cluster(store, ask)
        yield subject
        assert isinstance(subject.jobs, ClusterJobs)
        subject.jobs.close()
        runner.run(store.aclose())


def _cluster_store(url: str, prefix: str, span: Span) -> ClusterStore:
    lease, retention = timedelta(seconds=span.lease), timedelta(seconds=span.retention)
    store = RedisStore(
        url, prefix=prefix, lease=lease, retention=retention, history=span.history, lanes=4
    )
    assert isinstance(store, ClusterStore)
    return store


def _of_cluster(store: ClusterStore, ask: Ask) -> Subject:
    jobs = ClusterJobs(store)

    def passes(seconds: float) -> None:
        for lane in jobs.lanes:
            age(lane.client, lane.prefix, seconds)

    def body(key: bytes) -> bytes | None:
        record = store.execute(GetRecord(key))
        return (record.body or None) if record else None

    return Subject(ask, passes, body, jobs, len(store.lanes))


def _django(alias: str, *, in_asyncio: bool = False) -> Implementation:
    @contextmanager
    def made(_url: str, _prefix: str, span: Span) -> Iterator[Subject]:
        from tests.support.django_stores import emptied  # Django loads for those who want it.

        with emptied(alias, span, in_asyncio=in_asyncio) as subject:
            yield subject

    return made


Implementation = Callable[[str, str, Span], AbstractContextManager[Subject]]

IMPLEMENTATIONS: dict[str, Implementation] = {
    "memory": _memory,
    "memory-history": _memory_history,
    "recording": _recording,
    "redis": _redis,
    "redis-asyncio": _redis_asyncio,
    "cluster": _cluster,
    "django-sqlite": _django("default"),
    "django-postgresql": _django("postgresql"),
    "django-asyncio": _django("asyncio", in_asyncio=True),
}
"""The stores that must pass the conformance suites, by name."""


QUEUEING = ("redis", "redis-asyncio", "cluster")
"""Stores that push jobs in the step that accepts a delivery."""

LOOKING = ("memory-history", *QUEUEING, "django-sqlite", "django-postgresql", "django-asyncio")
"""Stores with records for operators."""


def content(number: int = 1, *, stamped: str = "12:00:00") -> bytes:
    """Return a body; another *stamped* changes only the envelope's timestamp."""
    timestamp = f"2026-06-06T{stamped}.000Z"
    return json.dumps({"event": "a.b", "timestamp": timestamp, "data": {"n": number}}).encode()


def delivery(body: bytes, under: str | None) -> Delivery:
    return Delivery(fingerprint(body).hex(), "a.b", NOON, under, "secret-1", NOON, body)


def accept(
    body: bytes,
    *,
    token: bytes = b"first",
    under: str | None = "id-1",
    fresh: bool = True,
    valid: bool = True,
    inline: bool = True,
    jobs: tuple[Job, ...] = (),
) -> Accept:
    seen = retry_key(under, body)
    return Accept(
        fingerprint(body),
        seen,
        token,
        delivery(body, under),
        fresh=fresh,
        valid=valid,
        inline=inline,
        jobs=jobs,
        content=retry_content("", body),
    )


def finish(
    body: bytes, state: State = State.DONE, *, token: bytes = b"first", handler: str | None = None
) -> Finish:
    return Finish(fingerprint(body), token, state, handler)


def claimed(subject: Subject, body: bytes, **given: bytes | str | None) -> Claim:
    """Take the lease of *body*."""
    claim = subject.accept(accept(body, **given))  # type: ignore[arg-type]  # as accept() takes.
    assert claim.decision is AcceptDecision.RUN
    return claim
