"""Deliveries and RQ jobs that the previous version left in Redis."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Iterator
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import redis

from florentin_webhooks import Receiver
from florentin_webhooks.core.replay import NotReplayable, drop, replay
from florentin_webhooks.core.stores.queries import ListDeadLetters, ListRecords
from florentin_webhooks.rq.safe_queue import SafeQueue
from florentin_webhooks.rq.sweeper import requeue_lost
from florentin_webhooks.rq.worker import WorkerKind, build_worker
from tests.compatibility.left_behind_inline import INLINE

HERE = Path(__file__).parent / "left_behind"
LEFT = json.loads((HERE / "redis.json").read_text())
PROGRAM = ("left_behind_redis", "left_behind_shop")
QUEUE = "leftbehind"
OF_THE_SERVERS_CLOCK = ("fl:dead", "fl:pending:", "rq:scheduled:")


class Program:
    """The program that left everything behind, run by today's version."""

    def __init__(self, url: str) -> None:
        self.hooks: Receiver = import_module("left_behind_redis").hooks
        self.client = redis.Redis.from_url(url)
        self._ran: list[tuple[str, str]] = import_module("left_behind_shop").RAN

    def steps(self) -> tuple[str, ...]:
        """The steps that have run since this was last called."""
        steps = tuple(step for step, _ in self._ran)
        self._ran.clear()
        return steps

    def steps_of(self, name: str) -> list[str]:
        """The steps that have run for one delivery since, if they ran for its fingerprint."""
        return [step for step, fingerprint in self._ran if fingerprint == fingerprint_of(name)]

    def send(self, name: str) -> str:
        """Send a delivery once more, and return its outcome."""
        request = LEFT["requests"][name]
        return self.hooks.receive(request["headers"], request["body"].encode()).outcome.value

    def work(self) -> None:
        """Run every job that waits, in this process."""
        handlers = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
        worker: Any = build_worker(
            self.hooks, self.client, queue=QUEUE, kind=WorkerKind.SIMPLE
        )  # Any: rq leaves its types open.
        worker.subscribe = worker.unsubscribe = lambda: None  # Its thread takes a second to stop.
        worker.work(burst=True, with_scheduler=True, logging_level="ERROR")
        worker.scheduler.connection.connection_pool.disconnect()
        for each, handler in handlers.items():
            signal.signal(each, handler)


def fingerprint_of(name: str) -> str:
    """The fingerprint of a delivery: half of the SHA-256 of its body, in hex."""
    return sha256(LEFT["requests"][name]["body"].encode()).hexdigest()[:32]


def restore(client: Any) -> None:  # Any: redis-py leaves its types open.
    """Write every key that was left, as old as it was when it was left."""
    seconds, micros = client.time()
    shift = seconds * 1000 + micros // 1000 - LEFT["made_at"]
    for each in LEFT["keys"]:
        key, value = each["key"].encode("latin-1"), each["value"]
        restore_value(client, each["type"], key, value, shift)
        if each["ttl"] >= 0:
            client.pexpire(key, each["ttl"])


