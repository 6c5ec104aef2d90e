"""kill -9 at every point of atomic handlers: each effect happens exactly once."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

import pytest
from django.db import connections

from florentin_webhooks.signatures import DELIVERY_ID_HEADER
from florentin_webhooks.testing import Provider, SignedDelivery
from tests.faults.atomic_nursery import SECRET
from tests.support.django_settings import POSTGRESQL, SQLITE
from tests.support.django_stores import passed, store_on

EVENT = "invoice.created"
MARKS = len("a[]her[]her[]s")
POINTS = {
    "before anything is remembered": {"a", "a["},
    "between the accept and a handler": {"a[]"},
    "in a handler, before its effect": {"a[]h", "a[]her[]h"},
    "in a handler, after its effect": {"a[]he", "a[]her", "a[]her[]he", "a[]her[]her"},
    "in the commit of an effect": {"a[]her[", "a[]her[]her["},
    "between two handlers": {"a[]her[]"},
    "between the last commit and the answer": {"a[]her[]her[]"},
}
"""How far a process has come that was killed, in a first attempt."""


class Attempt(NamedTuple):
    """What was seen of one attempt: the marks, and the answer where it lived to give one."""

    marks: str
    answer: str


class Nursery:
    """Where each delivery gets a process of its own, which may be killed."""

    def __init__(self, alias: str) -> None:
        settings = connections[alias].settings_dict
        database = json.dumps({name: str(settings[name]) for name in ("NAME", "HOST")})
        words = [sys.executable, "-m", "tests.faults.atomic_nursery", alias, database]
        self._process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )

    def close(self) -> None:
        """End it; no child is left."""
        self._process.communicate(timeout=20)

    def deliver(self, made: SignedDelivery, *, kill_after: int = 0, delay: float = 0) -> Attempt:
        """Deliver; kill the process some *delay* after so many marks, unless that is none."""
        told = {"headers": made.headers, "body": made.body.decode()}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(told).encode() + b"\n")
        child, seen = int(self._line()), ""
        while "\n" not in seen:
            seen += self._read()
            if len(seen) == kill_after:
                _wait(delay)
                with suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
        marks, _, answer = seen.strip("\n").partition(" ")
        return Attempt(marks, answer)

    def _line(self) -> str:
        line = ""
        while not line.endswith("\n"):
            line += self._read()
        return line

    def _read(self) -> str:
        assert self._process.stdout is not None
        read = self._process.stdout.read(1)
        assert read, "the nursery has ended"
        return read.decode()


@pytest.fixture(params=[SQLITE, POSTGRESQL])
def alias(request: pytest.FixtureRequest) -> Iterator[str]:
    """Each kind of database in turn, with a table for effects."""
    store_on(request.param)
    with connections[request.param].cursor() as cursor:
        cursor.execute("CREATE TABLE effects (delivery text, handler text)")
        yield request.param
        cursor.execute("DROP TABLE effects")
    connections.close_all()


@pytest.fixture
def nursery(alias: str) -> Iterator[Nursery]:
    """A nursery for that database."""
    made = Nursery(alias)
    yield made
    made.close()


@pytest.mark.parametrize("kills", [pytest.param(200, marks=pytest.mark.long), 20])
def test_each_effect_happens_once_whenever_a_process_is_killed(
    alias: str, nursery: Nursery, seed: int, kills: int, capsys: pytest.CaptureFixture[str]
) -> None:
    dice = random.Random(seed)  # noqa: S311 - a seed repeats a run.
    provider, killed, sent = Provider(SECRET), Counter[str](), list[SignedDelivery]()
    while killed.total() < kills:
        made = provider.make(EVENT)
        sent.append(made)
        for marks in _insist(alias, nursery, provider, made, dice):
            killed[marks] += 1
    for made in sent:
        assert nursery.deliver(made).answer == "duplicate"
    happened = _effects(alias)
    report = _report(alias, killed, len(sent), seed)
    with capsys.disabled():
        print(report)  # noqa: T201 - what a run of some minutes has shown.
    wanted = {(_id(made), handler): 1 for made in sent for handler in ("bill", "grant")}
    assert happened == wanted, report
    missed = [point for point, marks in POINTS.items() if not sum(killed[each] for each in marks)]
    assert not missed or kills < 200, report


def _insist(
    alias: str, nursery: Nursery, provider: Provider, made: SignedDelivery, dice: random.Random
) -> Iterator[str]:
    """Deliver until it is acknowledged, as an honest sender does; give where it was killed."""
    for attempt in range(100):
        kill_after = dice.randint(1, MARKS - 1) if dice.random() < 0.8 / (attempt + 1) else 0
        told = nursery.deliver(made, kill_after=kill_after, delay=dice.uniform(0, 0.002))
        if told.answer in {"processed", "duplicate"}:
            return
        if not told.answer:
            yield told.marks
        passed(alias, 61)  # The lease of whoever was killed is over.
        if dice.random() < 0.2:
            made = _stamped_anew(provider, made)
    pytest.fail("it was never acknowledged")


def _stamped_anew(provider: Provider, made: SignedDelivery) -> SignedDelivery:
    envelope = json.loads(made.body)
    envelope["timestamp"] = json.loads(provider.make(EVENT).body)["timestamp"]
    return provider.sign(EVENT, json.dumps(envelope).encode(), delivery_id=_id(made))


def _id(made: SignedDelivery) -> str:
    return made.headers[DELIVERY_ID_HEADER]


def _effects(alias: str) -> dict[tuple[str, str], int]:
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT delivery, handler, count(*) FROM effects GROUP BY 1, 2")
        return {(delivery, handler): number for delivery, handler, number in cursor.fetchall()}


def _report(alias: str, killed: Counter[str], sent: int, seed: int) -> str:
    lines = [f"{alias}: {sent} deliveries, {killed.total()} processes killed, seed {seed}"]
    for point, marks in POINTS.items():
        lines.append(f"{sum(killed[each] for each in marks):6} {point}")
    others = killed.total() - sum(killed[each] for marks in POINTS.values() for each in marks)
    return "\n".join(["", *lines, f"{others:6} elsewhere, in a retry, or after the answer"])


def _wait(seconds: float) -> None:
    """Wait more exactly than a sleeping process does."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass
