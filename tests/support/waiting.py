"""Wait for a condition by polling, never for a fixed time."""

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
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        await asyncio.sleep(_POLL)
