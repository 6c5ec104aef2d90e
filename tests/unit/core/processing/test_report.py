"""Observers: called with each failure, and without any influence on the outcome."""

from __future__ import annotations

import asyncio

import pytest

from florentin_webhooks import Discard, HandlerFailure, MemoryStore, Receiver, RetryLater
from florentin_webhooks.core.processing import report
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.testing import Provider, SignedDelivery
from tests.support.handling import Receive, as_function, asynchronous, both_ways, named, raises
from tests.support.shop import SECRET


@pytest.fixture
def receiver() -> Receiver:
    return Receiver(SECRET, store=MemoryStore())


@pytest.fixture
def made() -> SignedDelivery:
    return Provider(SECRET).make("invoice.created")


def fails(receiver: Receiver, *errors: Exception) -> None:
    for number, error in enumerate(errors):
        receiver.on("invoice.created")(named(f"h{number}", as_function(raises(error))))


@both_ways
def test_each_failure_is_passed_to_every_observer(
    receiver: Receiver, made: SignedDelivery, receive: Receive
) -> None:
    errors, seen = [ValueError("a"), KeyError("b")], list[HandlerFailure]()
    fails(receiver, *errors)
    receiver.on_failure(seen.append)

    @receiver.on_failure
    async def alert(failure: HandlerFailure) -> None:
        await asyncio.sleep(0)
        seen.append(failure)

    assert receive(receiver, made).outcome is Outcome.HANDLER_FAILED
    assert [each.error for each in seen] == [errors[0]] * 2 + [errors[1]] * 2
    assert {(each.event, each.attempt) for each in seen} == {("invoice.created", 1)}
    assert seen[0].reason.endswith(":h0: ValueError")
    assert "'a'" not in repr(seen[0])


@both_ways
def test_observer_that_fails_changes_nothing(
    receiver: Receiver,
    made: SignedDelivery,
    receive: Receive,
    caplog: pytest.LogCaptureFixture,
) -> None:
    seen: list[HandlerFailure] = []
    fails(receiver, ValueError())
    receiver.on_failure(raises(OSError("ada@adabooks.example")))
    receiver.on_failure(seen.append)
    assert receive(receiver, made).outcome is Outcome.HANDLER_FAILED
    assert len(seen) == 1
    assert "The observer tests.support.handling:raises.<locals>.body failed: OSError" in caplog.text
    assert "ada@" not in caplog.text


def test_slow_observer_is_stopped(
    receiver: Receiver,
    made: SignedDelivery,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(report, "OBSERVER_SECONDS", 0.01)
    fails(receiver, ValueError())

    @receiver.on_failure
    async def slow(_: HandlerFailure) -> None:
        await asyncio.sleep(60)

    assert asynchronous(receiver, made).outcome is Outcome.HANDLER_FAILED
    assert "slow failed: TimeIsOver at test_report.py:" in caplog.text


@pytest.mark.parametrize("error", [Discard("no"), RetryLater(5)])
def test_discard_and_retry_later_are_not_observed(
    receiver: Receiver, made: SignedDelivery, error: Exception
) -> None:
    seen: list[HandlerFailure] = []
    fails(receiver, error)
    receiver.on_failure(seen.append)
    receiver.receive(*made)
    assert seen == []


def test_receiver_without_name_is_named_by_its_path(monkeypatch: pytest.MonkeyPatch) -> None:
    nameless = Receiver(SECRET)
    assert nameless.reporter.receiver == "-"
    hooks = Receiver(SECRET)
    monkeypatch.setitem(globals(), "hooks", hooks)
    assert hooks.reporter.receiver == f"{__name__}:hooks"
