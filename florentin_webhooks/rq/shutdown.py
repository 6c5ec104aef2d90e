"""Graceful shutdown of RQ workers, at any moment, with nothing left behind."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, cast

import redis
import rq.scripts
import rq.worker
from rq.exceptions import StopRequested

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess
    from types import FrameType

__all__ = [
    "GracefulShutdown",
    "defer_signals",
    "end_process",
]

_SHUTDOWN_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def defer_signals() -> Generator[None]:
    """Defer SIGTERM and SIGINT to the end of the block; for the main thread.

    In a process that is forked inside the block they have their default effect at once.
    """
    parent, received = os.getpid(), list[int]()

    def receive(number: int, _: object) -> None:
        if os.getpid() != parent:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        received.append(number)

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


class GracefulShutdown(rq.worker.BaseWorker):
    """Mixin that ends the listening thread and the scheduler, however early a signal arrives."""

    def work(self, *args: Any, **options: Any) -> bool:  # Any: RQ's arguments.
        """Work as RQ does; clean up if a signal arrives before RQ is ready for it."""
        rq_worker: Any = super()  # Any: rq leaves these untyped.
        try:
            return bool(rq_worker.work(*args, **options))
        except BaseException:
            listener: Any = self.pubsub_thread
            if listener is not None and listener.is_alive():
                with suppress(redis.RedisError):
                    rq_worker.teardown()
            raise

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """End the loop as RQ does, also where the exception that it raises for it is swallowed.

        A signal may arrive in what handles every Exception: an observer, a log, a hook.
        """
        self._stop_requested = True
        cast("Any", super()).request_stop(signum, frame)

    def dequeue_job_and_maintain_ttl(self, *args: Any, **options: Any) -> Any:  # Any: RQ's.
        """Wait for a job, unless the worker must stop: RQ checks it before this only."""
        if self._stop_requested:
            raise StopRequested
        return cast("Any", super()).dequeue_job_and_maintain_ttl(*args, **options)

    def _start_scheduler(self, *args: Any, **options: Any) -> None:  # Any: RQ's arguments.
        # A worker that ends between the fork and the assignment of the pid leaves the scheduler.
        with defer_signals():
            super()._start_scheduler(*args, **options)

    def unsubscribe(self) -> None:
        """Stop listening for commands.

        The thread is stopped first: stopped later, it may wait for another minute, and the process
        with it.
        """
        listener: Any = self.pubsub_thread  # Any: rq leaves it untyped.
        if listener is not None:
            listener.stop()
        super().unsubscribe()  # type: ignore[no-untyped-call]  # the same.

    def stop_scheduler(self) -> None:
        """Stop the scheduler and release its locks for the next one.

        RQ sends one signal and waits without limit. But a signal is lost that meets a process which
        Python is still forking, since the child begins with none pending.
        """
        scheduler: Any = self.scheduler  # Any: rq leaves it untyped.
        process = scheduler._process  # noqa: SLF001 - rq offers it under no other name.
        if process is None:
            return
        end_process(process)
        with suppress(redis.RedisError):
            for queue in scheduler.acquired_locks:
                lock = scheduler.get_locking_key(queue)
                cast("Any", rq.scripts).release_lock(self.connection, lock, scheduler.name)


def end_process(process: BaseProcess) -> None:
    """End the scheduler *process* by a signal, or kill it."""
    for _ in range(_TERMINATE_ATTEMPTS):
        process.terminate()
        process.join(1)
        if process.exitcode is not None:
            return
    process.kill()
    process.join()
