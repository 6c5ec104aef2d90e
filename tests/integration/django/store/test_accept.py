"""Threads and processes that accept one delivery at once: exactly one may run it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import count
from threading import Barrier, Lock
from typing import TYPE_CHECKING

import pytest
from django.db import connections

from florentin_webhooks.core.stores.accept import Accept, AcceptDecision, Finish
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.errors import Unavailable
from tests.support.django_settings import POSTGRESQL, SQLITE
from tests.support.django_stores import in_threads, passed, store_on
from tests.support.stores import accept, content, finish
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from florentin_webhooks.django import DjangoStore


ROUNDS = {10: 12, 50: 4}


racing = pytest.mark.parametrize("racers", [pytest.param(10, marks=pytest.mark.long), 50])


PROCESSES = """
import json, os, sys
from tests.support.django_settings import configure
from tests.support.stores import accept, content

alias, database = sys.argv[1:]
configure()
from django.db import connections
connections.settings[alias].update(json.loads(database))
from florentin_webhooks.django import DjangoStore
from florentin_webhooks.core.stores.accept import AcceptDecision

def race(name):
    store, won = DjangoStore(alias), []
    for number in range(60):
        claim = store.execute(accept(content(number), token=name.encode()))
        if claim.decision is AcceptDecision.RUN:
            won.append(number)
    print(json.dumps(won), flush=True)
    store.close()

children = []
for name in "ab":
    if not (child := os.fork()):
        race(name)
        os._exit(0)
    children.append(child)
for child in children:
    os.waitpid(child, 0)
"""


@pytest.fixture(params=[SQLITE, POSTGRESQL])
def store(request: pytest.FixtureRequest) -> DjangoStore:
    """Each kind of database in turn, in which nothing is remembered."""
    return store_on(request.param)


def decide(store: DjangoStore, operation: Accept) -> AcceptDecision:
    """The decision on *operation*, sent again if a busy machine made it unavailable."""
    for _ in range(4):
        with suppress(Unavailable):
            return store.execute(operation).decision
    return store.execute(operation).decision


def race(store: DjangoStore, racers: int, operation: Callable[[int, int], Accept]) -> None:
    """Execute operations in *racers* threads at once; in each round exactly one may run."""
    start, rounds = Barrier(racers), range(ROUNDS[racers])

    def decisions(racer: int) -> list[AcceptDecision]:
        made = []
        for number in rounds:
            start.wait(timeout=60)
            made.append(decide(store, operation(number, racer)))
        return made

    for made in zip(*in_threads(racers, decisions), strict=True):
        assert Counter(made) == {AcceptDecision.RUN: 1, AcceptDecision.IN_PROGRESS: racers - 1}


@racing
def test_one_of_many_threads_runs(store: DjangoStore, racers: int) -> None:
    race(store, racers, lambda number, racer: accept(content(number), token=b"%d" % racer))


@racing
def test_one_of_many_retries_with_new_timestamps_runs(store: DjangoStore, racers: int) -> None:
    def asked(number: int, racer: int) -> Accept:
        body = content(number, stamped=f"12:00:{racer:02}")
        return accept(body, token=b"%d" % racer, under=f"id-{number}")

    race(store, racers, asked)


def test_one_of_many_threads_takes_over_an_expired_lease(store: DjangoStore) -> None:
    rounds = range(ROUNDS[10])
    for number in rounds:
        store.execute(accept(content(number), token=b"dead"))
    passed(store.using, 3601)
    race(store, 10, lambda number, racer: accept(content(number), token=b"%d" % racer))


def test_one_of_many_threads_runs_an_expired_delivery(store: DjangoStore) -> None:
    for number in range(ROUNDS[10]):
        store.execute(accept(content(number), token=b"early", under=f"id-{number}"))
        store.execute(finish(content(number), token=b"early"))
    passed(store.using, 3601)

    def asked(number: int, racer: int) -> Accept:
        body = content(number, stamped=f"12:00:{racer % 2:02}")
        return accept(body, token=b"%d" % racer, under=f"id-{number}")

    race(store, 10, asked)


def test_one_of_two_processes_runs(store: DjangoStore) -> None:
    alias = store.using
    database = {name: str(connections[alias].settings_dict[name]) for name in ("NAME", "HOST")}
    words = [sys.executable, "-c", PROCESSES, alias, json.dumps(database)]
    raced = subprocess.run(words, stdout=subprocess.PIPE, timeout=60, check=True, text=True)
    won = [number for line in raced.stdout.splitlines() for number in json.loads(line)]
    assert sorted(won) == list(range(60))


def test_concurrent_attempts_never_overlap_or_starve(store: DjangoStore) -> None:
    inside, tokens = (Lock(), Lock()), count()

    def fails(ended: Finish) -> bool:
        with suppress(Unavailable):
            return store.execute(ended) is State.FAILED
        return False

    def work(_: int) -> int:
        runs = 0
        for _ in range(20):
            token = b"%d" % next(tokens)
            number, stamp = token[-1] % 2, token[-1] % 3
            body = content(number, stamped=f"12:00:{stamp:02}")
            try:
                claim = store.execute(accept(body, token=token, under=f"id-{number}"))
            except Unavailable:
                continue  # Another thread has held the lock for long, without a processor.
            if claim.decision is AcceptDecision.RUN:
                assert inside[number].acquire(blocking=False)
                runs += 1
                inside[number].release()
                eventually(partial(fails, Finish(claim.key, token, State.FAILED)))
        return runs

    assert sum(in_threads(10, work)) > 10
