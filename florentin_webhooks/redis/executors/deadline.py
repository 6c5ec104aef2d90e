"""The time within which a server must answer the oldest call in flight."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from florentin_webhooks.redis.executors.calls import CallQueue

__all__ = ["AnswerDeadline"]


class AnswerDeadline:
    """One timer for all calls of *queue* in flight; it calls *expire*."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, queue: CallQueue, expire: Callable[[], None]
    ) -> None:
        self._loop = loop
        self._queue = queue
        self._expire = expire
        self._timer: asyncio.TimerHandle | None = None
        self.is_watching = False

    def watch(self, seconds: float) -> None:
        """Watch the *seconds* of the oldest call in flight, if none is watched."""
        if self._timer is None and self._queue.sent:
            left = self._queue.sent[0].sent_at + seconds - self._loop.time()
            self._timer = self._loop.call_later(max(left, 0), self._end_watch, seconds)
            self.is_watching = True

    def cancel(self) -> None:
        """Watch no call, until the next ones are sent."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer, self.is_watching = None, False

    def _end_watch(self, seconds: float) -> None:
        self._timer, self.is_watching = None, False
        sent = self._queue.sent
        if sent and self._loop.time() >= sent[0].sent_at + seconds:
            self._expire()
        else:
            self.watch(seconds)
