"""Serve blocking and asyncio programs with one flow, which is written as a coroutine.

The flow never waits by itself: a runtime runs its handlers, and says whether the store blocks. In a
blocking program nothing ever suspends, so the coroutine is finished without an event loop.
"""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from florentin_webhooks.core.processing.handler_calls import (
    HandlerError,
    StillRunning,
    await_handler,
    call_handler,
    within,
)
from florentin_webhooks.core.processing.loops import has_running_loop, run_in_new_loop
from florentin_webhooks.core.stores.atomic import TransactionResult
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.errors import ConfigurationError, Unavailable, WebhookError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Generator
    from contextlib import AbstractAsyncContextManager, AbstractContextManager

    from florentin_webhooks.core.routing.handler import Handler
    from florentin_webhooks.core.stores.atomic import RunInTransaction
    from florentin_webhooks.core.stores.base import Store

__all__ = [
    "AsyncioRuntime",
    "HasHandlerContexts",
    "Runtime",
    "SyncRuntime",
    "ensure_no_running_loop",
    "returning",
    "run_sync",
]

T = TypeVar("T")
_background: set[asyncio.Task[None]] = set()


class Runtime(Protocol):
    """The kind of program that runs the flow: blocking or asyncio."""

    @property
    def is_blocking(self) -> bool:
        """Whether store operations block."""
        ...

    def attempt(
        self, handler: Handler, arguments: tuple[object, ...], seconds: float
    ) -> Coroutine[Any, Any, HandlerError]:
        """Run *handler* and return what it raised, of any type; :class:`StillRunning` too.

        Raises CancelledError only where the program itself was cancelled.
        """
        ...

    async def transact(
        self, store: Store, effect: RunInTransaction, seconds: float
    ) -> TransactionResult:
        """Run a handler in a transaction of *store*; in all else as :meth:`attempt`."""
        ...

    def run_shielded(self, work: Coroutine[Any, Any, None]) -> Awaitable[None]:
        """Run *work* to its end even where the caller is cancelled; awaiting it is optional."""
        ...


def run_sync(flow: Coroutine[Any, Any, T]) -> T:
    """Run *flow*, which never suspends, to its end."""
    try:
        flow.send(None)
    except StopIteration as done:
        value: T = done.value
        return value
    finally:
        flow.close()
    raise RuntimeError("A blocking flow tried to wait.")


async def returning(value: T) -> T:
    """Return *value*, for a caller that awaits it."""
    return value


def ensure_no_running_loop() -> None:
    """Raise :class:`ConfigurationError` inside a running event loop, which a flow would block."""
    if has_running_loop():
        raise ConfigurationError(
            "receive() was called inside a running event loop.", "Use: await areceive(...)."
        )


class _Done:
    def __await__(self) -> Generator[None, None, None]:
        yield from ()


_DONE = _Done()


class HasHandlerContexts(Protocol):
    """The owner of a runtime, with the contexts that its handlers run in."""

    handler_context: Callable[[], AbstractContextManager[object]]
    async_handler_context: Callable[[], AbstractAsyncContextManager[object]]


class SyncRuntime:
    """A blocking program, where each ``async`` handler has an event loop of its own.

    It runs in the ``async_handler_context`` of *owner*, which is called outside that loop.
    """

    is_blocking = True

    def __init__(self, owner: HasHandlerContexts) -> None:
        self._owner = owner

    async def attempt(
        self, handler: Handler, arguments: tuple[object, ...], seconds: float
    ) -> HandlerError:
        """Run *handler*: an ``async`` one for *seconds* at most, any other to its end."""
        if not handler.is_async:
            return call_handler(handler, arguments)
        try:
            function = within(self._owner.async_handler_context(), handler.function)
            return run_in_new_loop(partial(await_handler, function, arguments, seconds))
        except BaseException as error:  # noqa: BLE001 - Ctrl-C; as where there is no event loop.
            return error

    async def transact(
        self, store: Store, effect: RunInTransaction, seconds: float
    ) -> TransactionResult:
        """Execute *effect*, to its end."""
        del seconds  # A function without async cannot be stopped; the lease bounds its record.
        return store.execute(effect)

    def run_shielded(self, work: Coroutine[Any, Any, None]) -> Awaitable[None]:
        """Run *work* at once."""
        run_sync(work)
        return _DONE


class AsyncioRuntime:
    """An asyncio program, where handlers without ``async`` run in threads.

    Each of these threads runs in the ``handler_context`` of *owner*, and each ``async`` handler in
    its ``async_handler_context``. Mounts may set both later.
    """

    is_blocking = False

    def __init__(self, owner: HasHandlerContexts) -> None:
        self._owner = owner

    def attempt(
        self, handler: Handler, arguments: tuple[object, ...], seconds: float
    ) -> Coroutine[Any, Any, HandlerError]:
        """Run *handler*, for *seconds* at most; its thread may go on."""
        if not handler.is_async:
            return self._attempt_in_thread(handler, arguments, seconds)
        if self._owner.async_handler_context is nullcontext:
            return await_handler(handler.function, arguments, seconds)
        function = within(self._owner.async_handler_context(), handler.function)
        return await_handler(function, arguments, seconds)

    async def _attempt_in_thread(
        self, handler: Handler, arguments: tuple[object, ...], seconds: float
    ) -> HandlerError:
        async with self._owner.async_handler_context():
            pass  # The thread must not wait for what this task holds, such as a connection.
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
        """Run a handler in a transaction of *store*, which may go on after *seconds*."""
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
        """Run *work* to its end, also where the caller is cancelled."""
        # A task of its own, since a cancelled anyio scope cancels every await of a clean-up again.
        task = asyncio.get_running_loop().create_task(work)
        _background.add(task)
        task.add_done_callback(_background.discard)
        return asyncio.shield(task)

    def _call(self, handler: Handler, arguments: tuple[object, ...]) -> HandlerError:
        with self._owner.handler_context():
            return call_handler(handler, arguments)


async def _error_of(transaction: asyncio.Task[TransactionResult]) -> HandlerError:
    try:
        error, state = await asyncio.shield(transaction)
    except WebhookError as raised:
        return raised
    if error is None and state is State.LOST:
        error = Unavailable("The lease expired before the handler ended. Nothing was saved.")
    return error
