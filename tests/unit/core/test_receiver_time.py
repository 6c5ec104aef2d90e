"""Handlers that take too long: a reply in time, and never two runs at once."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import TypeVar

import anyio.lowlevel
import pytest

from florentin_webhooks import MemoryStore, Receiver, Reply
from florentin_webhooks.core.stores.accept import Finish
from florentin_webhooks.core.stores.base import Operation, State
from florentin_webhooks.errors import HandlerFailed
from florentin_webhooks.events import InvoiceCreated
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.testing import Provider, SignedDelivery
from tests.support.shop import SECRET
from tests.support.waiting import aeventually

pytestmark = pytest.mark.anyio

A = TypeVar("A")
TIMEOUT = timedelta(seconds=0.05)


class Slow:
    """A receiver whose handler runs in a thread until *release* is set, then may *fail*.

    *patient* has the same handlers, and time for them on a busy machine.
    """

    def __init__(self, store: MemoryStore | None = None) -> None:
        self.store = MemoryStore() if store is None else store
        self.receiver = Receiver(SECRET, store=self.store, timeout=TIMEOUT)
        self.patient = Receiver(SECRET, store=self.store, timeout=0.9 * self.store.lease)
        self.made = Provider(SECRET).make("invoice.created")
        self.release = threading.Event()
        self.fail = False
        self.ran: list[str] = []
        self.on(self._slow)

    def on(self, handler: Callable[[InvoiceCreated], None]) -> None:
        for receiver in (self.receiver, self.patient):
            receiver.on(InvoiceCreated)(handler)

    def _slow(self, _: InvoiceCreated) -> None:
        self.ran.append("slow")
        self.release.wait(30)
        if self.fail:
            raise ValueError

    def second(self, _: InvoiceCreated) -> None:
        """A handler that takes no time."""
        self.ran.append("second")

    async def receive(self, made: SignedDelivery | None = None) -> Reply:
        return await self.receiver.areceive(*(made or self.made))

    async def settled(self) -> Outcome:
        """Return the outcome of a retry after the thread has ended."""
        async with asyncio.timeout(30):
            outcome = Outcome.IN_PROGRESS
            while outcome is Outcome.IN_PROGRESS:
                outcome = (await self.patient.areceive(*self.made)).outcome
                await anyio.lowlevel.checkpoint()
        return outcome


@pytest.fixture
async def slow() -> AsyncIterator[Slow]:
    made = Slow()
    yield made
    made.release.set()


async def test_slow_thread_is_reported_in_time(slow: Slow) -> None:
    began = time.monotonic()
    reply = await slow.receive()
    assert time.monotonic() - began < 20  # And not 30.
    assert reply.outcome is Outcome.HANDLER_FAILED
    assert isinstance(reply.error, HandlerFailed)
    (failure,) = reply.error.failures.exceptions
    assert isinstance(failure, TimeoutError)


async def test_while_it_goes_on_retries_wait(slow: Slow) -> None:
    await slow.receive()
    assert (await slow.receive()).outcome is Outcome.IN_PROGRESS
    assert slow.ran == ["slow"]


async def test_when_it_has_ended_the_delivery_is_done(slow: Slow) -> None:
    await slow.receive()
    slow.release.set()
    assert await slow.settled() is Outcome.DUPLICATE
    assert slow.ran == ["slow"]


async def test_retry_runs_a_thread_that_failed_in_the_end(slow: Slow) -> None:
    slow.fail = True
    await slow.receive()
    slow.release.set()
    assert await slow.settled() is Outcome.HANDLER_FAILED
    assert slow.ran == ["slow", "slow"]


async def test_the_handlers_after_it_run_in_the_retry(slow: Slow) -> None:
    slow.on(slow.second)
    assert (await slow.receive()).outcome is Outcome.HANDLER_FAILED
    slow.release.set()
    assert await slow.settled() is Outcome.PROCESSED
    assert slow.ran == ["slow", "second"]


class Renewed(MemoryStore):
    """A store whose *now* a test sets, and which counts how often a lease is renewed."""

    def __init__(self) -> None:
        super().__init__(lease=timedelta(seconds=0.3), clock=lambda: self.now)
        self.now = 0.0
        self.renewals = 0

    def execute(self, operation: Operation[A]) -> A:
        self.renewals += isinstance(operation, Finish) and operation.state is State.RUNNING
        return super().execute(operation)


async def test_long_handler_is_never_run_twice_at_once() -> None:
    store = Renewed()
    slow = Slow(store)
    await slow.receive()
    for _ in range(5):  # Longer than the lease.
        renewed = store.renewals
        await aeventually(lambda before=renewed: store.renewals > before)  # type: ignore[misc]  # a bound value.
        store.now += 0.2
        assert (await slow.receive()).outcome is Outcome.IN_PROGRESS
    slow.release.set()
    assert await slow.settled() is Outcome.DUPLICATE
    assert slow.ran == ["slow"]


async def test_a_program_that_leaves_does_not_end_a_thread(slow: Slow) -> None:
    task = asyncio.ensure_future(slow.receive())
    await aeventually(lambda: slow.ran)
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()
    assert (await slow.receive()).outcome is Outcome.IN_PROGRESS
    slow.release.set()
    assert await slow.settled() is Outcome.DUPLICATE
    assert slow.ran == ["slow"]


def test_program_waits_for_its_thread_and_records_it() -> None:
    slow = Slow()

    async def program() -> None:
        assert (await slow.receive()).outcome is Outcome.HANDLER_FAILED
        asyncio.get_running_loop().call_later(0.05, slow.release.set)

    asyncio.run(program())
    assert slow.receiver.receive(*slow.made).outcome is Outcome.DUPLICATE
    assert slow.ran == ["slow"]


async def test_slow_coroutine_is_cancelled_and_run_again() -> None:
    store, runs, made = MemoryStore(), list[int](), Provider(SECRET).make("invoice.created")

    async def slow_once(_: InvoiceCreated) -> None:
        runs.append(1)
        if len(runs) == 1:
            await asyncio.Event().wait()

    for timeout, outcome in ((TIMEOUT, "handler-failed"), (timedelta(seconds=8), "processed")):
        receiver = Receiver(SECRET, store=store, timeout=timeout)
        receiver.on(InvoiceCreated)(slow_once)
        assert (await receiver.areceive(*made)).outcome == outcome


def test_slow_coroutine_is_cancelled_in_a_blocking_program() -> None:
    receiver = Receiver(SECRET, timeout=TIMEOUT)

    @receiver.on(InvoiceCreated)
    async def slow(_: InvoiceCreated) -> None:
        await asyncio.Event().wait()

    reply = receiver.receive(*Provider(SECRET).make("invoice.created"))
    assert reply.outcome is Outcome.HANDLER_FAILED


async def test_a_slow_thread_leaves_the_others_alone(slow: Slow) -> None:
    provider = Provider(SECRET)
    quick = Receiver(SECRET, store=slow.store)
    quick.on(InvoiceCreated)(lambda _: None)
    await slow.receive()
    assert (await quick.areceive(*provider.make("invoice.created"))).outcome is Outcome.PROCESSED
