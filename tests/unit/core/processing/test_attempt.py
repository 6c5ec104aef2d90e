"""Any exception of a handler is its failure and never ends the program."""

from __future__ import annotations

import asyncio
import signal
from asyncio import CancelledError

import pytest

from florentin_webhooks import Receiver
from florentin_webhooks.events import InvoiceCreated
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
@pytest.mark.parametrize(
    "error",
    [
        SystemExit(3),
        KeyboardInterrupt(),
        CancelledError(),
        GeneratorExit(),
        RecursionError(),
        MemoryError(),
        TimeoutError(),
        StopAsyncIteration(),
        ExceptionGroup("several", [ValueError(), OSError()]),
        BaseExceptionGroup("several", [KeyboardInterrupt()]),
        type("Own", (BaseException,), {})(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_any_exception_of_a_handler_is_a_retryable_failure(
    receiver: Receiver, made: SignedDelivery, receive: Receive, kind: Kind, error: BaseException
) -> None:
    failing, ran = [error], []

    def body(*_: object) -> None:
        if failing:
            raise failing.pop()

    receiver.on(InvoiceCreated)(named("first", kind(body)))
    receiver.on(InvoiceCreated)(named("second", kind(lambda *_: ran.append(1))))
    assert failures_of(receive(receiver, made)) == (error,)
    assert receive(receiver, made).outcome is Outcome.PROCESSED
    assert ran == [1]


@both_ways
def test_the_end_of_an_iteration_is_a_failure_too(
    receiver: Receiver, made: SignedDelivery, receive: Receive
) -> None:
    receiver.on(InvoiceCreated)(as_function(raises(StopIteration())))
    assert [type(each) for each in failures_of(receive(receiver, made))] == [StopIteration]


@both_ways
def test_a_recursion_without_end_is_a_failure(
    receiver: Receiver, made: SignedDelivery, receive: Receive
) -> None:
    def endless(event: InvoiceCreated) -> None:
        endless(event)

    receiver.on(InvoiceCreated)(endless)
    assert [type(each) for each in failures_of(receive(receiver, made))] == [RecursionError]


def test_ctrl_c_in_a_blocking_programs_coroutine_is_its_failure(
    receiver: Receiver, made: SignedDelivery
) -> None:
    @receiver.on(InvoiceCreated)
    async def interrupted(_: InvoiceCreated) -> None:
        if not interruptions:
            interruptions.append(1)
            signal.raise_signal(signal.SIGINT)
            await asyncio.sleep(3600)

    interruptions: list[int] = []
    assert [type(e) for e in failures_of(receiver.receive(*made))] == [KeyboardInterrupt]
    assert receiver.receive(*made).outcome is Outcome.PROCESSED
