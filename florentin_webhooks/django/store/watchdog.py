"""Have one thread look after all that must not take too long: a timer each costs a thread each."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from threading import Condition, Thread

__all__ = ["Watchdog", "watchdog"]


class Watchdog:
    """Call what is not forgotten in time; its thread starts with the first that is watched."""

    def __init__(self) -> None:
        self._tickets = 0
        self.reset()

    def reset(self) -> None:
        """Watch nothing, with no thread."""
        self._changed = Condition()
        self._watched: dict[int, tuple[float, Callable[[], None]]] = {}
        self._wakes_at: float | None = None
        self._thread: Thread | None = None

    def watch(self, seconds: float, bark: Callable[[], None]) -> int:
        """Call *bark* after *seconds*, unless the ticket that is given was forgotten by then."""
        with self._changed:
            self._tickets += 1
            end = time.monotonic() + seconds
            self._watched[self._tickets] = end, bark
            if self._thread is None:
                self._thread = Thread(target=self._run, name="florentin-watchdog", daemon=True)
                self._thread.start()
            elif self._wakes_at is None or end < self._wakes_at:
                self._changed.notify()
            return self._tickets

    def forget(self, ticket: int) -> None:
        """Watch it no more."""
        with self._changed:
            self._watched.pop(ticket, None)

    def _run(self) -> None:
        while True:
            for bark in self._late():
                bark()

    def _late(self) -> list[Callable[[], None]]:
        """Wait until something is late, or may be."""
        with self._changed:
            self._wakes_at = min((end for end, _ in self._watched.values()), default=None)
            left = None if self._wakes_at is None else max(0, self._wakes_at - time.monotonic())
            self._changed.wait(left)
            self._wakes_at = 0  # It is awake.
            now = time.monotonic()
            late = [ticket for ticket, (end, _) in self._watched.items() if end <= now]
            return [self._watched.pop(ticket)[1] for ticket in late]


watchdog = Watchdog()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=watchdog.reset)  # No thread lives on there.
