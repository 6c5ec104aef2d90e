"""Let one flow, written as a coroutine, serve blocking and asyncio programs.

The flow never waits by itself: it asks a *program* to ask the store and to attempt a handler. In
a blocking program nothing ever suspends, so the coroutine is finished without an event loop.
"""

from __future__ import annotations

import asyncio
import inspect
from contextlib import nullcontext, suppress
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from florentin_webhooks.core.processing.timeouts import run_with_timeout
from florentin_webhooks.core.stores.atomic import TransactionResult
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.errors import ConfigurationError, Unavailable, WebhookError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Generator
    from contextlib import AbstractContextManager

    from florentin_webhooks.core.routing.handler import Function, Handler
    from florentin_webhooks.core.stores.atomic import RunInTransaction
    from florentin_webhooks.core.stores.base import Operation, Store

__all__ = [
    "BLOCKING",
    "AsyncioRuntime",
    "HandlerError",
    "Runtime",
    "StillRunning",
    "call_handler",
    "ensure_no_running_loop",
    "run_sync",
]

T = TypeVar("T")
HandlerError = BaseException | None
"""What a handler raised, or None."""

_later: set[asyncio.Task[None]] = set()


class StillRunning(TimeoutError):
    """Say that a handler's time is over while its thread, which nobody can stop, goes on."""

    def __init__(self, thread: asyncio.Future[HandlerError]) -> None:
        super().__init__("the handler's time is over, but its thread cannot be stopped")
        self.thread = thread

    async def ended_within(self, seconds: float) -> bool:
        """Wait for the thread, *seconds* at most, and say whether it has ended.

        The end of an event loop cancels every task and then waits for the threads; so whoever
        waits here waits on.
        """
        with suppress(asyncio.CancelledError):
            await asyncio.wait({self.thread}, timeout=seconds)
        return self.thread.done()


class Runtime(Protocol):
    """Be the kind of program that the flow runs in."""

    async def ask(self, store: Store, operation: Operation[T]) -> T:
        """Carry out *operation*."""
        ...

    async def attempt(
        self, handler: Handler, arguments: tuple[object, ...], seconds: float
    ) -> HandlerError:
        """Run *handler* and give what it raised, whatever that is; :class:`StillRunning` too.

        Raises CancelledError only where the program itself was cancelled.
        """
        ...

    async def transact(
        self, store: Store, effect: RunInTransaction, seconds: float
    ) -> TransactionResult:
        """Have *store* run a handler in its transaction; in all else as :meth:`attempt`."""
        ...

    def run_shielded(self, work: Coroutine[Any, Any, None]) -> Awaitable[None]:
        """Have *work* done even where the one who asks is cancelled; waiting for it is optional."""
        ...


def run_sync(flow: Coroutine[Any, Any, T]) -> T:
    """Run *flow*, which never suspends, to its end."""
    try:
        flow.send(None)
    except StopIteration as done:
        return cast("T", done.value)
    finally:
        flow.close()
    message = "a blocking flow tried to wait"
    raise RuntimeError(message)


