"""Handlers that fail, hang, abort or spoil what they are given."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta

import pytest

from florentin_webhooks import Receiver
from florentin_webhooks.events import Event
from tests.support.receivers import Target
from tests.support.vectors import CANONICAL, SECRET, T0, delivery, envelope

ABORTS = [
    SystemExit,
    KeyboardInterrupt,
    asyncio.CancelledError,
    GeneratorExit,
    RecursionError,
    MemoryError,
    StopIteration,
    StopAsyncIteration,
    TimeoutError,
]


@pytest.mark.answers("EVT-08")
def test_retry_runs_only_the_failed_handler() -> None:
    target, ran = Target(handled=False), list[str]()

    @target.receiver.on(Event)
    def first(_: Event) -> None:
        ran.append("first")

    @target.receiver.on(Event)
    def second(_: Event) -> None:
        ran.append("second")
        if ran.count("second") == 1:
            raise OSError

    @target.receiver.on(Event)
    def third(_: Event) -> None:
        ran.append("third")

    assert [target.send(delivery()).outcome for _ in range(3)] == [
        "handler-failed",
        "processed",
        "duplicate",
    ]
    assert ran == ["first", "second", "third", "second"]


@pytest.mark.answers("EVT-09")
@pytest.mark.parametrize("abort", ABORTS)
@pytest.mark.parametrize("kind", ["def", "async def"])
@pytest.mark.parametrize("program", ["blocking", "asyncio"])
def test_any_exception_of_a_handler_is_a_retried_failure(
    abort: type[BaseException], kind: str, program: str
) -> None:
    target, attempts = Target(handled=False), list[Event]()

    def plain(event: Event) -> None:
        attempts.append(event)
        if len(attempts) == 1:
            raise abort

    async def coroutine(event: Event) -> None:
        plain(event)

    target.receiver.on(Event)(plain if kind == "def" else coroutine)
    headers, body = delivery().headers, delivery().body

    def attempt() -> str:
        if program == "blocking":
            return target.receiver.receive(headers, body).outcome
        return asyncio.run(target.receiver.areceive(headers, body)).outcome

    assert [attempt(), attempt()] == ["handler-failed", "processed"]


def hanging(seconds: float) -> tuple[Receiver, threading.Event]:
    """A receiver whose handlers have little time, and what lets a thread of theirs go."""
    receiver = Receiver(SECRET, clock=lambda: T0, timeout=timedelta(seconds=seconds))
    return receiver, threading.Event()


@pytest.mark.answers("EVT-10")
@pytest.mark.anyio
async def test_hanging_coroutine_is_cancelled_and_may_run_again() -> None:
    receiver, _ = hanging(0.01)
    stopped = []

    @receiver.on(Event)
    async def hangs(_: Event) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.append(True)

    replies = [await receiver.areceive(delivery().headers, CANONICAL) for _ in range(2)]
    assert [reply.outcome for reply in replies] == ["handler-failed", "handler-failed"]
    assert stopped == [True, True]


@pytest.mark.answers("EVT-10")
@pytest.mark.anyio
async def test_hanging_thread_is_abandoned_and_blocks_its_own_retries() -> None:
    receiver, go = hanging(0.01)
    started = []

    @receiver.on(Event)
    def hangs(_: Event) -> None:
        started.append(True)
        go.wait(60)

    first = await receiver.areceive(delivery().headers, CANONICAL)
    retries = [await receiver.areceive(delivery().headers, CANONICAL) for _ in range(20)]
    go.set()
    assert first.outcome == "handler-failed"
    assert {reply.outcome for reply in retries} == {"in-progress"}
    assert started == [True]


@pytest.mark.answers("ADP-12")
@pytest.mark.anyio
async def test_blocking_handlers_do_not_block_the_event_loop() -> None:
    receiver, go = Receiver(SECRET, clock=lambda: T0), threading.Event()

    @receiver.on(Event)
    def blocks(_: Event) -> None:
        assert go.wait(60), "the event loop stood still"

    requests = [delivery(envelope({"n": n}), event="user.login") for n in range(50)]
    waiting = [asyncio.ensure_future(receiver.areceive(r.headers, r.body)) for r in requests]
    await asyncio.sleep(0)
    go.set()  # Set by the loop itself: if handlers held it up, none of them would ever end.
    assert {reply.outcome for reply in await asyncio.gather(*waiting)} == {"processed"}


@pytest.mark.answers("EVT-12")
def test_handler_does_not_see_changes_of_another_handler() -> None:
    target, seen = Target(handled=False), list[object]()

    @target.receiver.on("usage.metrics_updated")
    def spoils(event: Event) -> None:
        event.data.metrics.clear()

    @target.receiver.on("usage.metrics_updated")
    def looks(event: Event) -> None:
        seen.append(event.data.metrics)

    body = envelope({"metrics": {"calls": 1}}, "usage.metrics_updated")
    target.send(delivery(body, event="usage.metrics_updated"))
    assert seen == [{"calls": 1}]


@pytest.mark.answers("EVT-12")
def test_event_is_frozen() -> None:
    target = Target()
    target.send(delivery())
    ((event, _),) = target.ran
    with pytest.raises(ValueError, match="frozen"):
        event.event = "user.login"  # type: ignore[misc]
