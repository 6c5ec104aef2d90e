"""Graceful shutdown of RQ workers, at any moment, with nothing left behind."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager, suppress
from copy import copy
from typing import TYPE_CHECKING, Any, cast

import redis
import rq.scripts
import rq.worker
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq.exceptions import StopRequested

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess
    from types import FrameType

__all__ = [
    "GracefulShutdown",
    "brief_client",
    "defer_signals",
    "end_process",
]

_SHUTDOWN_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def defer_signals(on_signal: Callable[[], object] = lambda: None) -> Generator[None]:
    """Defer SIGTERM and SIGINT to the end of the block; for the main thread.

    *on_signal* is called at once, to end what the block waits for.
    In a process that is forked inside the block they have their default effect at once.
    """
    parent, received = os.getpid(), list[int]()

    def receive(number: int, _: object) -> None:
        if os.getpid() != parent:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        received.append(number)
        on_signal()

    handlers = {number: signal.signal(number, receive) for number in _SHUTDOWN_SIGNALS}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for late in received:
            signal.raise_signal(late)


_TERMINATE_ATTEMPTS = 3
"""How often a scheduler gets SIGTERM, once a second, before it is killed.

One that waits for Redis does not end. Killing it is safe: it moves jobs in transactions.
"""


_FAREWELL = 2.0
"""Seconds for each answer to a worker that ends; what Redis keeps of it expires otherwise."""


class GracefulShutdown(rq.worker.BaseWorker):
    """Mixin that ends the listening thread and the scheduler, however early a signal arrives."""

    listens = True
    """Whether it listens for commands."""
    is_ending = False
    """Whether it unregisters already, so that a signal need not end it."""

    def work(self, *args: Any, **options: Any) -> bool:  # Any: RQ's arguments.
        """Work as RQ does; clean up if a signal arrives before RQ is ready for it."""
        rq_worker: Any = super()  # Any: rq leaves these untyped.
        try:
            return bool(rq_worker.work(*args, **options))
        except BaseException:
            listener: Any = self.pubsub_thread
            if self.listens and listener is not None and listener.is_alive():
                with suppress(redis.RedisError):
                    self.teardown()  # type: ignore[no-untyped-call]  # as above.
            raise

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """End the loop as RQ does, also where the exception that it raises for it is swallowed.

        A signal may arrive in what handles every Exception: an observer, a log, a hook.
        """
        self._stop_requested = True
        with self._briefly():
            try:
                cast("Any", super()).request_stop(signum, frame)
            except StopRequested:
                if not self.is_ending:
                    raise

    def set_shutdown_requested_date(self) -> None:
        """Record when the signal came, where Redis answers."""
        with suppress(redis.RedisError, OSError):
            super().set_shutdown_requested_date()  # type: ignore[no-untyped-call]  # as below.

    @contextmanager
    def _briefly(self) -> Generator[None]:
        """Use a client that waits for nothing, over connections of its own.

        An open one may be half-open: a proxy that has lost its server may never say so.
        """
        untyped: Any = self
        before, brief = untyped.connection, brief_client(untyped.connection)
        untyped.connection = brief
        try:
            yield
        finally:
            untyped.connection = before
            brief.connection_pool.disconnect()

    def dequeue_job_and_maintain_ttl(self, *args: Any, **options: Any) -> Any:  # Any: RQ's.
        """Wait for a job, unless the worker must stop: RQ checks it before this only."""
        if self._stop_requested:
            raise StopRequested
        return cast("Any", super()).dequeue_job_and_maintain_ttl(*args, **options)

    def _start_scheduler(self, *args: Any, **options: Any) -> None:  # Any: RQ's arguments.
        # A worker that ends between the fork and the assignment of the pid leaves the scheduler.
        with self.deferring_signals():
            super()._start_scheduler(*args, **options)

    def end_scheduler(self) -> bool:
        """End the process of the scheduler, and return whether there was one.

        RQ leaves the connection by which it has asked for its locks to the garbage collector.
        """
        scheduler: Any = self.scheduler  # Any: rq leaves it untyped.
        if scheduler is None:
            return False
        scheduler.connection.connection_pool.disconnect()
        process = scheduler._process  # noqa: SLF001 - rq offers it under no other name.
        if process is not None:
            end_process(process)
        return process is not None

    def deferring_signals(self) -> AbstractContextManager[None]:
        """Defer signals to the end of the block."""
        return defer_signals()

    def unsubscribe(self) -> None:
        """Stop listening for commands.

        The thread is stopped first: stopped later, it may wait for another minute, and the process
        with it.
        """
        listener: Any = self.pubsub_thread  # Any: rq leaves it untyped.
        self.listens = False
        if listener is None:
            return
        listener.stop()
        # ValueError: the thread, which shares the connection, has just closed what this reads.
        with suppress(redis.RedisError, OSError, ValueError):
            super().unsubscribe()  # type: ignore[no-untyped-call]  # the same.
            return
        cast("Any", self.pubsub).close()

    def stop_scheduler(self) -> None:
        """Stop the scheduler and release its locks for the next one.

        RQ sends one signal and waits without limit. But a signal is lost that meets a process which
        Python is still forking, since the child begins with none pending.
        """
        scheduler: Any = self.scheduler  # Any: rq leaves it untyped.
        if not self.end_scheduler():
            return
        with suppress(redis.RedisError):
            for queue in scheduler.acquired_locks:
                lock = scheduler.get_locking_key(queue)
                cast("Any", rq.scripts).release_lock(self.connection, lock, scheduler.name)


def brief_client(client: Any) -> Any:  # Any: redis-py leaves its types open.
    """Return *client* over connections of its own, with short waits and without retries."""
    pool, brief = client.connection_pool, copy(client)
    waits = {"socket_timeout": _FAREWELL, "socket_connect_timeout": _FAREWELL}
    options = {**pool.connection_kwargs, **waits, "retry": Retry(NoBackoff(), 0)}
    brief.connection = None
    kind: Any = redis.ConnectionPool
    brief.connection_pool = kind(connection_class=pool.connection_class, **options)
    return brief


def end_process(process: BaseProcess) -> None:
    """End the scheduler *process* by a signal, or kill it."""
    for _ in range(_TERMINATE_ATTEMPTS):
        process.terminate()
        process.join(1)
        if process.exitcode is not None:
            return
    process.kill()
    process.join()
