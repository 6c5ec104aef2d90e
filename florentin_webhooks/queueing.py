"""Know where handlers run: here, or in which queue, under which import path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.paths import path_of
from florentin_webhooks.router import Router
from florentin_webhooks.settings import refuse_main, refuse_unimportable
from florentin_webhooks.wanted import Wanted, wanted_by

if TYPE_CHECKING:
    from collections.abc import Sequence

    from florentin_webhooks.events import Event
    from florentin_webhooks.handlers import Handler
    from florentin_webhooks.queues import Job, Queue

__all__ = ["QueueingRouter"]


class QueueingRouter(Router):
    """Be a router whose handlers may run in workers; without a *queue* all of them run inline."""

    def __init__(self, queue: Queue | None) -> None:
        super().__init__()
        self.queue = queue
        self._path: str | None = None
        self._wanted: dict[type[Event], Wanted] = {}

    @property
    def path(self) -> str:
        """The import path under which workers find this receiver: as told, or as found.

        Raises :class:`ConfigurationError` where they could not import it.
        """
        if self._path is None:
            refuse_main(self._handlers)
            near = frozenset(handler.name.partition(":")[0] for handler in self._handlers)
            told = self.queue.receiver if self.queue is not None else None
            self._path = told or path_of(self, near)
        return self._path

    @property
    def queue_names(self) -> tuple[str, ...]:
        """The queues that handlers run in, the receiver's own first; none without a queue."""
        if self.queue is None:
            return ()
        named = [h.queue for h in self._handlers if h.queue is not None and not h.inline]
        return tuple(dict.fromkeys([self.queue.name, *named]))

    def part(self, fingerprint: str, queue: str) -> tuple[Job, float]:
        """Give the job for *queue*'s part of a delivery, and the seconds that it may take."""
        if self.queue is None:
            message = "this receiver has no queue; pass queue=RQQueue(...)"
            raise ConfigurationError(message)
        return self.queue.job(self.path, fingerprint, queue, ()), self.queue.timeout

    def wanted(self, event: Event) -> Wanted:
        """Give the handlers that want *event*, and where each of them runs."""
        kind = type(event)
        if kind not in self._wanted:
            path = self.path if self.queue is not None else ""
            self._wanted[kind] = wanted_by(self.match(event), self.queue, path)
        return self._wanted[kind]

    def _add(self, handlers: Sequence[Handler]) -> None:
        for handler in handlers:
            refuse_unimportable(handler, self.queue)
        super()._add(handlers)
        self._wanted.clear()
