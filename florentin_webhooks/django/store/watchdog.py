"""One thread that calls back after timeouts; ``threading.Timer`` starts a thread for each."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from threading import Condition, Thread

__all__ = ["Watchdog", "watchdog"]


class Watchdog:
    """A registry of timeouts; its thread starts with the first one."""

    def __init__(self) -> None:
        self._tickets = 0
        self.reset()

    def reset(self) -> None:
        """Forget all timeouts, and the thread."""
        self._changed = Condition()
        self._watched: dict[int, tuple[float, Callable[[], None]]] = {}
        self._wakes_at: float | None = None
        self._thread: Thread | None = None

    def watch(self, seconds: float, callback: Callable[[], None]) -> int:
        """Call *callback* after *seconds*; return the ticket to :meth:`forget` it with."""
        with self._changed:
            self._tickets += 1
            deadline = time.monotonic() + seconds
            self._watched[self._tickets] = deadline, callback
            if self._thread is None:
                self._thread = Thread(target=self._run, name="florentin-watchdog", daemon=True)
                self._thread.start()
            elif self._wakes_at is None or deadline < self._wakes_at:
                self._changed.notify()
            return self._tickets

    def forget(self, ticket: int) -> None:
        """Remove the timeout of *ticket*."""
        with self._changed:
            self._watched.pop(ticket, None)

    def _run(self) -> None:
        while True:
            for callback in self._wait():
                callback()

    def _wait(self) -> list[Callable[[], None]]:
        """Wait for the next deadline or a change; remove and return the callbacks that are due."""
        with self._changed:
            deadlines = (deadline for deadline, _ in self._watched.values())
            self._wakes_at = min(deadlines, default=None)
            left = None if self._wakes_at is None else max(0, self._wakes_at - time.monotonic())
            self._changed.wait(left)
            self._wakes_at = 0  # Awake: no notification is needed.
            now = time.monotonic()
            due = [ticket for ticket, (deadline, _) in self._watched.items() if deadline <= now]
            return [self._watched.pop(ticket)[1] for ticket in due]


watchdog = Watchdog()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=watchdog.reset)  # Threads do not survive a fork.
