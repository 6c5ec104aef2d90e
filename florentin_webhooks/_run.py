"""Let one flow, written as a coroutine, serve blocking and asyncio programs.

The flow never waits by itself: it asks a *program* to ask the store and to attempt a handler. In
a blocking program nothing ever suspends, so the coroutine is finished without an event loop.
"""

from __future__ import annotations

import asyncio
import inspect
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from florentin_webhooks.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Coroutine, Generator

    from florentin_webhooks.handlers import Function, Handler
    from florentin_webhooks.stores import Operation, Store

__all__ = ["ASYNCIO", "BLOCKING", "Attempt", "Program", "StillRunning", "finish"]

T = TypeVar("T")
Attempt = BaseException | None
"""What a handler raised, or None."""

_later: set[asyncio.Task[None]] = set()


class StillRunning(TimeoutError):
    """Say that a handler's time is over while its thread, which nobody can stop, goes on."""

    def __init__(self, thread: asyncio.Future[Attempt]) -> None:
        super().__init__("the handler's time is over, but its thread cannot be stopped")
        self.thread = thread


class Program(Protocol):
    """Be the kind of program that the flow runs in."""

    async def ask(self, store: Store, operation: Operation[T]) -> T:
        """Carry out *operation*."""
        ...

    async def attempt(
        self, handler: Handler, arguments: tuple[object, ...], seconds: float
    ) -> Attempt:
        """Run *handler* and give what it raised, whatever that is; :class:`StillRunning` too.

        Raises CancelledError only where the program itself was cancelled.
        """
        ...

    def later(self, work: Coroutine[Any, Any, None]) -> Awaitable[None]:
        """Have *work* done even where the one who asks is cancelled; waiting for it is optional."""
        ...


def finish(flow: Coroutine[Any, Any, T]) -> T:
    """Run *flow*, which never suspends, to its end."""
    try:
        flow.send(None)
    except StopIteration as done:
        return cast("T", done.value)
    finally:
        flow.close()
    message = "a blocking flow tried to wait"
    raise RuntimeError(message)


class _Done:
    def __await__(self) -> Generator[None, None, None]:
        yield from ()


_DONE = _Done()


class _Blocking:
    async def ask(self, store: Store, operation: Operation[T]) -> T:
        return store.execute(operation)

    async def attempt(
        self, handler: Handler, arguments: tuple[object, ...], seconds: float
    ) -> Attempt:
        if handler.is_async:
            return asyncio.run(_await(handler.function, arguments, seconds))
        return _call(handler.function, arguments)

    def later(self, work: Coroutine[Any, Any, None]) -> Awaitable[None]:
        finish(work)
        return _DONE


class _Asyncio:
    async def ask(self, store: Store, operation: Operation[T]) -> T:
        return await store.aexecute(operation)

    async def attempt(
        self, handler: Handler, arguments: tuple[object, ...], seconds: float
    ) -> Attempt:
        if handler.is_async:
            return await _await(handler.function, arguments, seconds)
        call = partial(_call, handler.function, arguments)
        thread = asyncio.get_running_loop().run_in_executor(None, copy_context().run, call)
        try:
            return await asyncio.wait_for(asyncio.shield(thread), seconds)
        except TimeoutError:
            return StillRunning(thread)
        except asyncio.CancelledError as cancelled:
            raise cancelled from StillRunning(thread)

    def later(self, work: Coroutine[Any, Any, None]) -> Awaitable[None]:
        # A task of its own, since a cancelled anyio scope cancels each await of a clean-up anew.
        task = asyncio.get_running_loop().create_task(work)
        _later.add(task)
        task.add_done_callback(_later.discard)
        return asyncio.shield(task)


BLOCKING: Program = _Blocking()
ASYNCIO: Program = _Asyncio()


def _call(function: Function, arguments: tuple[object, ...]) -> Attempt:
    try:
        result = function(*arguments)
    except BaseException as error:  # noqa: BLE001 - SystemExit in a handler must not end the server.
        return error
    if inspect.iscoroutine(result):
        result.close()
        message = "the handler gave a coroutine that nobody awaits; declare it with async def"
        return ConfigurationError(message)
    return None


async def _await(function: Function, arguments: tuple[object, ...], seconds: float) -> Attempt:
    try:
        async with asyncio.timeout(seconds):
            await function(*arguments)
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        return error
    except BaseException as error:  # noqa: BLE001 - SystemExit in a handler must not end the server.
        return error
    return None
