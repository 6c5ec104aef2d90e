"""kill -9 at every point of atomic handlers: each effect happens exactly once."""

from __future__ import annotations

import json
import multiprocessing
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib import import_module
from multiprocessing.connection import Connection
from typing import Final, NamedTuple

import pytest
from django.db import connections

from florentin_webhooks import Delivery, Receiver, events
from florentin_webhooks.signatures import DELIVERY_ID_HEADER
from florentin_webhooks.testing import Provider, SignedDelivery
from tests.support.django_settings import POSTGRESQL, SQLITE, configure
from tests.support.django_stores import passed, store_on

SECRET = "made up for the tests of faults"
EVENT: Final = "invoice.created"
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


# Children are forked from a process that has loaded all of this, and has no connection.
configure()
_LOADED = [connections[SQLITE], connections[POSTGRESQL], import_module("florentin_webhooks.django")]
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload([__name__])


class Attempt(NamedTuple):
    """The marks of one attempt, and its answer unless it was killed."""

    marks: str
    answer: str


def receive(alias: str, database: dict[str, str], made: SignedDelivery, pipe: Connection) -> None:
    """Receive one delivery in a process of its own, which sends a mark at each point it passes.

    ``a``: before it asks the store, ``[`` and ``]``: before and after a commit, ``h``, ``e`` and
    ``r``: in a handler, before its effect, after it, and at its end, ``s``: it has an answer.
    """

    def mark(letter: str) -> None:
        pipe.send_bytes(letter.encode())

    def commit() -> None:
        mark("[")
        original()
        mark("]")

    connections.settings[alias].update(database)
    connection = connections[alias]
    connection.ensure_connection()
    original, vars(connection)["commit"] = connection.commit, commit
    hooks = build_receiver(alias, mark)
    mark("a")
    reply = hooks.receive(*made)
    mark("s")
    connection.close()
    mark(f" {reply.outcome}")


def build_receiver(alias: str, mark: Callable[[str], None]) -> Receiver:
    """Create a receiver with two atomic handlers that have effects in a table of their own."""
    from florentin_webhooks.django import DjangoStore

    hooks = Receiver(SECRET, store=DjangoStore(alias))

    def have_effect(handler: str, delivery: Delivery) -> None:
        mark("h")
        with connections[alias].cursor() as cursor:
            cursor.execute("INSERT INTO effects VALUES (%s, %s)", [delivery.delivery_id, handler])
            mark("e")
            cursor.execute("SELECT count(*) FROM effects")
        mark("r")

    @hooks.on(EVENT, atomic=True)
    def bill(_: events.InvoiceCreated, delivery: Delivery) -> None:
        have_effect("bill", delivery)

    @hooks.on(EVENT, atomic=True)
    def grant(_: events.InvoiceCreated, delivery: Delivery) -> None:
        have_effect("grant", delivery)

    return hooks


def deliver(alias: str, made: SignedDelivery, *, kill_after: int = 0, delay: float = 0) -> Attempt:
    """Deliver to a new process, and kill it some *delay* after so many marks, unless that is 0."""
    settings = connections[alias].settings_dict
    database = {name: str(settings[name]) for name in ("NAME", "HOST")}
    reading, writing = _FORKS.Pipe(duplex=False)
    process = _FORKS.Process(target=receive, args=(alias, database, made, writing))
    process.start()
    writing.close()
    seen = ""
    with suppress(EOFError):  # The process has ended.
        while True:
            seen += reading.recv_bytes().decode()
            if len(seen) == kill_after:
                _wait(delay)
                process.kill()
    process.join(60)
    marks, _, answer = seen.partition(" ")
    return Attempt(marks, answer)


@pytest.fixture(params=[SQLITE, POSTGRESQL])
def alias(request: pytest.FixtureRequest) -> Iterator[str]:
    """Each kind of database in turn, with a table for effects."""
    store_on(request.param)
    with connections[request.param].cursor() as cursor:
        cursor.execute("CREATE TABLE effects (delivery text, handler text)")
        yield request.param
        cursor.execute("DROP TABLE effects")
    connections.close_all()


@pytest.mark.parametrize("kills", [pytest.param(200, marks=pytest.mark.long), 20])
def test_effects_happen_once_when_processes_are_killed(
    alias: str, seed: int, kills: int, capsys: pytest.CaptureFixture[str]
) -> None:
    dice = random.Random(seed)  # noqa: S311 - a seed repeats a run.
    provider, killed, sent = Provider(SECRET), Counter[str](), list[SignedDelivery]()
    while killed.total() < kills:
        made = provider.make(EVENT)
        sent.append(made)
        for marks in _insist(alias, provider, made, dice):
            killed[marks] += 1
    for made in sent:
        assert deliver(alias, made).answer == "duplicate"
    happened = _effects(alias)
    report = _report(alias, killed, len(sent), seed)
    with capsys.disabled():
        print(report)  # noqa: T201 - what a run of some minutes has shown.
    wanted = {(_id(made), handler): 1 for made in sent for handler in ("bill", "grant")}
    assert happened == wanted, report
    missed = [point for point, marks in POINTS.items() if not sum(killed[each] for each in marks)]
    assert not missed or kills < 200, report


def _insist(
    alias: str, provider: Provider, made: SignedDelivery, dice: random.Random
) -> Iterator[str]:
    """Deliver until it is acknowledged, as an honest sender does; give where it was killed."""
    for attempt in range(100):
        kill_after = dice.randint(1, MARKS - 1) if dice.random() < 0.8 / (attempt + 1) else 0
        reported = deliver(alias, made, kill_after=kill_after, delay=dice.uniform(0, 0.002))
        if reported.answer in {"processed", "duplicate"}:
            return
        if not reported.answer:
            yield reported.marks
        passed(alias, 61)  # The lease of the killed process has expired.
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
