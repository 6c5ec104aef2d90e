"""Wait for what happens in its own time, by looking again and again, never by guessing how long."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

_POLL = 0.002


def eventually(condition: Callable[[], object], *, seconds: float = 30) -> None:
    """Return as soon as *condition* holds; fail after *seconds*."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(_POLL)


async def aeventually(condition: Callable[[], object], *, seconds: float = 30) -> None:
    """Do the same in an event loop."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        await asyncio.sleep(_POLL)
