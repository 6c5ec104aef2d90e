"""Drain a spool in the background of a web process: in a thread, or in a task of its loop.

A local file is looked at every two seconds, also for what other processes have left there; the
store is asked only while something waits.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from contextvars import Context
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakKeyDictionary, ref

from florentin_webhooks.core.drain.one_pass import DrainReport, drain
from florentin_webhooks.core.log import logger
from florentin_webhooks.core.processing.loops import call_blocking
from florentin_webhooks.core.processing.runtime import run_sync
from florentin_webhooks.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from florentin_webhooks.core.drain.one_pass import Terms
    from florentin_webhooks.core.processing.runtime import Runtime

__all__ = ["CHECK_SECONDS", "BackgroundDrain", "drain_waiting"]

CHECK_SECONDS = 2.0
"""Seconds between two looks at the file."""
PASS_SECONDS = 10.0
"""Seconds of a pass, after which other processes get their turn."""
STOP_SECONDS = 5.0
"""How long closing waits for a delivery that is being processed."""


class _Task(NamedTuple):
    task: asyncio.Task[None]
    is_stopped: asyncio.Event


class BackgroundDrain:
    """The thread, and the task of each event loop, that drain a spool until they are stopped.

    *find_terms* returns the method that returns what a pass needs, None when its receiver is gone:
    nothing here keeps a receiver alive.
    """

    def __init__(self, find_terms: Callable[[], Callable[..., Terms | None] | None]) -> None:
        self._find_terms = find_terms
        self._lock = Lock()
        self._thread: Thread | None = None
        self._process = 0
        self._is_stopped = Event()
        self._tasks: WeakKeyDictionary[asyncio.AbstractEventLoop, _Task] = WeakKeyDictionary()

    def start(self, runtime: Runtime) -> None:
        """Start to drain in a program such as that of *runtime*, unless it does so already."""
        if runtime.is_blocking:
            self._start_thread()
            return
        loop = asyncio.get_running_loop()
        if (started := self._tasks.get(loop)) is None or started.task.done():
            is_stopped = asyncio.Event()
            # Without the context of the request that has started it.
            task = loop.create_task(self._repeat(is_stopped), context=Context())
            self._tasks[loop] = _Task(task, is_stopped)

    def stop(self) -> None:
        """Stop the thread, after the delivery that it processes, for a few seconds at most."""
        with self._lock:
            thread, self._thread = self._thread, None
            self._is_stopped.set()
        if thread is not None and self._process == os.getpid():
            thread.join(STOP_SECONDS)

    async def astop(self) -> None:
        """Stop the task of this event loop, in the same way."""
        if started := self._tasks.pop(asyncio.get_running_loop(), None):
            started.is_stopped.set()
            await asyncio.wait({started.task}, timeout=STOP_SECONDS)
            started.task.cancel()

    def _start_thread(self) -> None:
        with self._lock:
            is_running = self._thread is not None and self._thread.is_alive()
            if is_running and self._process == os.getpid():  # A fork has no threads of its parent.
                return
            self._is_stopped, self._process = Event(), os.getpid()
            work = (ref(self), self._is_stopped)
            self._thread = Thread(target=_run_thread, args=work, daemon=True, name="spool")
            self._thread.start()

    async def _repeat(self, is_stopped: asyncio.Event) -> None:
        while not is_stopped.is_set():
            if not await self.drain_once(is_stopped.is_set, is_blocking=False):
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(is_stopped.wait(), CHECK_SECONDS)

    async def drain_once(self, is_stopped: Callable[[], bool], *, is_blocking: bool) -> bool:
        """Drain what waits, until it *is_stopped*; return False when the receiver is gone."""
        find = self._find_terms()
        terms = None if find is None else find(is_blocking=is_blocking)
        if terms is None:
            return False
        await drain_waiting(terms, PASS_SECONDS, is_stopped)
        return True


def _run_thread(owner: ref[BackgroundDrain], is_stopped: Event) -> None:
    while not is_stopped.is_set():
        background = owner()
        if background is None or not run_sync(
            background.drain_once(is_stopped.is_set, is_blocking=True)
        ):
            return
        del background
        is_stopped.wait(CHECK_SECONDS)


async def drain_waiting(
    terms: Terms, seconds: float, is_stopped: Callable[[], bool] = bool
) -> None:
    """Drain for about *seconds* if anything waits, and log what was drained."""
    spool = terms.spool
    try:
        waits = await call_blocking(spool.has_waiting, is_blocking=terms.runtime.is_blocking)
    except Unavailable:
        return  # A delivery that cannot be spooled logs it, and the health check has it.
    report = await drain(terms, seconds=seconds, is_stopped=is_stopped) if waits else DrainReport()
    if count := report.outcomes.total():
        outcomes = ", ".join(f"{number} {name}" for name, number in report.outcomes.items())
        logger.warning("Drained %d deliveries from the spool %s: %s.", count, spool.path, outcomes)
