"""The whole life of deliveries under the rights that docs/redis.md prints, and no others."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
import redis

from florentin_webhooks import Delivery, Receiver
from florentin_webhooks.core.replay import drop, replay
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.queries import (
    FindFingerprints,
    ListDeadLetters,
    ListRecords,
    Status,
)
from florentin_webhooks.events import (
    Event,
    InvoiceCreated,
    TeamMemberAdded,
    UsageMetricsUpdated,
    UserLogin,
)
from florentin_webhooks.rq.monitoring import queue_status
from florentin_webhooks.rq.sweeper import drop_expired, index_states, requeue_lost
from florentin_webhooks.testing import Provider
from florentin_webhooks.testing.provider import SignedDelivery
from tests.support.monitor import Executed, monitored
from tests.support.vectors import CANONICAL, SECRET, delivery, sign
from tests.support.workshop import Workshop, handling_signals_as_before, open_workshop, stamped

DOCS = Path(__file__).parents[3] / "docs/redis.md"
USER = "florentin-test"
NEW = "n" * 40
ANYONE = {"hello", "auth", "echo"}
"""Commands that need no right, and the one that ends a record of commands."""


class Lived(NamedTuple):
    """What the life of several deliveries has left."""

    outcomes: Mapping[str, list[str]]
    ran: list[str]
    executed: Mapping[str, list[Executed]]
    denied: list[object]


def rules_of(user: str) -> list[str]:
    """Return the rules that the docs print for *user*."""
    text = DOCS.read_text(encoding="utf-8")
    (found,) = re.findall(rf"ACL SETUSER {user} on >PASSWORD([^`]*)", text)
    return str(found).replace("\\\n", " ").split()


class Life:
    """Deliveries from their arrival to their end, under one user whose rights change."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._url = url
        self.limited = parts._replace(netloc=f"{USER}:few@{parts.netloc}").geturl()
        self.executed: dict[str, list[Executed]] = {"florentin-web": [], "florentin-worker": []}
        self.outcomes: dict[str, list[str]] = {}
        self._administrator: Any = redis.Redis.from_url(url)  # Any: redis-py leaves types open.

    @contextmanager
    def under(self, user: str) -> Iterator[None]:
        """Run with the rights of *user*, and record what is executed."""
        self._set_user(*rules_of(user))
        with monitored(self._url) as seen:
            yield
        self.executed[user] += seen

    def live(self) -> Lived:
        self._set_user("reset", "on", ">few")
        self._administrator.execute_command("ACL", "LOG", "RESET")
        self._administrator.script_flush()
        try:
            with open_workshop(self.limited, "fl:", history=1, queue="florentin") as shop:
                self._live(shop)
                denied = self._administrator.execute_command("ACL", "LOG")
                return Lived(self.outcomes, shop.ran, self.executed, denied)
        finally:
            self._administrator.execute_command("ACL", "DELUSER", USER)
            self._administrator.close()

    def _set_user(self, *rules: str) -> None:
        self._administrator.execute_command("ACL", "SETUSER", USER, *rules)

    def _live(self, shop: Workshop) -> None:
        register(shop)
        with self.under("florentin-web"):
            queued = self._receive(shop)
        self._work_it_off(shop)
        assert shop.record(queued).state is State.DEAD
        with self.under("florentin-worker"):
            self._operate(shop)
        with self.under("florentin-web"):
            self.outcomes["revived"] = [shop.send(stamped(7)).outcome]
        with self.under("florentin-worker"):
            shop.work_in_forks()
        assert shop.record(queued).state is State.DONE
        self._bury(shop)
        self._lose(shop)

    def _receive(self, shop: Workshop) -> str:
        """Receive what a web process receives; return what was queued."""
        queued = shop.accept()
        again = [shop.send(), shop.send(stamped(5)), shop.send(delivery(delivery_id="another"))]
        self.outcomes["queued"] = [each.outcome for each in again]
        login = Provider(SECRET, clock=shop.clock).make("user.login")
        replies = [shop.hooks.receive(*login) for _ in range(3)]
        self.outcomes["inline"] = [each.outcome for each in replies]
        self.outcomes["asyncio"] = asyncio.run(self._areceive(shop))
        self.outcomes["rotated"] = [rotated(shop).receive(*resigned(login)).outcome]
        return queued

    async def _areceive(self, shop: Workshop) -> list[str]:
        provider = Provider(SECRET, clock=shop.clock)
        events = ("user.login", "team_member.added", "usage.metrics_updated")
        made = [provider.make(event) for event in events]
        earlier = Provider(SECRET, clock=lambda: shop.clock() - timedelta(hours=1))
        stale = earlier.make("user.login")
        replies = [await shop.hooks.areceive(*each) for each in (*made, made[0], stale)]
        await shop.hooks.aclose()
        return [each.outcome for each in replies]

    def _work_it_off(self, shop: Workshop) -> None:
        with self.under("florentin-worker"):
            shop.work()
        while shop.hurry():
            with self.under("florentin-worker"):
                shop.work()

    def _operate(self, shop: Workshop) -> None:
        """Do what the worker's sweeper and an operator do."""
        assert requeue_lost(shop.hooks, shop.rq(), -1) == 0
        assert drop_expired(shop.hooks) == 0
        with redis.Redis.from_url(self.limited) as client:
            assert queue_status(client, shop.queue, shop.hooks).dead == 1
        (letter,) = shop.store.execute(ListDeadLetters())
        assert shop.store.execute(ListDeadLetters(after=letter)) == ()
        assert shop.store.execute(FindFingerprints(letter.fingerprint[:4], 2))
        assert shop.store.execute(ListRecords(1)).records
        index_states(shop.hooks)
        listed = [shop.store.execute(ListRecords(1, status=status)) for status in Status]
        assert any(page.records for page in listed)
        first = shop.store.execute(ListRecords(1))
        assert shop.store.execute(ListRecords(before=first.following)).records

    def _bury(self, shop: Workshop) -> None:
        """Replay a finished delivery until it is dead, and discard it."""
        with self.under("florentin-web"):
            dead = shop.accept(delivery(CANONICAL.replace(b"F-0001", b"F-0002"), delivery_id="2"))
        self._work_it_off(shop)
        with self.under("florentin-worker"):
            replay(shop.hooks, dead, all_handlers=True)
            shop.work()
            replay(shop.hooks, dead)  # At once, not when its next attempt is due.
        self._work_it_off(shop)
        with self.under("florentin-worker"):
            drop(shop.hooks, dead)

    def _lose(self, shop: Workshop) -> None:
        """Lose a job, and wait with a worker for it."""
        with self.under("florentin-web"):
            lost = shop.accept(delivery(CANONICAL.replace(b"F-0001", b"F-0003"), delivery_id="3"))
        self._administrator.delete(shop.rq().key)
        with self.under("florentin-worker"), handling_signals_as_before(), shop.connect() as client:
            assert shop.store.execute(ListRecords(status=Status.RUNNING)).records == ()
            assert requeue_lost(shop.hooks, shop.rq(), -1) == 1
            shop.worker(client).work(max_idle_time=1, logging_level="ERROR")
        assert shop.record(lost).state is State.DONE


