"""End a worker of RQ's at any moment, also while it starts, and leave nothing behind."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, cast

import redis
import rq.scripts
import rq.worker

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

__all__ = [
    "GracefulShutdown",
    "defer_signals",
]

_ENDING = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def defer_signals() -> Generator[None]:
    """Have SIGTERM and Ctrl-C wait for the end of the block; for the main thread.

    A process that is forked inside does not wait: there they do what they do by default.
    """
    parent, noted = os.getpid(), list[int]()

    def note(number: int, _: object) -> None:
        if os.getpid() != parent:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        noted.append(number)

    before = {number: signal.signal(number, note) for number in _ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for late in noted:
            signal.raise_signal(late)


_TIMES = 10
"""How often a scheduler is told to end before it is killed, a second after each time."""


class GracefulShutdown(rq.worker.BaseWorker):
    """End with the listening thread and the scheduler, however early a signal comes."""

    def work(self, *args: Any, **options: Any) -> bool:  # Any: what RQ takes.
        """Work as RQ does; leave nothing behind where a signal comes before RQ is ready for it."""
        rqs: Any = super()  # Any: rq leaves these untyped.
        try:
            return bool(rqs.work(*args, **options))
        except BaseException:
            listener: Any = self.pubsub_thread
            if listener is not None and listener.is_alive():
                with suppress(redis.RedisError):
                    rqs.teardown()
            raise

    def _start_scheduler(self, *args: Any, **options: Any) -> None:  # Any: what RQ passes.
        # Whoever ends between the fork and the note of its pid leaves the scheduler behind.
        with defer_signals():
            super()._start_scheduler(*args, **options)

    def unsubscribe(self) -> None:
        """Stop listening for commands.

        The thread is told first: told later, it may wait for a minute more, as for the process.
        """
        listener: Any = self.pubsub_thread  # Any: rq leaves it untyped.
        if listener is not None:
            listener.stop()
        super().unsubscribe()  # type: ignore[no-untyped-call]  # the same.

    def stop_scheduler(self) -> None:
        """Stop the scheduler, and leave its locks to the next one at once.

        RQ tells it once and waits without end. But a signal is lost that meets a process which
        Python is still forking, since the child begins with none pending.
        """
        scheduler: Any = self.scheduler  # Any: rq leaves it untyped.
        process = scheduler._process  # noqa: SLF001 - rq gives it under no other name.
        if process is None:
            return
        _end(process)
        with suppress(redis.RedisError):
            for queue in scheduler.acquired_locks:
                lock = scheduler.get_locking_key(queue)
                cast("Any", rq.scripts).release_lock(self.connection, lock, scheduler.name)


def _end(process: BaseProcess) -> None:
    for _ in range(_TIMES):
        process.terminate()
        process.join(1)
        if process.exitcode is not None:
            return
    process.kill()
    process.join()
