"""The short way of a usual delivery: its values are complete, and its handlers end as others."""

from __future__ import annotations

import asyncio
from dataclasses import fields
from typing import Any, TypeVar

import pytest

from florentin_webhooks import Delivery, MemoryStore, Receiver
from florentin_webhooks.core.stores.accept import Accept, Finish
from florentin_webhooks.core.stores.base import Operation, State
from florentin_webhooks.events import InvoiceCreated
from florentin_webhooks.protocol.delivery import Outcome, Reply
from florentin_webhooks.testing import Provider, SignedDelivery
from tests.support.recorder import Recorder
from tests.support.shop import SECRET

A = TypeVar("A")


class Seen(MemoryStore):
    """A store that keeps what it is asked, and its record at the first finish."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Any] = []
        self.entries: list[Any] = []

    def execute(self, operation: Operation[A]) -> A:
        self.asked.append(operation)
        if isinstance(operation, Finish):
            self.entries.extend(self._open.values())
        return super().execute(operation)


@pytest.fixture
def store() -> Seen:
    return Seen()


@pytest.fixture
def receiver(store: Seen) -> Receiver:
    return Receiver(SECRET, store=store)


@pytest.fixture
def made() -> SignedDelivery:
    return Provider(SECRET).make("invoice.created")


def receive(receiver: Receiver, made: SignedDelivery) -> Reply:
    return asyncio.run(receiver.areceive(made.headers, made.body))


def test_values_created_in_place_have_every_field(
    store: Seen, receiver: Receiver, made: SignedDelivery
) -> None:
    own: list[Delivery] = []

    @receiver.on("invoice.created")
    async def handle(_: InvoiceCreated, delivery: Delivery) -> None:
        own.append(delivery)

    reply = receive(receiver, made)
    (accepted,) = [each for each in store.asked if isinstance(each, Accept)]
    for value in (reply, accepted, accepted.delivery, *own, *store.entries):
        assert [each.name for each in fields(value) if not hasattr(value, each.name)] == []
    assert (own[0], type(reply)) == (accepted.delivery, Reply)
    assert Delivery(*(getattr(own[0], each.name) for each in fields(Delivery))) == own[0]


def test_only_handler_is_finished_by_its_name(
    store: Seen, receiver: Receiver, made: SignedDelivery
) -> None:
    @receiver.on("invoice.created")
    async def handle(_: InvoiceCreated) -> None:
        pass

    assert receive(receiver, made).outcome is Outcome.PROCESSED
    finish = store.asked[-1]
    assert (finish.state, finish.handler) == (State.DONE, f"{__name__}:{handle.__qualname__}")


@pytest.mark.parametrize("failing", [0, 1, 2])
def test_retry_runs_only_the_handler_that_failed(
    receiver: Receiver, made: SignedDelivery, failing: int
) -> None:
    runs: list[int] = []

    def register(number: int) -> None:
        async def handle(_: InvoiceCreated) -> None:
            runs.append(number)
            if number == failing and runs.count(number) == 1:
                raise RuntimeError

        handle.__qualname__ = f"handle_{number}"
        receiver.on("invoice.created")(handle)

    for number in range(3):
        register(number)
    assert receive(receiver, made).outcome is Outcome.HANDLER_FAILED
    assert receive(receiver, made).outcome is Outcome.PROCESSED
    assert runs == [0, 1, 2, failing]


def test_run_that_lost_its_lease_starts_no_further_handler(made: SignedDelivery) -> None:
    now = [0.0]
    receiver = Receiver(SECRET, store=MemoryStore(clock=lambda: now[0]))
    runs: list[str] = []

    @receiver.on("invoice.created")
    async def first(_: InvoiceCreated) -> None:
        runs.append("first")
        if len(runs) == 1:
            now[0] += 61
            again = await receiver.areceive(made.headers, made.body)
            assert again.outcome is Outcome.PROCESSED

    @receiver.on("invoice.created")
    async def second(_: InvoiceCreated) -> None:
        runs.append("second")

    receive(receiver, made)
    assert runs == ["first", "first", "second"]


@pytest.mark.parametrize("failing", [0, 1, 2])
def test_observer_learns_of_each_handler_in_order(
    receiver: Receiver, made: SignedDelivery, failing: int
) -> None:
    recorder, seen = Recorder(), list[bool]()
    receiver.observe(recorder)

    def register(number: int) -> None:
        async def handle(_: InvoiceCreated, delivery: Delivery) -> None:
            async with delivery.once("effect") as is_first:
                seen.append(is_first)
            if number == failing:
                raise RuntimeError

        handle.__qualname__ = f"handle_{number}"
        receiver.on("invoice.created")(handle)

    for number in range(3):
        register(number)
    assert receive(receiver, made).outcome is Outcome.HANDLER_FAILED
    expected = ["failed" if number == failing else "handled" for number in range(3)]
    assert recorder.methods == [*expected, "accepted"]
    assert seen == [True, False, False]


def test_cancelled_run_keeps_what_is_done_and_frees_its_lease(
    receiver: Receiver, made: SignedDelivery
) -> None:
    runs, started = list[str](), asyncio.Event()

    @receiver.on("invoice.created")
    async def first(_: InvoiceCreated) -> None:
        runs.append("first")

    @receiver.on("invoice.created")
    async def second(_: InvoiceCreated) -> None:
        runs.append("second")
        if len(runs) == 2:
            started.set()
            await asyncio.Event().wait()

    async def cancel() -> Reply:
        running = asyncio.ensure_future(receiver.areceive(made.headers, made.body))
        await started.wait()
        running.cancel()
        await asyncio.wait({running})
        return await receiver.areceive(made.headers, made.body)

    assert asyncio.run(cancel()).outcome is Outcome.PROCESSED
    assert runs == ["first", "second", "second"]