def rotated(shop: Workshop) -> Receiver[Any]:  # Any: as Workshop.hooks.
    """Return a receiver with the same store after its secret was replaced."""
    hooks = Receiver({"new": NEW, "old": SECRET}, store=shop.store, clock=shop.clock)
    hooks.on(UserLogin)(print)
    return hooks


def resigned(made: SignedDelivery) -> SignedDelivery:
    signature = {"X-Florentin-Signature": sign(made.body, NEW)}
    return made._replace(headers={**made.headers, **signature})


def register(shop: Workshop) -> None:
    failures = [ValueError()] * 3
    shop.does("bill", *failures, None, *failures, None, what=InvoiceCreated)
    shop.does("greet", ValueError(), what=UserLogin, inline=True)
    shop.does("welcome", what=TeamMemberAdded, inline=True)
    shop.does("count", what=TeamMemberAdded, inline=True)

    @shop.handles("measure", UsageMetricsUpdated, latest=lambda _event: "all")
    def measure(_event: Event, delivery: Delivery) -> None:
        with delivery.once("mail") as first:
            assert first


@pytest.fixture(scope="module")
def lived(redis_server: str) -> Lived:
    with redis.Redis.from_url(redis_server) as client:
        client.flushall()
    return Life(redis_server).live()


def test_limited_users_are_never_denied(lived: Lived) -> None:
    assert lived.denied == []


def test_outcomes_are_those_of_an_unlimited_user(lived: Lived) -> None:
    assert lived.outcomes == {
        "queued": ["duplicate"] * 3,
        "inline": ["handler-failed", "processed", "duplicate"],
        "asyncio": ["processed", "processed", "accepted", "duplicate", "stale"],
        "rotated": ["duplicate"],
        "revived": ["accepted"],
    }


@pytest.mark.parametrize("user", ["florentin-web", "florentin-worker"])
def test_scripts_touch_only_declared_keys(lived: Lived, user: str) -> None:
    scripted = [each for each in lived.executed[user] if each.declared is not None]
    undeclared = {
        (each.name, key)
        for each in scripted
        for key in each.keys
        if key not in (each.declared or ())
    }
    assert scripted
    assert undeclared == set()


@pytest.mark.parametrize("user", ["florentin-web", "florentin-worker"])
def test_docs_grant_what_is_executed_and_no_more(lived: Lived, user: str) -> None:
    granted = {rule[1:] for rule in rules_of(user) if rule.startswith("+")}
    used = {each.name for each in lived.executed[user]} - ANYONE
    assert sorted(used - granted) == []
    assert sorted(granted - used) == []


@pytest.mark.parametrize("user", ["florentin-web", "florentin-worker"])
def test_docs_grant_only_keys_that_are_used(lived: Lived, user: str) -> None:
    granted = {rule[1:] for rule in rules_of(user) if rule.startswith("~")}
    declared = {key for each in lived.executed[user] for key in each.declared or ()}
    used = {rule for rule in granted for key in declared if fnmatch(repr(key)[2:-1], rule)}
    assert used == granted
