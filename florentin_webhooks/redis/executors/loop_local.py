"""A value for each event loop, such as a connection, which belongs to the loop that opened it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

__all__ = ["LoopLocal"]

T = TypeVar("T")


class LoopLocal(Generic[T]):
    """The values of event loops; those of closed loops are dropped when another one is created."""

    def __init__(self) -> None:
        self._values: WeakKeyDictionary[asyncio.AbstractEventLoop, T] = WeakKeyDictionary()

    def __len__(self) -> int:
        return len(self._values)

    def find(self, loop: asyncio.AbstractEventLoop, create: Callable[[], T]) -> T:
        """Return the value of *loop*, or the one that *create* returns for it."""
        value = self._values.get(loop)
        if value is None:
            self._drop_closed()
            value = self._values[loop] = create()
        return value

    def pop(self) -> T | None:
        """Return the value of this event loop, if there is one, and drop it."""
        return self._values.pop(asyncio.get_running_loop(), None)

    def _drop_closed(self) -> None:
        # A connection refers to its loop, so the weak references alone free none of them.
        for loop in list(self._values):
            if loop.is_closed():
                del self._values[loop]
