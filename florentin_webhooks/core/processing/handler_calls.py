"""Call one handler and return what it raised, of any type."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from time import monotonic
from types import CoroutineType
from typing import TYPE_CHECKING, Any

from florentin_webhooks.core.timeouts import TimeIsOver, finish_with_timeout
from florentin_webhooks.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from contextlib import AbstractAsyncContextManager

    from florentin_webhooks.core.routing.handler import Function, Handler

__all__ = ["HandlerError", "StillRunning", "await_handler", "call_handler", "within"]

_COROUTINE: Any = CoroutineType  # Any: type checkers narrow an unknown result to unknown parts.
HandlerError = BaseException | None
"""What a handler raised, or None."""


class StillRunning(TimeIsOver):
    """A handler's time is over, and its thread, which cannot be stopped, still runs."""

    def __init__(self, thread: asyncio.Future[HandlerError]) -> None:
        super().__init__("The handler's time is over, but its thread cannot be stopped.")
        self.thread = thread

    async def ended_within(self, seconds: float) -> bool:
        """Wait for the thread, at most *seconds*, and return whether it has ended.

        A closing event loop cancels every task and then waits for the threads, so a cancelled
        caller waits on.
        """
        with suppress(asyncio.CancelledError):
            await asyncio.wait({self.thread}, timeout=seconds)
        return self.thread.done()


def call_handler(handler: Handler, arguments: tuple[object, ...]) -> HandlerError:
    """Call a handler without ``async`` and return what it raised, of any type, or None."""
    try:
        result = handler.function(*arguments)
    except BaseException as error:  # noqa: BLE001 - SystemExit in a handler must not end the server.
        return error
    if type(result) is _COROUTINE:
        result.close()
        return ConfigurationError(
            "The handler returned a coroutine, which is never awaited.",
            "Declare the handler with async def.",
        )
    return None


def within(context: AbstractAsyncContextManager[object], function: Function) -> Function:
    """Return *function* with *context* around each call."""

    async def call(*arguments: object) -> None:
        async with context:
            await function(*arguments)

    return call


async def _coroutine(awaitable: Awaitable[object]) -> None:
    await awaitable  # Any will do as a handler's result.


async def await_handler(
    function: Function, arguments: tuple[object, ...], seconds: float
) -> HandlerError:
    """Await *function* for *seconds* at most.

    Raises CancelledError only where the program itself was cancelled.
    """
    task, before = None, 0
    try:
        work = function(*arguments)
        if type(work) is not _COROUTINE:
            work = _coroutine(work)
        start = monotonic()
        # As run_with_timeout, without its coroutine: 0.5 of a delivery's 40 us.
        for awaited in work.__await__():
            # Not sooner, since without a wait nothing is cancelled: 0.4 of a delivery's 40 us. What
            # a signal has cancelled meanwhile is not yet delivered, and does not count as before.
            if task := asyncio.current_task():
                before = task.cancelling() - bool(getattr(task, "_must_cancel", False))
            await finish_with_timeout(work, awaited, seconds - (monotonic() - start))
            break
    except asyncio.CancelledError as error:
        if task and task.cancelling() > before:
            raise
        return error
    except BaseException as error:  # noqa: BLE001 - SystemExit in a handler must not end the server.
        return error
    return None
