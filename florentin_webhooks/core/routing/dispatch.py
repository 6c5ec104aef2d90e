"""Know where handlers run: here, or in which queue, under which import path."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from florentin_webhooks.core.routing.handler import refuse_main, refuse_unimportable
from florentin_webhooks.core.routing.import_path import find_import_path
from florentin_webhooks.core.routing.router import Router
from florentin_webhooks.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from florentin_webhooks.core.queue import Job, Queue
    from florentin_webhooks.core.routing.handler import Handler
    from florentin_webhooks.senders.florentin.events import Event

__all__ = [
    "EMPTY_PLAN",
    "DispatchPlan",
    "DispatchRouter",
    "plan_dispatch",
]


@dataclass(frozen=True, slots=True)
class DispatchPlan:
    """Hold the handlers of one event: *inline* ones, and the names of those in each queue.

    *receiver* is the import path under which workers find them.
    """

    inline: tuple[Handler, ...] = ()
    queued: tuple[tuple[str, tuple[str, ...]], ...] = ()
    queue: Queue | None = None
    receiver: str = ""

    def __bool__(self) -> bool:
        return bool(self.inline or self.queued)

    def excluding(self, done: Collection[str]) -> DispatchPlan:
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


EMPTY_PLAN = DispatchPlan()


def plan_dispatch(handlers: Sequence[Handler], queue: Queue | None, receiver: str) -> DispatchPlan:
    """Sort *handlers*: without a *queue* all of them run inline."""
    if queue is None:
        return DispatchPlan(tuple(handlers))
    parts: dict[str, list[str]] = {}
    for handler in handlers:
        if not handler.inline:
            parts.setdefault(handler.queue or queue.name, []).append(handler.name)
    return DispatchPlan(
        tuple(handler for handler in handlers if handler.inline),
        tuple((name, tuple(names)) for name, names in parts.items()),
        queue,
        receiver,
    )


class DispatchRouter(Router):
    """Be a router whose handlers may run in workers; without a *queue* all of them run inline."""

    def __init__(self, queue: Queue | None) -> None:
        super().__init__()
        self.queue = queue
        self._path: str | None = None
        self._wanted: dict[type[Event], DispatchPlan] = {}

    @property
    def path(self) -> str:
        """The import path under which workers find this receiver: as told, or as found.

        Raises :class:`ConfigurationError` where they could not import it.
        """
        if self._path is None:
            refuse_main(self._handlers)
            near = frozenset(handler.name.partition(":")[0] for handler in self._handlers)
            told = self.queue.receiver if self.queue is not None else None
            self._path = told or find_import_path(self, near)
        return self._path

    @property
    def queue_names(self) -> tuple[str, ...]:
        """The queues that handlers run in, the receiver's own first; none without a queue."""
        if self.queue is None:
            return ()
        named = [h.queue for h in self._handlers if h.queue is not None and not h.inline]
        return tuple(dict.fromkeys([self.queue.name, *named]))

    def build_job(self, fingerprint: str, queue: str) -> tuple[Job, float]:
        """Give the job for *queue*'s part of a delivery, and the seconds that it may take."""
        if self.queue is None:
            message = "this receiver has no queue; pass queue=RQQueue(...)"
            raise ConfigurationError(message)
        return self.queue.job(self.path, fingerprint, queue, ()), self.queue.timeout

    def plan(self, event: Event) -> DispatchPlan:
        """Give the handlers that want *event*, and where each of them runs."""
        kind = type(event)
        if kind not in self._wanted:
            path = self.path if self.queue is not None else ""
            self._wanted[kind] = plan_dispatch(self.match(event), self.queue, path)
        return self._wanted[kind]

    def _add(self, handlers: Sequence[Handler]) -> None:
        for handler in handlers:
            refuse_unimportable(handler, self.queue)
        super()._add(handlers)
        self._wanted.clear()
