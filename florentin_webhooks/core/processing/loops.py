"""Event loops of this thread: whether one runs, and a new one for an async handler.

asyncio knows one running loop per thread of the system. With gevent many greenlets share that
thread, and each of them sees the loop of any other.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar, cast

from florentin_webhooks.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

__all__ = ["call_blocking", "do_work", "ensure_asyncio", "has_running_loop", "run_in_new_loop"]

T = TypeVar("T")

_GREEN_THREADS = 256
"""The most async handlers that run at once in a process of gevent; others wait for their turn."""


def has_running_loop() -> bool:
    """Return whether this thread, or with gevent this greenlet, runs an event loop."""
    loop = _loop_of_thread()
    if loop is None:
        return False
    # asyncio records who runs a loop by get_ident(), which gevent replaces by the greenlet's.
    # uvloop records nothing, and does not run beside gevent.
    runner = getattr(loop, "_thread_id", None)
    return runner is None or runner == threading.get_ident()


def ensure_asyncio() -> None:
    """Raise :class:`ConfigurationError` in a coroutine that asyncio does not run."""
    if _loop_of_thread() is None:
        raise ConfigurationError(
            "The program runs in trio or another loop that is not asyncio's.",
            "Start the server with its asyncio worker.",
        )


def run_in_new_loop(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Return the result of *work*, run in an event loop of its own, also where one runs.

    Only this thread, or with gevent this greenlet, waits for it. It runs in the caller's context.
    """
    context = copy_context()

    def run() -> T:
        return asyncio.run(work())

    if _is_green():
        return cast("T", _green_pool(_gevent("hub").get_hub()).apply(context.run, (run,)))
    if _loop_of_thread() is None:
        return run()
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(context.run, run).result()


async def do_work(work: Callable[[], object] | None, *, is_blocking: bool) -> None:
    """Do blocking *work*, if there is any, in a thread where it would stop an event loop."""
    if work is not None:
        await call_blocking(work, is_blocking=is_blocking)


async def call_blocking(work: Callable[[], T], *, is_blocking: bool) -> T:
    """Return the result of blocking *work*, which runs where :func:`do_work` does it."""
    return work() if is_blocking else await asyncio.to_thread(work)


def _loop_of_thread() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _is_green() -> bool:
    """Return whether gevent has replaced threads by greenlets, which share a system thread."""
    return "gevent.monkey" in sys.modules and bool(_gevent("monkey").is_module_patched("threading"))


@lru_cache(maxsize=8)
def _green_pool(hub: object) -> Any:  # Any: gevent's, which has no types.
    # Not the hub's own pool: ten slow handlers would keep all greenlets from looking up names.
    return _gevent("threadpool").ThreadPool(_GREEN_THREADS, hub=hub)


def _gevent(module: str) -> Any:  # Any: as above.
    return import_module(f"gevent.{module}")
