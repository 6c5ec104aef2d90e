"""The sender's log beside the store: what agrees, and what must be replayed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from florentin_webhooks import Receiver, RedisStore
from florentin_webhooks.cli.reconciliation.comparison import Comparison, Verdict
from florentin_webhooks.cli.reconciliation.sender_log import Entry, Outcome
from florentin_webhooks.core.stores.queries import ListRecords
from florentin_webhooks.testing import Provider

SECRET = "a-secret-of-the-reconciliation-tests"
PROVIDER = Provider(SECRET)


class Shop:
    """A receiver whose handler fails for logins."""

    def __init__(self, url: str) -> None:
        self.hooks = Receiver(SECRET, store=RedisStore(url))
        self.hooks.on("invoice.created")(lambda _: None)
        self.hooks.on("user.login")(self.fail)

    def fail(self, _: object) -> None:
        raise ValueError

    def receive(self, event: str, age: timedelta = timedelta()) -> str:
        """Receive a delivery and return its id."""
        provider = Provider(SECRET, clock=lambda: datetime.now(UTC) - age)
        made = provider.make(event)
        provider.send(self.hooks, made)
        return made.delivery_id

    def judge(
        self, key: str, outcome: Outcome, event: str = "", age: timedelta = timedelta()
    ) -> Verdict:
        entry = Entry(key, outcome, event=event, time=datetime.now(UTC) - age)
        records = self.hooks.store.execute(ListRecords(1000)).records
        return next(Comparison(self.hooks, records).compare([entry])).verdict


@pytest.fixture
def shop(redis_url: str) -> Shop:
    return Shop(redis_url)


DELIVERED, FAILED, PENDING = Outcome.DELIVERED, Outcome.FAILED, Outcome.PENDING


def test_handled_delivery_agrees_or_its_answer_was_lost(shop: Shop) -> None:
    key = shop.receive("invoice.created")
    assert shop.judge(key, DELIVERED) is Verdict.AGREED
    assert shop.judge(key, PENDING) is Verdict.AGREED
    assert shop.judge(key, FAILED) is Verdict.ANSWER_LOST


def test_failed_delivery_can_be_replayed_here_unless_it_is_retried(shop: Shop) -> None:
    key = shop.receive("user.login")
    assert shop.judge(key, FAILED) is Verdict.FAILED_HERE
    assert shop.judge(key, PENDING) is Verdict.PENDING


def test_stale_delivery_can_be_released_here(shop: Shop) -> None:
    key = shop.receive("invoice.created", timedelta(hours=1))
    assert shop.judge(key, FAILED) is Verdict.FAILED_HERE


def test_delivery_that_never_came_is_missing(shop: Shop) -> None:
    assert shop.judge("unknown-id", FAILED, "invoice.created") is Verdict.MISSING
    assert shop.judge("unknown-id", DELIVERED, "invoice.created") is Verdict.MISSING
    assert shop.judge("unknown-id", PENDING, "invoice.created") is Verdict.PENDING


def test_event_that_no_handler_wants_is_not_missing(shop: Shop) -> None:
    key = shop.receive("tos.accepted")
    assert shop.judge(key, DELIVERED, "tos.accepted") is Verdict.IGNORED
    assert shop.judge(key, FAILED, "tos.accepted") is Verdict.MISSING


def test_delivery_before_the_memory_of_the_store_is_forgotten(shop: Shop) -> None:
    age = shop.hooks.store.retention + timedelta(minutes=1)
    assert shop.judge("long-ago", DELIVERED, "invoice.created", age) is Verdict.FORGOTTEN


def test_only_what_must_be_replayed_needs_action() -> None:
    assert {each for each in Verdict if each.needs_action} == {
        Verdict.MISSING,
        Verdict.FAILED_HERE,
    }