def restore_value(client: Any, kind: str, key: bytes, value: Any, shift: int) -> None:  # Any: JSON.
    """Write one key; times of the server's clock move by *shift* milliseconds."""
    if kind == "string":
        client.set(key, value.encode("latin-1"))
    elif kind == "hash":
        client.hset(key, mapping={k.encode("latin-1"): v.encode("latin-1") for k, v in value})
    elif kind == "list":
        client.rpush(key, *(each.encode("latin-1") for each in value))
    elif kind == "set":
        client.sadd(key, *(each.encode("latin-1") for each in value))
    else:
        moves = key.decode("latin-1").startswith(OF_THE_SERVERS_CLOCK)
        by = (shift // 1000 if key.startswith(b"rq:") else shift) if moves else 0
        client.zadd(key, {member.encode("latin-1"): score + by for member, score in value})


@pytest.fixture
def program(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Program]:
    """The program over a Redis in which everything was restored."""
    monkeypatch.setenv("LEFT_BEHIND_REDIS", redis_url)
    monkeypatch.syspath_prepend(HERE)
    running = Program(redis_url)
    restore(running.client)
    yield running
    running.hooks.close()
    running.client.close()
    for name in PROGRAM:
        del sys.modules[name]


@pytest.mark.parametrize("name", INLINE)
def test_each_unfinished_inline_handler_runs_once(program: Program, name: str) -> None:
    expected = INLINE[name]
    assert (program.send(name), program.steps()) == (expected.outcome, expected.steps)
    assert (program.send(name), program.steps()) == (expected.outcome_again, ())


def test_stale_delivery_is_replayed_once(program: Program) -> None:
    fingerprint = fingerprint_of("stale")
    assert replay(program.hooks, fingerprint, though_late=True).outcome == "processed"
    assert program.steps() == ("greet", "mail", "audit")
    with pytest.raises(NotReplayable, match="all its handlers are done"):
        replay(program.hooks, fingerprint, though_late=True)
    assert program.steps() == ()


def make_due(program: Program) -> None:
    """Make every scheduled retry due."""
    client: Any = program.client  # Any: redis-py leaves its types open.
    for job_id in client.zrange(f"rq:scheduled:{QUEUE}", 0, -1):
        client.zadd(f"rq:scheduled:{QUEUE}", {job_id: 1})


def sweep(program: Program) -> None:
    """Requeue what RQ has lost."""
    assert requeue_lost(program.hooks, SafeQueue(QUEUE, program.client), 0) == 1


def send(name: str) -> Callable[[Program], None]:
    """What sends a delivery once more, which revives it."""

    def resend(program: Program) -> None:
        assert program.send(name) == "accepted"

    return resend


def requeue(program: Program) -> None:
    """Requeue a failed job through RQ, as ``rq requeue`` does."""
    registry: Any = SafeQueue(QUEUE, program.client).failed_job_registry
    registry.requeue(f"{fingerprint_of('dead-requeued')}-{QUEUE}")


JOBS: dict[str, Callable[[Program], None]] = {
    "queued": lambda _: None,
    "scheduled": make_due,
    "lost": sweep,
    "dead": send("dead"),
    "dead-requeued": requeue,
}
"""Each unfinished job, and what lets a worker take it."""


@pytest.mark.parametrize("name", JOBS)
def test_each_unfinished_job_runs_once(program: Program, name: str) -> None:
    JOBS[name](program)
    program.work()
    assert program.steps_of(name) == ["bill"]
    program.steps()
    assert program.send(name) == "duplicate"
    program.work()
    assert program.steps() == ()


def test_worker_runs_all_jobs_once(program: Program) -> None:
    for prepare in JOBS.values():
        prepare(program)
    program.work()
    assert program.steps() == ("bill",) * len(JOBS)
    assert program.client.zcard(f"fl:pending:{QUEUE}") == 0
    assert program.hooks.store.execute(ListDeadLetters()) == ()


@pytest.mark.parametrize("name", ["job-done", "queued", "scheduled"])
def test_job_that_needs_no_revival_is_a_duplicate(program: Program, name: str) -> None:
    assert (program.send(name), program.steps()) == ("duplicate", ())


def test_dead_letters_are_listed_and_discarded(program: Program) -> None:
    names = ("dead", "dead-requeued")
    letters = program.hooks.store.execute(ListDeadLetters())
    assert {each.fingerprint for each in letters} == {fingerprint_of(name) for name in names}
    for name in names:
        assert drop(program.hooks, fingerprint_of(name)).state == "dead"
        assert program.send(name) == "duplicate"
    assert program.hooks.store.execute(ListDeadLetters()) == ()


def test_every_record_is_listed(program: Program) -> None:
    records = program.hooks.store.execute(ListRecords()).records
    states = {each.fingerprint: each.state.value for each in records}
    assert states == {
        fingerprint_of(name): state
        for name, state in {
            "done": "done",
            "failed": "failed",
            "never-run": "failed",
            "running": "running",
            "invalid": "invalid",
            "retried": "failed",
            "stale": "stale",
            "latest": "done",
            "dead": "dead",
            "dead-requeued": "dead",
            "job-done": "done",
            "scheduled": "queued",
            "lost": "queued",
            "queued": "queued",
        }.items()
    }
