"""Handlers that run in the transaction that records their end, through a receiver's whole flow.

What docs/handlers.md says of ``atomic=True``, on SQLite. What the store itself promises, on
PostgreSQL as well, is in test_atomic.py; programs that stop waiting are in
test_atomic_cancellation.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, connections
from django.db.transaction import atomic

from florentin_webhooks import Delivery, Discard, Reply, RetryLater
from florentin_webhooks.core.stores.accept import Finish
from florentin_webhooks.core.stores.atomic import RunInTransaction
from florentin_webhooks.core.stores.base import Operation, State
from florentin_webhooks.core.stores.guards import GuardDecision, GuardStep, Latest
from florentin_webhooks.errors import Unavailable
from florentin_webhooks.events import InvoiceCreated
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.testing import Provider, SignedDelivery
from tests.support.atomic_shop import AtomicShop, Does, effects
from tests.support.handling import Failing, failures_of, raising
from tests.support.receivers import SpiedStore
from tests.support.shop import SECRET, assert_unavailable, retry_after
from tests.support.stores import A

Receive = Callable[..., Reply]
both_ways = pytest.mark.parametrize("receive", [AtomicShop.receive, AtomicShop.run])


@pytest.fixture(name="shop")
def _shop() -> Iterator[AtomicShop]:
    yield AtomicShop()
    connections.close_all()


# --- both, or neither ---


@both_ways
def test_effect_and_record_exist_together(shop: AtomicShop, receive: Receive) -> None:
    shop.on("bill")
    assert [receive(shop).outcome for _ in range(2)] == [Outcome.PROCESSED, Outcome.DUPLICATE]
    assert (shop.effects(), shop.endings()) == (1, {"bill": "done"})
    assert not shop.asked(Finish)


def _refers_to_nothing() -> None:
    effects().create(key=uuid4(), delivery_id=uuid4())


def _passes_over_an_error() -> None:
    same = uuid4()
    effects().create(key=same)
    with suppress(IntegrityError), atomic(savepoint=False):
        effects().create(key=same, force_insert=True)


FAILURES: dict[str, Callable[[], Failing]] = {
    "an error": lambda: raising(KeyError()),
    "SystemExit": lambda: raising(SystemExit()),
    "CancelledError": lambda: raising(asyncio.CancelledError()),
    "what the commit refuses": lambda: Failing(_refers_to_nothing),
    "a broken transaction": lambda: Failing(_passes_over_an_error),
}


@both_ways
@pytest.mark.parametrize("failure", FAILURES)
def test_failed_handler_has_no_effect_and_runs_again(
    shop: AtomicShop, receive: Receive, failure: str
) -> None:
    shop.on("bill", FAILURES[failure]())
    assert receive(shop).outcome is Outcome.HANDLER_FAILED
    assert (shop.effects(), shop.endings()) == (0, {})
    assert receive(shop).outcome is Outcome.PROCESSED
    assert (shop.effects(), shop.ran) == (1, ["bill", "bill"])


@both_ways
def test_discarded_handler_has_no_effect_and_does_not_run_again(
    shop: AtomicShop, receive: Receive
) -> None:
    shop.on("bill", raising(Discard("nothing to bill")))
    assert [receive(shop).outcome for _ in range(2)] == [Outcome.PROCESSED, Outcome.DUPLICATE]
    assert (shop.effects(), shop.endings()) == (0, {"bill": "discarded"})


@both_ways
def test_postponed_handler_has_no_effect_until_the_retry(
    shop: AtomicShop, receive: Receive
) -> None:
    shop.on("bill", raising(RetryLater(7)))
    assert retry_after(receive(shop)) == 7
    assert shop.effects() == 0
    assert receive(shop).outcome is Outcome.PROCESSED
    assert shop.effects() == 1


def test_missing_database_is_unavailable_without_effect(shop: AtomicShop) -> None:
    class Gone(SpiedStore):
        def execute(self, operation: Operation[A]) -> A:
            if isinstance(operation, RunInTransaction):
                raise Unavailable("the database is gone")
            return super().execute(operation)

    shop.receiver.store = Gone(shop.store)
    shop.on("bill")
    assert_unavailable(shop.receive())
    assert (shop.effects(), shop.ran) == (0, [])


# --- once ---


@both_ways
def test_guard_is_rolled_back_with_the_effect(shop: AtomicShop, receive: Receive) -> None:
    firsts, fail = list[bool](), raising(KeyError())

    def mails(delivery: Delivery) -> None:
        with delivery.once("mail") as first:
            firsts.append(first)
        fail()

    shop.on("mail", mails)
    assert [receive(shop).outcome for _ in range(2)] == [Outcome.HANDLER_FAILED, Outcome.PROCESSED]
    assert firsts == [True, True]


@both_ways
def test_guard_of_another_handler_is_respected(shop: AtomicShop, receive: Receive) -> None:
    firsts = list[bool]()

    def mails(delivery: Delivery) -> None:
        with delivery.once("mail") as first:
            firsts.append(first)

    shop.on("mail", mails)
    shop.on("mail-again", mails)
    receive(shop)
    assert firsts == [True, False]


# --- beside other handlers ---


@both_ways
@pytest.mark.parametrize("failing", [0, 1, 2])
def test_each_handler_has_its_effect_once_despite_a_failure(
    shop: AtomicShop, receive: Receive, failing: int
) -> None:
    names, fail = ["first", "second", "third"], raising(KeyError())
    for name in names:
        shop.on(name, fail if name == names[failing] else lambda _: None)
    assert len(failures_of(receive(shop))) == 1
    assert (shop.effects(), shop.state()) == (2, State.FAILED)
    assert receive(shop).outcome is Outcome.PROCESSED
    assert (shop.ran, shop.effects()) == ([*names, names[failing]], 3)


@both_ways
def test_plain_handler_before_an_atomic_one_is_recorded_alone(
    shop: AtomicShop, receive: Receive
) -> None:
    shop.on("plain", atomic=False)
    shop.on("bill", raising(KeyError()))
    receive(shop)
    assert (shop.effects(), shop.endings()) == (1, {"plain": "done"})
    assert receive(shop).outcome is Outcome.PROCESSED
    assert (shop.effects(), shop.ran) == (2, ["plain", "bill", "bill"])


# --- latest= ---


def _newer_and_older(shop: AtomicShop, receive: Receive, does: Does) -> list[Outcome]:
    """Send two events of one customer, the newer one first."""
    shop.on("bill", does, latest=lambda _: "customer")
    return [receive(shop, _made(seconds)).outcome for seconds in (5, 60)]


def _made(age: int) -> SignedDelivery:
    stamped = datetime.now(UTC) - timedelta(seconds=age)
    return Provider(SECRET, clock=lambda: stamped).make("invoice.created")


@both_ways
def test_newer_event_supersedes_older_ones(shop: AtomicShop, receive: Receive) -> None:
    assert _newer_and_older(shop, receive, lambda _: None) == [Outcome.PROCESSED] * 2
    assert shop.effects() == 1
    assert {each.step for each in shop.asked(Latest)} == {GuardStep.BEGIN}


@both_ways
def test_failed_newer_event_supersedes_nothing(shop: AtomicShop, receive: Receive) -> None:
    outcomes = _newer_and_older(shop, receive, raising(KeyError()))
    assert outcomes == [Outcome.HANDLER_FAILED, Outcome.PROCESSED]
    assert shop.effects() == 1


@both_ways
def test_discarded_newer_event_supersedes_older_ones(shop: AtomicShop, receive: Receive) -> None:
    assert _newer_and_older(shop, receive, raising(Discard())) == [Outcome.PROCESSED] * 2
    assert shop.effects() == 0


@both_ways
def test_lost_lease_has_no_effect_and_releases_the_guard(
    shop: AtomicShop, receive: Receive
) -> None:
    def entity(_: InvoiceCreated) -> str:
        shop.loses_its_lease()
        return "customer"

    shop.on("bill", latest=entity)
    assert receive(shop).outcome is Outcome.IN_PROGRESS
    assert (shop.ran, shop.effects()) == ([], 0)
    other = Latest(shop.asked(Latest)[0].entity, 0, b"other", GuardStep.BEGIN, 60)
    assert shop.store.execute(other).decision is GuardDecision.RUN
