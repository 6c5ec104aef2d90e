"""Working database connections in every thread that runs a handler.

Django keeps connections per thread, and looks after them in threads that serve requests only.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import Executor, Future
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from asgiref.sync import AsyncToSync, SyncToAsync, ThreadSensitiveContext, sync_to_async
from django.db import connections

from florentin_webhooks.core.processing.loops import has_running_loop
from florentin_webhooks.django.forks import forget_connections_in_forks

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from django.db.backends.base.base import BaseDatabaseWrapper

    from florentin_webhooks.core.receiver import Receiver

__all__ = [
    "AllDatabases",
    "AsyncHandlerConnections",
    "discard",
    "discard_failed_connections",
    "fresh_connections",
    "has_request_thread",
    "return_to_pools",
    "use_fresh_connections",
]

P = ParamSpec("P")
T = TypeVar("T")

CLOSING_SECONDS = 0.5
"""How long the end of a handler waits for its connections to close; a query may still run."""


class AllDatabases(set[str]):
    """The aliases of all databases, as a set; the settings may not be configured yet."""

    def __contains__(self, _: object) -> bool:
        return True


def use_fresh_connections(receiver: Receiver[object]) -> None:
    """Run all jobs and handlers of *receiver* that need it with fresh database connections."""
    forget_connections_in_forks()
    if receiver.handler_context is nullcontext:
        receiver.handler_context = fresh_connections
    if receiver.async_handler_context is nullcontext:
        receiver.async_handler_context = AsyncHandlerConnections


@contextmanager
def fresh_connections() -> Generator[None]:
    """Close this thread's broken or expired database connections, before and after.

    Those in a transaction stay open.
    """
    _refresh()
    try:
        yield
    finally:
        _refresh()


def discard(connection: BaseDatabaseWrapper) -> None:
    """Close *connection* for good: its pool, if it has one, does not lend it again."""
    if getattr(connection, "pool", None) and connection.connection is not None:
        connection.connection.close()
    connection.close()


def discard_failed_connections() -> None:
    """Discard this thread's connections on which a statement failed, unless in a transaction.

    Django keeps those that still answer, but so does a server that has become read-only.
    """
    for connection in connections.all(initialized_only=True):
        if connection.errors_occurred and not connection.in_atomic_block:
            discard(connection)


def return_to_pools() -> None:
    """Return this thread's pooled connections, unless in a transaction; others stay open."""
    for connection in connections.all(initialized_only=True):
        if getattr(connection, "pool", None) and not connection.in_atomic_block:
            connection.close()


def has_request_thread() -> bool:
    """Return whether blocking calls of this task run in a thread that its request looks after."""
    current = getattr(AsyncToSync.executors, "current", None)
    return current is not None or SyncToAsync.thread_sensitive_context.get(None) is not None


class AsyncHandlerConnections(ThreadSensitiveContext):
    """A thread for the blocking calls of one async handler, with connections of its own.

    Inside a request that Django serves in asyncio, it is the thread that began with the request,
    whose connections are looked after if the handler has used it. Elsewhere asgiref has one thread
    per process, whose connections no request ever closes.

    The calling thread's expired connections are closed first. So a handler never waits for a
    pooled connection that its own request holds.
    """

    def __init__(self) -> None:
        super().__init__()
        self._thread: _CountingExecutor | None = None
        self._calls = 0
        self._is_in_loop = has_running_loop()
        if not self._is_in_loop:
            _refresh()

    async def __aenter__(self) -> ThreadSensitiveContext:
        """Start the thread with the first blocking call."""
        self._thread = _request_thread()
        if self._thread is not None:
            self._calls = self._thread.calls
        elif self._is_in_loop:
            await sync_to_async(_refresh)()
        await super().__aenter__()  # type: ignore[no-untyped-call]  # asgiref leaves it untyped.
        return self

    async def __aexit__(self, *error: object) -> None:
        """Close the connections, without waiting for a query that runs on after a time-out."""
        if self.token is None:
            if self._thread is not None and self._thread.calls == self._calls:
                return  # A call of the thread takes a fifth of Django's time for a request.
            await _wait_briefly(asyncio.ensure_future(sync_to_async(_refresh)()))
            return
        # Taken first: asgiref would block the event loop until the thread has ended.
        executor = SyncToAsync.context_to_thread_executor.pop(self, None)
        await super().__aexit__(*error)  # type: ignore[no-untyped-call]  # the same.
        if executor is not None:
            closing = executor.submit(_close_all)
            executor.shutdown(wait=False)
            await _wait_briefly(asyncio.wrap_future(closing))


class _CountingExecutor(Executor):
    """The thread of a request, and the number of *calls* that it has been given."""

    def __init__(self, thread: Executor) -> None:
        self._inner = thread
        self.calls = 0

    def submit(self, function: Callable[P, T], /, *args: P.args, **named: P.kwargs) -> Future[T]:
        """Count the call, and pass it on."""
        self.calls += 1
        return self._inner.submit(function, *args, **named)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the thread."""
        self._inner.shutdown(wait, cancel_futures=cancel_futures)


def _request_thread() -> _CountingExecutor | None:
    """Return the thread of the request that Django serves in asyncio, None outside of one."""
    context = SyncToAsync.thread_sensitive_context.get(None)
    if context is None or getattr(AsyncToSync.executors, "current", None) is not None:
        return None
    threads = SyncToAsync.context_to_thread_executor
    thread = threads.get(context)
    if thread is None or isinstance(thread, _CountingExecutor):
        return thread
    threads[context] = counting = _CountingExecutor(thread)
    return counting


async def _wait_briefly(work: asyncio.Future[None]) -> None:
    await asyncio.wait({work}, timeout=CLOSING_SECONDS)


def _refresh() -> None:
    """Do what Django's ``close_old_connections`` does, but let open transactions be.

    It would close a connection inside ``atomic()``, such as that of a ``TestCase``.
    """
    discard_failed_connections()
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()


def _close_all() -> None:
    for connection in connections.all(initialized_only=True):
        if connection.errors_occurred:
            discard(connection)
        else:
            connection.close()