def ensure_no_running_loop() -> None:
    """Raise :class:`ConfigurationError` inside a running event loop, which a flow would block."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    message = "receive() was called inside a running event loop; use: await areceive(...)"
    raise ConfigurationError(message)


class _Done:
    def __await__(self) -> Generator[None, None, None]:
        yield from ()


_DONE = _Done()


class SyncRuntime:
    async def ask(self, store: Store, operation: Operation[T]) -> T:
        return store.execute(operation)

    async def attempt(
        self, handler: Handler, arguments: tuple[object, ...], seconds: float
    ) -> HandlerError:
        if not handler.is_async:
            return call_handler(handler, arguments)
        try:
            return asyncio.run(_await(handler.function, arguments, seconds))
        except BaseException as error:  # noqa: BLE001 - Ctrl-C; as where there is no event loop.
            return error

    async def transact(
        self, store: Store, effect: RunInTransaction, seconds: float
    ) -> TransactionResult:
        del seconds  # Nobody can stop a function without async; the lease bounds what it records.
        return store.execute(effect)

    def run_shielded(self, work: Coroutine[Any, Any, None]) -> Awaitable[None]:
        run_sync(work)
        return _DONE


class AsyncioRuntime:
    """Be an asyncio program; handlers without ``async`` run in threads, *around* each of them."""

    def __init__(self, around: Callable[[], AbstractContextManager[object]] = nullcontext) -> None:
        self._around = around

    async def ask(self, store: Store, operation: Operation[T]) -> T:
        """Carry out *operation* without blocking the event loop."""
        return await store.aexecute(operation)

    async def attempt(
        self, handler: Handler, arguments: tuple[object, ...], seconds: float
    ) -> HandlerError:
        """Run *handler*, for *seconds* at most; its thread may go on."""
        if handler.is_async:
            return await _await(handler.function, arguments, seconds)
        run = partial(self._call, handler, arguments)
        thread = asyncio.get_running_loop().run_in_executor(None, copy_context().run, run)
        try:
            return await asyncio.wait_for(asyncio.shield(thread), seconds)
        except TimeoutError:
            return StillRunning(thread)
        except asyncio.CancelledError as cancelled:
            raise cancelled from StillRunning(thread)

    async def transact(
        self, store: Store, effect: RunInTransaction, seconds: float
    ) -> TransactionResult:
        """Have *store* run a handler in its transaction, which may go on after *seconds*."""
        transaction = asyncio.create_task(store.aexecute(effect))
        try:
            return await asyncio.wait_for(asyncio.shield(transaction), seconds)
        except TimeoutError:
            still = StillRunning(asyncio.create_task(_error_of(transaction)))
            return TransactionResult(still, State.LOST)
        except asyncio.CancelledError as cancelled:
            still = StillRunning(asyncio.create_task(_error_of(transaction)))
            raise cancelled from still

    def run_shielded(self, work: Coroutine[Any, Any, None]) -> Awaitable[None]:
        """Have *work* done, also where the one who asks is cancelled."""
        # A task of its own, since a cancelled anyio scope cancels each await of a clean-up anew.
        task = asyncio.get_running_loop().create_task(work)
        _later.add(task)
        task.add_done_callback(_later.discard)
        return asyncio.shield(task)

    def _call(self, handler: Handler, arguments: tuple[object, ...]) -> HandlerError:
        with self._around():
            return call_handler(handler, arguments)


BLOCKING: Runtime = SyncRuntime()


def call_handler(handler: Handler, arguments: tuple[object, ...]) -> HandlerError:
    """Call a handler without ``async`` and give what it raised, whatever that is, or None."""
    try:
        result = handler.function(*arguments)
    except BaseException as error:  # noqa: BLE001 - SystemExit in a handler must not end the server.
        return error
    if inspect.iscoroutine(result):
        result.close()
        message = "the handler gave a coroutine that nobody awaits; declare it with async def"
        return ConfigurationError(message)
    return None


async def _error_of(transaction: asyncio.Task[TransactionResult]) -> HandlerError:
    try:
        error, state = await asyncio.shield(transaction)
    except WebhookError as raised:
        return raised
    if error is None and state is State.LOST:
        error = Unavailable("the lease ended before the handler did, and so nothing has happened")
    return error


async def _coroutine(function: Function, arguments: tuple[object, ...]) -> None:
    await function(*arguments)  # What it gives need not be a coroutine; awaitable is enough.


async def _await(function: Function, arguments: tuple[object, ...], seconds: float) -> HandlerError:
    task = asyncio.current_task()
    before = task.cancelling() if task else 0
    try:
        await run_with_timeout(seconds, _coroutine(function, arguments))
    except asyncio.CancelledError as error:
        if task and task.cancelling() > before:
            raise
        return error
    except BaseException as error:  # noqa: BLE001 - SystemExit in a handler must not end the server.
        return error
    return None
