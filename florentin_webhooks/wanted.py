"""Say which handlers want an event and where each of them runs: here, or in which queue."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from florentin_webhooks.handlers import Handler
    from florentin_webhooks.queues import Job, Queue

__all__ = ["NOBODY", "Wanted", "wanted_by"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Hold the handlers of one event: *inline* ones, and the names of those in each queue.

    *receiver* is the import path under which workers find them.
    """

    inline: tuple[Handler, ...] = ()
    queued: tuple[tuple[str, tuple[str, ...]], ...] = ()
    queue: Queue | None = None
    receiver: str = ""

    def __bool__(self) -> bool:
        return bool(self.inline or self.queued)

    def without(self, done: Collection[str]) -> Wanted:
        """Give what is left when the handlers named in *done* need not run again."""
        if not done:
            return self
        inline = tuple(handler for handler in self.inline if handler.name not in done)
        parts = [(name, tuple(n for n in names if n not in done)) for name, names in self.queued]
        return replace(self, inline=inline, queued=tuple(part for part in parts if part[1]))

    def jobs(self, fingerprint: str) -> tuple[Job, ...]:
        """Give a job for each queue's part of the delivery *fingerprint*."""
        if self.queue is None:
            return ()
        job = self.queue.job
        return tuple(job(self.receiver, fingerprint, name, names) for name, names in self.queued)


NOBODY = Wanted()


def wanted_by(handlers: Sequence[Handler], queue: Queue | None, receiver: str) -> Wanted:
    """Sort *handlers*: without a *queue* all of them run inline."""
    if queue is None:
        return Wanted(tuple(handlers))
    parts: dict[str, list[str]] = {}
    for handler in handlers:
        if not handler.inline:
            parts.setdefault(handler.queue or queue.name, []).append(handler.name)
    return Wanted(
        tuple(handler for handler in handlers if handler.inline),
        tuple((name, tuple(names)) for name, names in parts.items()),
        queue,
        receiver,
    )
