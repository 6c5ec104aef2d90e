"""Threads, tasks and processes that race for one delivery: exactly one of them runs it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from threading import Barrier

import pytest

from florentin_webhooks import MemoryStore, RedisStore
from florentin_webhooks.core.stores.accept import AcceptDecision
from florentin_webhooks.core.stores.base import State, Store
from tests.support.stores import accept, content, finish
from tests.support.waiting import eventually

pytestmark = pytest.mark.answers("RPL-06")

ROUNDS = {2: 200, 10: 60, 50: 20}
IN_PROCESSES = {2: 200, 10: 200, 50: 100}
racing = pytest.mark.parametrize("racers", list(ROUNDS))

PROCESS = """
import asyncio, json, sys
import redis
from florentin_webhooks import RedisStore
from florentin_webhooks.core.stores.accept import AcceptDecision
from tests.support.stores import accept, content

url, prefix, name, tasks, rounds = *sys.argv[1:4], int(sys.argv[4]), int(sys.argv[5])
store, gate, won = RedisStore(url, prefix=prefix), redis.Redis.from_url(url), []

async def race(number):
    asked = [accept(content(number), token=f"{name}{n}".encode()) for n in range(tasks)]
    gate.incr(f"{prefix}-gate-{number}")
    while int(gate.get(f"{prefix}-gate-{number}")) < 2:
        pass
    claims = await asyncio.gather(*map(store.aexecute, asked))
    won.extend(number for claim in claims if claim.decision is AcceptDecision.RUN)

async def races():
    for number in range(rounds):
        await race(number)
    await store.aclose()

asyncio.run(races())
gate.close()
print(json.dumps(won))
"""


def on_redis(url: str, prefix: str) -> Store:
    return RedisStore(url, prefix=prefix)


def in_memory(_url: str, _prefix: str) -> Store:
    return MemoryStore()


@pytest.fixture(params=[in_memory, on_redis])
def store(request: pytest.FixtureRequest, redis_url: str, redis_prefix: str) -> Iterator[Store]:
    build: Callable[[str, str], Store] = request.param
    made = build(redis_url, redis_prefix)
    yield made
    made.close()


def race_of_threads(racers: int, rounds: int, ask: Callable[[int, bytes], AcceptDecision]) -> None:
    """Let *racers* threads *ask* at once; in each round exactly one may run."""
    start = Barrier(racers)

    def race(racer: int) -> list[AcceptDecision]:
        verdicts = []
        for number in range(rounds):
            start.wait(timeout=60)
            verdicts.append(ask(number, b"%d" % racer))
        return verdicts

    with ThreadPoolExecutor(racers) as threads:
        columns = list(threads.map(race, range(racers)))
    for verdicts in zip(*columns, strict=True):
        assert Counter(verdicts)[AcceptDecision.RUN] == 1


@racing
def test_one_of_many_threads_runs(store: Store, racers: int) -> None:
    def ask(number: int, token: bytes) -> AcceptDecision:
        return store.execute(accept(content(number), token=token)).decision

    race_of_threads(racers, ROUNDS[racers], ask)


@racing
def test_one_of_many_threads_runs_with_a_quick_winner(store: Store, racers: int) -> None:
    def ask(number: int, token: bytes) -> AcceptDecision:
        body = content(number)
        claim = store.execute(accept(body, token=token))
        if claim.decision is AcceptDecision.RUN:
            assert store.execute(finish(body, token=token)) is State.DONE
        return claim.decision

    race_of_threads(racers, ROUNDS[racers], ask)


def test_one_of_many_restamped_retries_runs(store: Store) -> None:
    def ask(number: int, token: bytes) -> AcceptDecision:
        body = content(number, stamped=f"12:00:{int(token):02}")
        return store.execute(accept(body, token=token, under=f"id-{number}")).decision

    race_of_threads(10, 60, ask)


def test_one_of_many_threads_takes_over(redis_url: str, redis_prefix: str) -> None:
    lapsing = RedisStore(redis_url, prefix=redis_prefix, lease=timedelta(milliseconds=20))
    lasting = RedisStore(redis_url, prefix=redis_prefix)
    for number in range(60):
        lapsing.execute(accept(content(number), token=b"dead"))

    def lapsed() -> bool:
        last = lapsing.execute(accept(content(59), token=b"late"))
        return last.decision is AcceptDecision.RUN

    eventually(lapsed)

    def ask(number: int, token: bytes) -> AcceptDecision:
        return lasting.execute(accept(content(number), token=token)).decision

    race_of_threads(10, 59, ask)
    lapsing.close()
    lasting.close()


@racing
def test_one_of_many_tasks_runs(store: Store, racers: int) -> None:
    async def races() -> None:
        for number in range(ROUNDS[racers]):
            body = content(number)
            asked = [accept(body, token=b"%d" % racer) for racer in range(racers)]
            claims = await asyncio.gather(*(store.aexecute(each) for each in asked))
            assert Counter(claim.decision for claim in claims)[AcceptDecision.RUN] == 1
        await store.aclose()

    asyncio.run(races())


@pytest.mark.parametrize(
    "racers", [10, *(pytest.param(each, marks=pytest.mark.long) for each in (2, 50))]
)
def test_one_of_two_processes_runs(redis_url: str, redis_prefix: str, racers: int) -> None:
    words = [str(racers // 2), str(IN_PROCESSES[racers])]
    with ExitStack() as stack:
        processes = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", PROCESS, redis_url, redis_prefix, name, *words],
                    stdout=subprocess.PIPE,
                )
            )
            for name in "ab"
        ]
        won = [json.loads(process.communicate(timeout=120)[0]) for process in processes]
    assert sorted(won[0] + won[1]) == list(range(IN_PROCESSES[racers]))
