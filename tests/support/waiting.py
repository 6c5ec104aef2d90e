"""Wait for a condition by polling, never for a fixed time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

_POLL = 0.002


def eventually(condition: Callable[[], object], *, seconds: float = 90) -> None:
    """Return as soon as *condition* holds; fail after *seconds*."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(_POLL)


async def aeventually(condition: Callable[[], object], *, seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        await asyncio.sleep(_POLL)


def assert_below(bound: float, measure: Callable[[], float], *, times: int = 6) -> None:
    """Check that *measure* returns less than *bound* at least once.

    A busy machine only ever adds to what takes time, or round trips; a fault adds to it each time.
    """
    measured: list[float] = []
    while len(measured) < times:
        measured.append(measure())
        if measured[-1] < bound:
            return
    raise AssertionError(f"{measured} are not below {bound}")


def spent() -> float:
    """Return the seconds that this thread has computed, or was ready to while others did."""
    with suppress(FileNotFoundError):  # Of Linux.
        computed, kept_waiting, _ = Path("/proc/thread-self/schedstat").read_text().split()
        return (int(computed) + int(kept_waiting)) / 1e9
    return time.thread_time()


def seconds_of(action: Callable[[], object]) -> float:
    """Return how long *action* takes."""
    began = time.monotonic()
    action()
    return time.monotonic() - began
