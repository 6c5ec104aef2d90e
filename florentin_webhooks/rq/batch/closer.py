"""The end of the time in which the jobs of a batch may begin, while one of them runs."""

from __future__ import annotations

import threading
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from florentin_webhooks.rq.batch.batch import Batch

__all__ = ["BatchCloser"]


_LONGEST_JOIN = 2.0
"""Seconds for which the end waits for the thread, which may wait for Redis."""


class BatchCloser:
    """A thread that passes a batch which still runs when it closes to *close*.

    One for all batches: to start and end a timer for each takes 150 us and two switches of threads.
    """

    def __init__(self, close: Callable[[Batch], None]) -> None:
        self._close = close
        self._batch: Batch | None = None
        self._lock = threading.Lock()
        self._has_batch, self._stopping = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def watch(self, batch: Batch) -> None:
        """Begin to watch *batch*."""
        self._batch = batch
        if self._thread is None:
            self._stopping.clear()
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()
        self._has_batch.set()

    def leave(self) -> None:
        """Leave the batch alone from now on; waits while it is being closed."""
        with self._lock:
            self._batch = None

    def stop(self) -> None:
        """End the thread."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._stopping.set()
            self._has_batch.set()
            thread.join(_LONGEST_JOIN)

    def _run(self) -> None:
        while not self._stopping.is_set():
            if (batch := self._batch) is None:
                self._has_batch.clear()
                if self._batch is None:  # Else it came meanwhile.
                    self._has_batch.wait()
            elif self._stopping.wait(max(batch.closes_at - monotonic(), 0)):
                return
            else:
                self._close_late(batch)

    def _close_late(self, batch: Batch) -> None:
        """Close *batch*, unless another one runs by now."""
        with self._lock:
            if self._batch is batch:
                self._close(batch)
                self._batch = None
