"""A program that stops waiting returns its lease, at any moment."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any, NamedTuple, TypeVar

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
    await (await _expired(anyio.move_on_after(60), work, reached))


async def by_fail_after(work: Work, reached: asyncio.Event) -> None:
    task = await _expired(anyio.fail_after(60), work, reached)
    await asyncio.wait({task})
    assert isinstance(task.exception(), TimeoutError)


async def _expired(
    limit: AbstractContextManager[anyio.CancelScope], work: Work, reached: asyncio.Event
) -> asyncio.Task[None]:
    """Return the task of *work* after *limit* has expired."""

    async def limited() -> None:
        with limit as scope:
            scopes.append(scope)
            await work

    scopes: list[anyio.CancelScope] = []
    task = asyncio.ensure_future(limited())
    await reached.wait()
    scopes[0].deadline = anyio.current_time()
    return task


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


class Moment(NamedTuple):
    """An operation that never returns, the outcome of the retry, and the runs of both.

    With *fails* the first run of the first handler fails.
    """

    held: Callable[[Operation[Any]], bool]  # Any: of any answer.
    outcome: Outcome = Outcome.PROCESSED
    ran: tuple[str, ...] = ("first", "second")
    fails: bool = False


def guarding(step: GuardStep) -> Callable[[Operation[Any]], bool]:
    return lambda asked: isinstance(asked, Latest) and asked.step is step


def recording(state: State) -> Callable[[Operation[Any]], bool]:
    return lambda asked: isinstance(asked, Finish) and asked.state is state


MOMENTS = {
    "accept": Moment(lambda asked: isinstance(asked, Accept)),
    "check of the watermark": Moment(guarding(GuardStep.BEGIN)),
    "record of the newest event": Moment(guarding(GuardStep.DONE)),
    "release of the watermark after a failure": Moment(
        guarding(GuardStep.RELEASE), ran=("first", "first", "second"), fails=True
    ),
    "record of the first of two handlers": Moment(recording(State.RUNNING)),
    "record of the last handler": Moment(recording(State.DONE), Outcome.DUPLICATE),
}


@each_way
@pytest.mark.parametrize("moment", MOMENTS.values(), ids=MOMENTS)
async def test_lease_is_released_if_cancelled_in_the_store(cancelled: Way, moment: Moment) -> None:
    store = Gated(moment.held)
    first = raising(KeyError()) if moment.fails else lambda: None
    program = Program(store, first=first)
    await cancelled(program.receive(), store.reached)
    assert await program.retry() is moment.outcome
    assert program.ran == [*moment.ran]


@each_way
async def test_lease_is_released_if_cancelled_in_a_handler(cancelled: Way) -> None:
    program = Program(MemoryStore(), waits=True)
    await cancelled(program.receive(), program.reached)
    assert await program.retry() is Outcome.PROCESSED
    assert program.ran == ["first", "first", "second"]


async def test_cancelled_while_the_store_accepts_a_restamped_retry() -> None:
    store = Gated(lambda asked: isinstance(asked, Accept) and asked.delivery.body == later.body)
    program = Program(store)
    later = restamped(program.made)
    store.execute(accept(program.made.body, under=program.made.headers["X-Florentin-Delivery-Id"]))
    store.execute(finish(program.made.body, State.FAILED))
    await by_cancelling_its_task(program.receive(later), store.reached)
    assert await program.retry() is Outcome.PROCESSED
    assert program.ran == ["first", "second"]


def restamped(made: SignedDelivery) -> SignedDelivery:
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
