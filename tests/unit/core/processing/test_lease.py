"""A program that stops waiting returns its lease, at any moment."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from typing import Any, TypeVar

import anyio
import anyio.lowlevel
import pytest

from florentin_webhooks import MemoryStore, Receiver, Reply
from florentin_webhooks.core.stores.accept import Accept, Finish
from florentin_webhooks.core.stores.base import Operation, State
from florentin_webhooks.core.stores.guards import GuardStep, Latest
from florentin_webhooks.errors import Unavailable
from florentin_webhooks.events import InvoiceCreated
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.testing import Provider, SignedDelivery
from tests.support.handling import raising
from tests.support.shop import SECRET
from tests.support.stores import accept, finish

Work = Coroutine[Any, Any, object]
Way = Callable[[Work, asyncio.Event], Awaitable[None]]


async def by_cancelling_its_task(work: Work, reached: asyncio.Event) -> None:
    task = asyncio.ensure_future(work)
    await reached.wait()
    task.cancel()
    await asyncio.wait({task})


async def by_a_timeout(work: Work, reached: asyncio.Event) -> None:
    async def limited() -> None:
        async with asyncio.timeout(None) as limit:
            limits.append(limit)
            await work

    limits: list[asyncio.Timeout] = []
    task = asyncio.ensure_future(limited())
    await reached.wait()
    limits[0].reschedule(0)
    await asyncio.wait({task})
    assert isinstance(task.exception(), TimeoutError)


async def by_move_on_after(work: Work, reached: asyncio.Event) -> None:
    async def limited() -> None:
        with anyio.move_on_after(60) as scope:
            scopes.append(scope)
            await work

    scopes: list[anyio.CancelScope] = []
    task = asyncio.ensure_future(limited())
    await reached.wait()
    scopes[0].deadline = anyio.current_time()
    await task


async def by_fail_after(work: Work, reached: asyncio.Event) -> None:
    async def limited() -> None:
        with anyio.fail_after(60) as scope:
            scopes.append(scope)
            await work

    scopes: list[anyio.CancelScope] = []
    task = asyncio.ensure_future(limited())
    await reached.wait()
    scopes[0].deadline = anyio.current_time()
    await asyncio.wait({task})
    assert isinstance(task.exception(), TimeoutError)


async def by_a_task_group(work: Work, reached: asyncio.Event) -> None:
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: work)
        await reached.wait()
        group.cancel_scope.cancel()


each_way = pytest.mark.parametrize(
    "cancelled",
    [
        by_cancelling_its_task,
        by_a_timeout,
        by_move_on_after,
        by_fail_after,
        by_a_task_group,
    ],
)


pytestmark = pytest.mark.anyio

A = TypeVar("A")


class Gated(MemoryStore):
    """A store that does at once what it is asked, and answers *held* operations never."""

    def __init__(self, held: Callable[[Operation[Any]], bool]) -> None:  # Any: of any answer.
        super().__init__(lease=timedelta(hours=1))
        self.held = held
        self.reached = asyncio.Event()

    async def aexecute(self, operation: Operation[A]) -> A:
        answer = self.execute(operation)
        if self.held(operation) and not self.reached.is_set():
            self.reached.set()
            await asyncio.Event().wait()
        return answer


class Program:
    """A receiver with two handlers that count; the first can be made to wait without end."""

    def __init__(
        self, store: MemoryStore, *, waits: bool = False, first: Callable[[], object] = lambda: None
    ) -> None:
        self.receiver = Receiver(SECRET, store=store)
        self.reached = asyncio.Event()
        self.ran: list[str] = []
        self.made = Provider(SECRET).make("invoice.created")
        self._waits = waits
        self._does = first
        self.receiver.on(InvoiceCreated, latest=lambda _: "customer")(self._first)
        self.receiver.on(InvoiceCreated)(self._second)

    async def _first(self, _: InvoiceCreated) -> None:
        self.ran.append("first")
        if self._waits and not self.reached.is_set():
            self.reached.set()
            await asyncio.Event().wait()
        self._does()

    async def _second(self, _: InvoiceCreated) -> None:
        self.ran.append("second")

    def receive(self, made: SignedDelivery | None = None) -> Coroutine[Any, Any, Reply]:
        return self.receiver.areceive(*(made or self.made))

    async def retry(self) -> Outcome:
        """Return the outcome of a retry after the lease is released."""
        async with asyncio.timeout(10):
            outcome = Outcome.IN_PROGRESS
            while outcome is Outcome.IN_PROGRESS:
                outcome = (await self.receive()).outcome
                await anyio.lowlevel.checkpoint()
        return outcome


@each_way
async def test_close_in_a_handler(cancelled: Way) -> None:
    program = Program(MemoryStore(), waits=True)
    await cancelled(program.receive(), program.reached)
    assert await program.retry() is Outcome.PROCESSED
    assert program.ran == ["first", "first", "second"]


@each_way
async def test_close_while_the_store_accepts(cancelled: Way) -> None:
    store = Gated(lambda operation: isinstance(operation, Accept))
    program = Program(store)
    await cancelled(program.receive(), store.reached)
    assert await program.retry() is Outcome.PROCESSED
    assert program.ran == ["first", "second"]


@each_way
async def test_cancelled_while_the_store_checks_the_watermark(cancelled: Way) -> None:
    store = Gated(lambda asked: isinstance(asked, Latest) and asked.step is GuardStep.BEGIN)
    program = Program(store)
    await cancelled(program.receive(), store.reached)
    assert await program.retry() is Outcome.PROCESSED
    assert program.ran == ["first", "second"]


@each_way
async def test_while_the_store_notes_that_the_newest_event_was_handled(cancelled: Way) -> None:
    store = Gated(lambda asked: isinstance(asked, Latest) and asked.step is GuardStep.DONE)
    program = Program(store)
    await cancelled(program.receive(), store.reached)
    assert await program.retry() is Outcome.PROCESSED
    assert program.ran == ["first", "second"]


@each_way
async def test_while_the_store_lets_others_in_after_a_failure(cancelled: Way) -> None:
    store = Gated(lambda asked: isinstance(asked, Latest) and asked.step is GuardStep.RELEASE)
    program = Program(store, first=raising(KeyError()))
    await cancelled(program.receive(), store.reached)
    assert await program.retry() is Outcome.PROCESSED
    assert program.ran == ["first", "first", "second"]


@each_way
async def test_while_the_store_records_the_first_of_two_handlers(cancelled: Way) -> None:
    store = Gated(lambda asked: isinstance(asked, Finish) and asked.state is State.RUNNING)
    program = Program(store)
    await cancelled(program.receive(), store.reached)
    assert await program.retry() is Outcome.PROCESSED
    assert program.ran == ["first", "second"]


@each_way
async def test_close_while_the_store_records_the_last_handler(cancelled: Way) -> None:
    store = Gated(lambda asked: isinstance(asked, Finish) and asked.state is State.DONE)
    program = Program(store)
    await cancelled(program.receive(), store.reached)
    assert await program.retry() is Outcome.DUPLICATE
    assert program.ran == ["first", "second"]


async def test_cancelled_while_the_store_accepts_a_restamped_retry() -> None:
    store = Gated(lambda asked: isinstance(asked, Accept) and asked.delivery.body == later.body)
    program = Program(store)
    later = stamped_anew(program.made)
    store.execute(accept(program.made.body, under=program.made.headers["X-Florentin-Delivery-Id"]))
    store.execute(finish(program.made.body, State.FAILED))
    await by_cancelling_its_task(program.receive(later), store.reached)
    assert await program.retry() is Outcome.PROCESSED
    assert program.ran == ["first", "second"]


def stamped_anew(made: SignedDelivery) -> SignedDelivery:
    """The same content under the same delivery id, with another timestamp."""
    before, mark, rest = made.body.partition(b'"timestamp": "20')
    body = before + mark + rest.replace(b"Z", b"000Z", 1)
    assert body != made.body
    given = made.headers["X-Florentin-Delivery-Id"]
    return Provider(SECRET).sign("invoice.created", body, delivery_id=given)


async def test_unavailable_store_at_lease_release_is_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Gone(MemoryStore):
        async def aexecute(self, operation: Operation[A]) -> A:
            if isinstance(operation, Finish):
                raise Unavailable("the store is gone")
            return self.execute(operation)

    program = Program(Gone(), waits=True)
    await by_cancelling_its_task(program.receive(), program.reached)
    assert (
        "A lease could not be released and runs until it expires: the store is gone" in caplog.text
    )


async def test_a_cancelled_program_does_not_answer() -> None:
    program = Program(MemoryStore(), waits=True)
    task = asyncio.ensure_future(program.receive())
    await program.reached.wait()
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()


async def test_what_was_cancelled_before_is_not_cancelled_now() -> None:
    program = Program(MemoryStore(), waits=False)

    @program.receiver.on("invoice.created")
    async def gives_up(_: InvoiceCreated) -> None:
        raise asyncio.CancelledError

    async def survivor() -> Reply:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return await program.receive()
        raise AssertionError

    task = asyncio.ensure_future(survivor())
    await asyncio.sleep(0)
    task.cancel()
    assert (await task).outcome is Outcome.HANDLER_FAILED
