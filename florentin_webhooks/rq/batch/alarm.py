"""The time limits of the jobs of a batch, by one handler of the alarm for all of them."""

from __future__ import annotations

import signal
from importlib import import_module
from typing import TYPE_CHECKING, Any, Self

from rq.timeouts import JobTimeoutException, UnixSignalDeathPenalty

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["BatchAlarm"]

# What signal.getsignal wraps: that looks for a member of an enum, and raises and catches an error
# where the handler is a function. It took 3 of a job's 47 us.
_ALARM = int(signal.SIGALRM)
_installed: Any = import_module("_signal").getsignal


class BatchAlarm:
    """A time limit of *seconds* for each block, which it ends as RQ's UnixSignalDeathPenalty does.

    That one sets the signal's handler before each job and removes it afterwards, in a tenth of the
    time that a worker takes for an event.
    """

    def __init__(self, seconds: int) -> None:
        self._seconds = seconds
        penalty: Any = UnixSignalDeathPenalty  # Any: rq leaves its types open.
        self._ring = penalty(seconds, JobTimeoutException).handle_death_penalty

    def __enter__(self) -> Self:
        # A job that went RQ's own way has removed it; a library in a handler may have, too.
        if _installed(_ALARM) is not self._ring:
            signal.signal(signal.SIGALRM, self._ring)
        signal.alarm(self._seconds)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: object, trace: TracebackType | None
    ) -> None:
        try:
            signal.alarm(0)
        except JobTimeoutException:  # As RQ: the job is done.
            return

    def close(self) -> None:
        """Remove the handler."""
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
