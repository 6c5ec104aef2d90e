"""The object of the fixture ``webhooks``: deliveries, retries, workers, and what is raised."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from unittest import IsolatedAsyncioTestCase, TestCase

import pytest

from florentin_webhooks import Delivery, Discard, Receiver, RedisStore, RetryLater, RQQueue, events
from florentin_webhooks.core.replay import try_replay
from florentin_webhooks.core.stores.queries import ListRecords
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.events import Event
from florentin_webhooks.senders import HMACSender
from florentin_webhooks.testing import Webhooks, open_async_webhooks, open_webhooks
from florentin_webhooks.testing.kit.rehearsal import open_kit

hooks = Receiver("a-secret-of-the-test-kit-s-tests")
queued = Receiver(
    "another-secret-of-the-test-kit-s-tests",
    store=RedisStore("redis://localhost:1"),
    queue=RQQueue("mail", retries=(5, 30), receiver="shop.hooks:hooks"),
)
LISTED: dict[str, Any] = {"name": "Lists", "signature_header": "X-Sig", "items_field": "events"}
raising: list[Exception] = []
ran: list[str] = []


@hooks.on("invoice.created")
@queued.on("invoice.created")
def bill(event: events.InvoiceCreated, delivery: Delivery) -> None:
    with delivery.once("mail") as first:
        ran.append(f"{event.data.invoice.amount_due} {first}")
    if raising:
        raise raising.pop()


@hooks.on(events.InvoiceCreated)
async def count(_: events.InvoiceCreated) -> None:
    if raising:
        raise raising.pop()


@pytest.fixture(autouse=True)
def _nothing_ran() -> None:
    raising.clear()
    ran.clear()


@pytest.fixture
def webhooks() -> Iterator[Webhooks]:
    with open_kit(hooks) as kit:
        yield Webhooks(kit)


@pytest.fixture
def queueing() -> Iterator[Webhooks]:
    with open_kit(queued) as kit:
        yield Webhooks(kit)


def test_delivery_is_handled_and_its_repetition_is_a_duplicate(webhooks: Webhooks) -> None:
    first = webhooks.deliver("invoice.created", invoice={"amount_due": 4200})
    webhooks.assert_handled()
    assert webhooks.redeliver().delivery == first.delivery
    webhooks.assert_duplicate()
    webhooks.assert_handled(first, by=bill)
    assert ran == ["4200 True"]


def test_error_is_raised_with_the_line_of_its_handler(webhooks: Webhooks) -> None:
    raising.append(ZeroDivisionError("by the handler"))
    with pytest.raises(ZeroDivisionError) as raised:
        webhooks.deliver("invoice.created")
    frames = [frame.name for frame in traceback.extract_tb(raised.value.__traceback__)]
    assert frames[-1] == "bill"
    assert raised.value.__notes__ == [
        f"The handler {__name__}:bill failed for invoice.created (attempt 1)."
    ]


def test_errors_of_two_handlers_are_raised_together(webhooks: Webhooks) -> None:
    raising.extend([KeyError("first"), ZeroDivisionError()])
    with pytest.RaisesGroup(ZeroDivisionError, KeyError):
        webhooks.deliver("invoice.created")


def test_expected_error_is_returned_instead_of_raised(webhooks: Webhooks) -> None:
    raising.append(ZeroDivisionError())
    with webhooks.expect_failure(ZeroDivisionError) as errors:
        assert webhooks.deliver("invoice.created").status == 500
    assert [type(error) for error in errors] == [ZeroDivisionError]
    raising.append(KeyError())
    with pytest.raises(KeyError), webhooks.expect_failure(ZeroDivisionError):
        webhooks.deliver("invoice.created")


def test_expected_error_that_is_not_raised_fails(webhooks: Webhooks) -> None:
    with (
        pytest.raises(AssertionError, match="No handler failed with KeyError or OSError"),
        webhooks.expect_failure(KeyError, OSError),
    ):
        webhooks.deliver("invoice.created")


def test_sender_retries_by_its_schedule(webhooks: Webhooks) -> None:
    raising.extend(ZeroDivisionError() for _ in range(6))
    start = webhooks.now
    with pytest.RaisesGroup(ZeroDivisionError, ZeroDivisionError):
        webhooks.deliver("invoice.created")
    for seconds, attempts in (29, 1), (1, 2), (119, 2), (1, 3):
        with webhooks.expect_failure() if seconds == 1 else pytest.MonkeyPatch.context():
            webhooks.wait(seconds=seconds)
        assert len(webhooks.results) == attempts
    webhooks.wait(minutes=5)  # The last attempt succeeds.
    webhooks.assert_handled()
    assert ran == ["4900 True", "4900 False", "4900 False", "4900 False"]
    assert webhooks.now - start == timedelta(seconds=450)


def test_wait_raises_only_what_no_retry_made_up_for(webhooks: Webhooks) -> None:
    raising.extend(ZeroDivisionError() for _ in range(2))
    with pytest.RaisesGroup(ZeroDivisionError, ZeroDivisionError):
        webhooks.deliver("invoice.created")
    raising.append(KeyError("again"))
    webhooks.wait(minutes=20)
    webhooks.assert_handled()
    raising.extend(KeyError() for _ in range(8))
    with webhooks.expect_failure():
        webhooks.deliver("invoice.created")
    with pytest.RaisesGroup(KeyError, KeyError):
        webhooks.wait(minutes=20)


def test_delivery_older_than_the_tolerance_is_stale(webhooks: Webhooks) -> None:
    captured = webhooks.make("invoice.created")
    webhooks.wait(minutes=16)
    assert webhooks.send(captured).outcome == "stale"


def test_queued_handler_runs_in_the_worker(queueing: Webhooks) -> None:
    assert queueing.deliver("invoice.created").outcome == "accepted"
    assert ran == []
    queueing.run_worker()
    queueing.assert_handled(by=bill)
    queueing.run_worker()
    assert ran == ["4900 True"]


def test_queue_retries_by_its_schedule_and_gives_up(queueing: Webhooks) -> None:
    raising.extend(ZeroDivisionError() for _ in range(3))
    queueing.deliver("invoice.created")
    with pytest.raises(ZeroDivisionError):
        queueing.run_worker()
    queueing.run_worker()
    assert len(ran) == 1
    with pytest.raises(ZeroDivisionError):
        queueing.wait(seconds=35)
    assert len(ran) == 3
    queueing.assert_dead()
    queueing.redeliver()  # Revives it, as the replay button of the sender does.
    queueing.run_worker()
    queueing.assert_handled()


def test_replay_of_a_scheduled_part_runs_it_now(queueing: Webhooks) -> None:
    raising.append(ZeroDivisionError())
    queueing.deliver("invoice.created")
    with pytest.raises(ZeroDivisionError):
        queueing.run_worker()
    (entry,) = queueing.receiver.store.execute(ListRecords()).records
    outcomes = [try_replay(queueing.receiver, entry.fingerprint).outcome for _ in range(2)]
    assert outcomes == ["accepted", "not-replayable"]
    queueing.run_worker()
    queueing.assert_handled()


def test_postponed_handler_uses_up_no_retry(queueing: Webhooks) -> None:
    raising.extend(RetryLater(60) for _ in range(9))
    queueing.deliver("invoice.created")
    queueing.wait(minutes=8, seconds=59)
    assert len(ran) == 9
    queueing.wait(seconds=1)
    queueing.assert_handled()


def test_unhandled_delivery_shows_reply_and_handlers(
    webhooks: Webhooks, queueing: Webhooks
) -> None:
    raising.append(Discard("not ours"))
    webhooks.deliver("invoice.created")
    with pytest.raises(AssertionError) as raised:
        webhooks.assert_handled()
    assert str(raised.value).splitlines() == [
        "invoice.created was not handled.",
        "  reply: 200 processed",
        "  state: done",
        f"  {__name__}:bill: discarded, not ours",
        f"  {__name__}:count: done",
    ]
    queueing.deliver("invoice.created")
    with pytest.raises(AssertionError, match="waits in queue mail; run it"):
        queueing.assert_handled(by=bill)
    with pytest.raises(AssertionError, match="is not dead"):
        queueing.assert_dead()
    with pytest.raises(AssertionError, match="was not taken for a duplicate"):
        queueing.assert_duplicate()
    webhooks.deliver("user.login")
    with pytest.raises(AssertionError, match="no handler wants"):
        webhooks.assert_handled()


def test_items_of_a_list_are_all_asserted() -> None:
    lists = Receiver(b"a-secret-of-a-list", sender=HMACSender(**LISTED))

    @lists.on("sent", inline=True)
    def send(_: Event, delivery: Delivery) -> None:
        ran.append(f"{delivery.item}")
        if raising and delivery.item:
            raise raising.pop()

    with open_webhooks(lists) as webhooks:
        webhooks.deliver("sent")
        webhooks.assert_handled(by=send)
        webhooks.assert_handled()
        raising.append(LookupError("of the second"))
        body = b'{"events": [{"type": "sent"}, {"type": "sent"}, {"type": "lost"}]}'
        with webhooks.expect_failure(LookupError):
            webhooks.send(webhooks.provider.sign("batch", body, delivery_id="2"))
        with pytest.raises(AssertionError, match=r"send\[0\]: done\n.*send\[1\]: failed"):
            webhooks.assert_handled(by=send)
        webhooks.redeliver()
        webhooks.assert_handled(by=send)
    assert ran == ["0", "0", "1", "1"]


def test_discarded_delivery_is_asserted_as_such(webhooks: Webhooks, queueing: Webhooks) -> None:
    raising.append(Discard("not ours"))
    webhooks.deliver("invoice.created")
    webhooks.assert_discarded(by=bill)
    with pytest.raises(AssertionError, match=r"was not discarded\.\n.*\n.*\n.*discarded, not ours"):
        webhooks.assert_discarded()
    queueing.deliver("invoice.created")
    with pytest.raises(AssertionError, match=r"was not discarded by .*bill"):
        queueing.assert_discarded(by=bill)
    raising.append(Discard("not ours"))
    queueing.run_worker()
    queueing.assert_discarded()


class TestWithoutPytest(TestCase):
    def test_receiver_at_a_path_is_opened(self) -> None:
        with open_webhooks(f"{__name__}:hooks", secret=hooks.secrets) as webhooks:
            webhooks.deliver("invoice.created")
            webhooks.assert_handled(by=bill)
        with pytest.raises(ConfigurationError, match="of type int, without a receiver"):
            self.enterContext(open_webhooks(1))


class TestAsyncioWithoutPytest(IsolatedAsyncioTestCase):
    async def test_receiver_is_opened(self) -> None:
        with open_async_webhooks(queued) as webhooks:
            await webhooks.deliver("invoice.created")
            await webhooks.run_worker()
            webhooks.assert_handled(by=bill)


def test_failed_handler_shows_its_error_and_next_attempt(queueing: Webhooks) -> None:
    raising.append(ZeroDivisionError("by the handler"))
    queueing.deliver("invoice.created")
    with queueing.expect_failure():
        queueing.run_worker()
    failed = "failed in attempt 1, ZeroDivisionError: by the handler; next attempt in 5 s"
    with pytest.raises(AssertionError, match=failed):
        queueing.assert_handled()


def test_refused_event_shows_why(webhooks: Webhooks) -> None:
    webhooks.deliver("invoice.created", invoice={"number": None})
    with pytest.raises(AssertionError, match=r"state: invalid, .*data\.invoice\.number"):
        webhooks.assert_handled()


def test_assertion_before_a_delivery_says_so(webhooks: Webhooks) -> None:
    with pytest.raises(ConfigurationError, match=r"Nothing was delivered yet\."):
        webhooks.assert_handled()


def test_receiver_is_as_before_after_the_test() -> None:
    before = hooks.store
    with open_kit(hooks) as kit:
        Webhooks(kit).deliver("invoice.created")
        assert hooks.store is not before
    assert hooks.store is before
    hooks.on("tos.accepted")(print)  # It still accepts handlers.
    assert hooks.failure_observers == []
