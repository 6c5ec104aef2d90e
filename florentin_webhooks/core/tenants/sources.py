"""The call of a function that looks secrets up: in a thread or in a loop, for a limited time."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from contextvars import copy_context
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING, Any, cast

from florentin_webhooks.core.log import error_location, logger
from florentin_webhooks.core.processing.loops import run_in_new_loop
from florentin_webhooks.core.tenants.request import Request, Tenant
from florentin_webhooks.errors import Unavailable
from florentin_webhooks.senders.secrets import Secrets

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

__all__ = ["Found", "Secrets", "SecretsSource", "call_source"]

Found = Secrets | Tenant | None
"""The secrets of a request, with the name of its tenant; None where it has none."""

SecretsSource = Callable[[Request], Found | Awaitable[Found]]
"""A function that returns the secrets of a request, with or without ``async``."""


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
    try:
        return await _call(source, request, seconds, is_blocking=is_blocking, context=context)
    except LookupError:
        return None
    except TimeoutError:
        message = f"The secrets of a request were not found within {seconds:g} s."
        raise Unavailable(message) from None
    except Exception as error:  # noqa: BLE001 - a user's function may raise anything.
        # Its text may quote a secret.
        logger.error(
            "The secrets of a request cannot be read: %s at %s.",
            type(error).__name__,
            error_location(error),
        )
        raise Unavailable("The secrets of a request cannot be read.") from None


async def _call(
    source: SecretsSource,
    request: Request,
    seconds: float,
    *,
    is_blocking: bool,
    context: Callable[[], AbstractContextManager[object]],
) -> Found:
    if _is_async(source):
        work = partial(_wait, cast("Callable[[Request], Awaitable[Found]]", source), request)
        return run_in_new_loop(partial(work, seconds)) if is_blocking else await work(seconds)
    future = _start(source, request, context)
    if is_blocking:
        return future.result(seconds)
    return await asyncio.wait_for(asyncio.wrap_future(future), seconds)


def _wait(
    source: Callable[[Request], Awaitable[Found]], request: Request, seconds: float
) -> Coroutine[Any, Any, Found]:
    async def wait() -> Found:
        return await asyncio.wait_for(source(request), seconds)

    return wait()


def _start(
    source: SecretsSource,
    request: Request,
    context: Callable[[], AbstractContextManager[object]],
) -> Future[Found]:
    """Call *source* in a thread of its own, which does not outlive the program."""
    future: Future[Found] = Future()

    def call() -> None:
        try:
            with context():
                found = cast("Found", source(request))
        except BaseException as error:  # noqa: BLE001 - for the caller, in its thread.
            _settle(future, partial(future.set_exception, error))
        else:
            _settle(future, partial(future.set_result, found))

    Thread(target=copy_context().run, args=(call,), name="secrets", daemon=True).start()
    return future


def _settle(future: Future[Found], settle: Callable[[], None]) -> None:
    """Call *settle*, unless the caller has stopped waiting."""
    if future.set_running_or_notify_cancel():
        settle()


def _is_async(source: object) -> bool:
    called = getattr(source, "__call__", None)  # noqa: B004 - an object with an async __call__.
    return inspect.iscoroutinefunction(source) or inspect.iscoroutinefunction(called)
