"""The call of a function that looks secrets up: in a thread or in a loop, for a limited time."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, wait
from contextvars import copy_context
from functools import partial
from threading import BoundedSemaphore, Thread
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from florentin_webhooks.core.log import error_location, logger
from florentin_webhooks.core.processing.handler_calls import await_handler
from florentin_webhooks.core.processing.loops import run_in_new_loop
from florentin_webhooks.core.tenants.request import Request, Tenant
from florentin_webhooks.core.timeouts import TimeIsOver
from florentin_webhooks.errors import Unavailable
from florentin_webhooks.senders.secrets import Secrets

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

__all__ = ["Found", "Secrets", "SecretsSource", "call_source", "wait_for_end"]

Found = Secrets | Tenant | None
"""The secrets of a request, with the name of its tenant; None where it has none."""

SecretsSource = Callable[[Request], Found | Awaitable[Found]]
"""A function that returns the secrets of a request, with or without ``async``."""

MOST_THREADS = 100
"""The most look-ups that run in threads at once: one that hangs keeps its thread."""

_threads = BoundedSemaphore(MOST_THREADS)


class _Result(NamedTuple):
    """What a function has *found*, or the *error* that it has raised, of any type."""

    found: Found | Awaitable[Found] = None
    error: BaseException | None = None


async def call_source(
    source: SecretsSource,
    request: Request,
    *,
    seconds: float,
    is_blocking: bool,
    context: Callable[[], AbstractContextManager[object]],
) -> Found:
    """Return what *source* finds for *request*; None also where it raises LookupError.

    A function without ``async`` runs in a thread, within *context*. Raises :class:`Unavailable`
    where it raises anything else, or has not returned after *seconds*.
    """
    start = monotonic()
    if not _is_async(source):
        result = await _call_in_thread(
            partial(_call, source, request, context), seconds, is_blocking=is_blocking
        )
        if inspect.isawaitable(found := result.found):  # lambda request: find(request)
            left = seconds - (monotonic() - start)
            result = await _await(lambda _: found, request, left, is_blocking=is_blocking)
    else:
        result = await _await(source, request, seconds, is_blocking=is_blocking)
    return _read(result, seconds)


async def wait_for_end(future: Future[Any], seconds: float, *, is_blocking: bool) -> None:
    """Wait until *future* has ended, for *seconds* at most; cancel it in no case."""
    if is_blocking:
        wait({future}, timeout=seconds)
    else:
        await asyncio.wait({asyncio.wrap_future(future)}, timeout=seconds)


def _read(result: _Result, seconds: float) -> Found:
    """Return what was found; raise :class:`Unavailable` after an error."""
    error = result.error
    if isinstance(error, TimeIsOver):
        raise Unavailable(f"The secrets of a request were not found within {seconds:g} s.")
    if error is None or isinstance(error, LookupError):
        return cast("Found", result.found)
    # Its text may quote a secret.
    logger.error(
        "The secrets of a request cannot be read: %s at %s.",
        type(error).__name__,
        error_location(error),
    )
    raise Unavailable("The secrets of a request cannot be read.")


async def _call_in_thread(
    call: Callable[[], _Result], seconds: float, *, is_blocking: bool
) -> _Result:
    """Return the result of *call* in a thread of its own, which does not outlive the program."""
    if not _threads.acquire(blocking=False):
        raise Unavailable(f"{MOST_THREADS} look-ups of secrets are running already.")
    future: Future[_Result] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        finally:
            _threads.release()

    try:
        Thread(target=copy_context().run, args=(run,), name="secrets", daemon=True).start()
    except RuntimeError as error:  # The system has no thread left.
        _threads.release()
        return _Result(error=error)
    await wait_for_end(future, seconds, is_blocking=is_blocking)
    return future.result() if future.done() else _Result(error=TimeIsOver())


def _call(
    source: SecretsSource,
    request: Request,
    context: Callable[[], AbstractContextManager[object]],
) -> _Result:
    try:
        with context():
            return _Result(source(request))
    except BaseException as error:  # noqa: BLE001 - SystemExit in it must not end the server.
        return _Result(error=error)


async def _await(
    source: Callable[[Request], object], request: Request, seconds: float, *, is_blocking: bool
) -> _Result:
    found: list[Found] = []

    async def work() -> None:
        found.append(await cast("Awaitable[Found]", source(request)))

    call = partial(await_handler, work, (), seconds)
    error = run_in_new_loop(call) if is_blocking else await call()
    return _Result(found[0] if found else None, error)


def _is_async(source: object) -> bool:
    called = getattr(source, "__call__", None)  # noqa: B004 - an object with an async __call__.
    return inspect.iscoroutinefunction(source) or inspect.iscoroutinefunction(called)
