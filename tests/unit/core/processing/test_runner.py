"""All handlers run once each, even if others fail, in both kinds of program."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from functools import partial

import pytest

from florentin_webhooks import Delivery, MemoryStore, Receiver
from florentin_webhooks.errors import ConfigurationError, HandlerFailed
from florentin_webhooks.events import InvoiceCreated, UsageMetricsUpdated
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.testing import Provider, SignedDelivery
from tests.support.handling import (
    Kind,
    Receive,
    as_function,
    both_kinds,
    both_ways,
    failures_of,
    named,
    raises,
)
from tests.support.shop import SECRET


@pytest.fixture
def receiver() -> Receiver:
    return Receiver(SECRET)


@pytest.fixture
def made() -> SignedDelivery:
    return Provider(SECRET).make("invoice.created")


@both_ways
@both_kinds
def test_a_handler_gets_event_and_delivery(
    receiver: Receiver, made: SignedDelivery, receive: Receive, kind: Kind
) -> None:
    got: list[tuple[object, ...]] = []
    receiver.on(InvoiceCreated)(kind(lambda *given: got.append(given)))
    assert receive(receiver, made).outcome is Outcome.PROCESSED
    ((event, delivery),) = got
    assert isinstance(event, InvoiceCreated)
    assert isinstance(delivery, Delivery)
    assert delivery.body == made.body


@both_ways
@both_kinds
def test_handlers_run_in_the_order_of_their_registration(
    receiver: Receiver, made: SignedDelivery, receive: Receive, kind: Kind
) -> None:
    ran: list[int] = []
    for number in range(5):
        body = partial(lambda n, *_: ran.append(n), number)
        receiver.on(InvoiceCreated)(named(f"h{number}", kind(body)))
    receive(receiver, made)
    assert ran == [0, 1, 2, 3, 4]


@both_ways
@both_kinds
def test_all_handlers_run_and_a_retry_runs_failed_ones(
    receiver: Receiver, made: SignedDelivery, receive: Receive, kind: Kind
) -> None:
    ran: list[str] = []

    def body(name: str, *_: object) -> None:
        ran.append(name)
        if name == "b" and ran.count("b") == 1:
            raise ValueError

    for name in "abc":
        receiver.on(InvoiceCreated)(named(name, kind(partial(body, name))))
    assert receive(receiver, made).outcome is Outcome.HANDLER_FAILED
    assert receive(receiver, made).outcome is Outcome.PROCESSED
    assert ran == ["a", "b", "c", "b"]


@both_ways
def test_failures_come_back_together_and_in_order(
    receiver: Receiver, made: SignedDelivery, receive: Receive
) -> None:
    errors = [ValueError(), KeyError(), OSError()]
    for number, error in enumerate(errors):
        receiver.on(InvoiceCreated)(named(f"h{number}", as_function(raises(error))))
    reply = receive(receiver, made)
    assert failures_of(reply) == tuple(errors)
    assert isinstance(reply.error, HandlerFailed)
    assert isinstance(reply.error.failures, ExceptionGroup)


@both_ways
@both_kinds
def test_what_a_handler_gives_back_never_reaches_the_sender(
    receiver: Receiver, made: SignedDelivery, receive: Receive, kind: Kind
) -> None:
    receiver.on(InvoiceCreated)(kind(lambda *_: "confidential"))
    reply = receive(receiver, made)
    assert b"confidential" not in reply.body
    assert "confidential" not in repr(reply)


@both_ways
def test_what_a_handler_raises_never_reaches_the_sender(
    receiver: Receiver, made: SignedDelivery, receive: Receive
) -> None:
    receiver.on(InvoiceCreated)(as_function(raises(ValueError("confidential"))))
    reply = receive(receiver, made)
    assert b"confidential" not in reply.body
    assert "confidential" not in repr(reply)


@both_ways
def test_each_handler_has_an_event_of_its_own(receiver: Receiver, receive: Receive) -> None:
    seen: list[dict[str, int | float]] = []

    def spoil(event: UsageMetricsUpdated, _: Delivery) -> None:
        seen.append(dict(event.data.metrics))
        event.data.metrics.clear()

    for name in ("a", "b", "c"):
        receiver.on(UsageMetricsUpdated)(named(name, as_function(spoil)))
    made = Provider(SECRET).make("usage.metrics_updated", metrics={"calls": 3})
    assert receive(receiver, made).outcome is Outcome.PROCESSED
    assert [each["calls"] for each in seen] == [3, 3, 3]


@both_ways
def test_function_returning_a_coroutine_must_be_async(
    receiver: Receiver, made: SignedDelivery, receive: Receive
) -> None:
    async def work() -> None: ...

    def forgot(_: InvoiceCreated) -> Awaitable[None]:
        return work()

    receiver.on(InvoiceCreated)(forgot)
    (failure,) = failures_of(receive(receiver, made))
    assert isinstance(failure, ConfigurationError)
    assert "Declare the handler with async def." in str(failure)


def test_receive_is_refused_in_a_running_event_loop(
    receiver: Receiver, made: SignedDelivery
) -> None:
    async def program() -> None:
        receiver.receive(*made)

    with pytest.raises(ConfigurationError, match="Use: await areceive"):
        asyncio.run(program())


def test_a_blocking_program_waits_for_no_event_loop(
    receiver: Receiver, made: SignedDelivery
) -> None:
    def no_loop(*_: object) -> None:
        with pytest.raises(RuntimeError, match="no running event loop"):
            asyncio.get_running_loop()

    receiver.on(InvoiceCreated)(as_function(no_loop))
    assert receiver.receive(*made).outcome is Outcome.PROCESSED


def test_run_ends_where_another_one_has_finished_all(made: SignedDelivery) -> None:
    def body(name: str, *_: object) -> None:
        ran.append(name)
        if ran == ["a"]:
            now.append(now[-1] + 61)  # Its lease expires while it runs.
            outcomes.append(receiver.receive(*made).outcome)

    ran, now, outcomes = list[str](), [0.0], list[Outcome]()
    store = MemoryStore(lease=timedelta(seconds=60), clock=lambda: now[-1])
    receiver = Receiver(SECRET, store=store)
    for name in "abc":
        receiver.on(InvoiceCreated)(named(name, as_function(partial(body, name))))
    outcomes.append(receiver.receive(*made).outcome)
    assert outcomes == [Outcome.PROCESSED] * 2
    assert ran == ["a", "a", "b", "c"]
