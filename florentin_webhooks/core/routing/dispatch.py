"""Decide where handlers run: inline, or in which queue, under which import path."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from florentin_webhooks.core.queue import Job, TracedQueue
from florentin_webhooks.core.routing.import_path import find_import_path, modules_of
from florentin_webhooks.core.routing.items import HandledItem
from florentin_webhooks.core.routing.requirements import reject_main
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.protocol.event import PROBE_EVENT, UnknownEvent
from florentin_webhooks.protocol.frozen import new_tuple

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from florentin_webhooks.core.queue import Queue
    from florentin_webhooks.core.routing.handler import Handler
    from florentin_webhooks.core.routing.router import Router
    from florentin_webhooks.protocol.event import Event
    from florentin_webhooks.senders.items import Batching, Item

__all__ = ["EMPTY_PLAN", "DispatchPlan", "Dispatcher"]


@dataclass(frozen=True, slots=True)
class DispatchPlan:
    """The *model* and the *handlers* of one event type, and where they run.

    *inline* are those that run here, *queued* the names of those in each queue; *receiver* is the
    import path under which workers find them, *owner* the owner of the jobs. *carry* returns what
    the jobs carry for a tracer. *is_plain*: each inline one is plain, and gets the
    whole event; *is_async*: each is declared with ``async``.
    """

    model: type[Event] = UnknownEvent
    handlers: tuple[Handler, ...] = ()
    inline: tuple[Handler, ...] = ()
    queued: tuple[tuple[str, tuple[str, ...]], ...] = ()
    queue: Queue | None = None
    receiver: str = ""
    owner: str = ""
    carry: Callable[[], str] | None = None
    is_plain: bool = False
    is_async: bool = False

    def excluding(self, done: Collection[str]) -> DispatchPlan:
        """Return the plan without the handlers named in *done*."""
        inline = tuple(handler for handler in self.inline if handler.name not in done)
        parts = [(name, tuple(n for n in names if n not in done)) for name, names in self.queued]
        return replace(self, inline=inline, queued=tuple(part for part in parts if part[1]))

    def jobs(self, fingerprint: str) -> tuple[Job, ...]:
        """Return a job for each queue's part of the delivery *fingerprint*."""
        if self.queue is None:
            return ()
        build, owner, path = self.queue.job, self.owner, self.receiver
        # The owner is the last field of a job. Its _replace takes 1 us.
        jobs = tuple(
            [
                new_tuple(Job, (*build(path, fingerprint, name, names)[:-1], owner))
                for name, names in self.queued
            ]
        )
        return jobs if self.carry is None else self._with_trace(jobs, self.carry())

    def _with_trace(self, jobs: tuple[Job, ...], trace: str) -> tuple[Job, ...]:
        queue: object = self.queue
        if not trace or not isinstance(queue, TracedQueue):
            return jobs
        return tuple(queue.with_trace(job, trace) for job in jobs)


EMPTY_PLAN = DispatchPlan()


class Dispatcher:
    """The handlers of *router* on their way to where they run: inline, without a *queue*.

    *receiver* is the object that workers import, *key_ids* are its own. *batching* is a sender
    whose deliveries may be lists.
    """

    def __init__(
        self,
        receiver: object,
        router: Router[object],
        queue: Queue | None,
        key_ids: tuple[str, ...] = (),
        batching: Batching | None = None,
    ) -> None:
        self.queue = queue
        self.batching = batching
        self._key_ids = key_ids
        self._receiver = receiver
        self._router = router
        self._path: str | None = None
        self._carry: Callable[[], str] | None = None
        self._plans: dict[str | tuple[str, ...], DispatchPlan] = {}
        self._planned: tuple[Handler, ...] = ()

    @property
    def path(self) -> str:
        """The import path under which workers find the receiver: configured, or found.

        Raises :class:`ConfigurationError` where they cannot import it.
        """
        if self._path is None:
            handlers = self._router.handlers
            reject_main(handlers)
            configured = self.queue.receiver if self.queue is not None else None
            self._path = configured or find_import_path(self._receiver, modules_of(handlers))
        return self._path

    def carry_trace(self, carry: Callable[[], str]) -> None:
        """Add what *carry* returns to the jobs of each delivery from now on."""
        self._carry = carry
        self._plans.clear()

    @property
    def owner(self) -> str:
        """The owner of this receiver's jobs: its import path and its key ids."""
        return " ".join((self.path, *self._key_ids))

    @property
    def queue_names(self) -> tuple[str, ...]:
        """The queues of the handlers, the receiver's own first; empty without a queue."""
        if self.queue is None:
            return ()
        named = [each.options.queue for each in self._router.handlers]
        return tuple(dict.fromkeys([self.queue.name, *filter(None, named)]))

    def build_job(self, fingerprint: str, queue: str) -> tuple[Job, float]:
        """Return the job for *queue*'s part of a delivery, and its timeout in seconds."""
        if self.queue is None:
            raise ConfigurationError("This receiver has no queue.", "Pass queue=RQQueue(...).")
        job = self.queue.job(self.path, fingerprint, queue, ())
        return job._replace(owner=self.owner), self.queue.timeout

    def plan(self, event: str) -> DispatchPlan:
        """Return where the handlers of the event *event* run; a probe has none."""
        if self._planned is not self._router.handlers:
            self._planned = self._router.handlers
            self._plans.clear()
        elif (known := self._plans.get(event)) is not None:
            return known
        if event == PROBE_EVENT:
            return EMPTY_PLAN
        # The names of other events are the sender's, and have no end: those that match the same
        # patterns share one plan.
        router = self._router
        key = event if event in router.models else router.matching_patterns(event)
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = self._plan(event)
        return plan

    def plan_delivery(self, event: str, envelope: Mapping[str, object]) -> DispatchPlan:
        """Return where the handlers of a delivery run, which may be a list of events.

        A list stays one delivery: one identity, one record, one job for each queue. A handler is
        in the plan once for each item that it wants, under a name that ends with the item's place,
        so each pair of both is recorded and retried by itself.
        """
        plan = self.plan(event)
        items = None if self.batching is None else self.batching.items(envelope)
        if items is None:
            return plan
        # Handlers for all events, or for unknown ones, get the items.
        whole = [each for each in plan.handlers if each.names(event)]
        return self._place(plan.model, (*whole, *self._bind(items)))

    def _bind(self, items: Sequence[Item]) -> Iterator[Handler]:
        for index, (name, envelope) in enumerate(items):
            plan = self.plan(name)
            for handler in plan.handlers:
                item = HandledItem(handler.name, index, name, envelope, plan.model)
                yield replace(handler, name=f"{handler.name}[{index}]", item=item)

    def _plan(self, event: str) -> DispatchPlan:
        model = self._router.model(event)
        return self._place(model, self._router.match(model, event))

    def _place(self, model: type[Event], handlers: tuple[Handler, ...]) -> DispatchPlan:
        if self.queue is None:
            return DispatchPlan(
                model,
                handlers,
                handlers,
                is_plain=_are_plain(handlers),
                is_async=_are_async(handlers),
            )
        parts: dict[str, list[str]] = {}
        for handler in handlers:
            if not handler.options.inline:
                parts.setdefault(handler.options.queue or self.queue.name, []).append(handler.name)
        inline = tuple(handler for handler in handlers if handler.options.inline)
        return DispatchPlan(
            model,
            handlers,
            inline,
            tuple((name, tuple(names)) for name, names in parts.items()),
            self.queue,
            self.path,
            self.owner,
            self._carry,
            _are_plain(inline),
            _are_async(inline),
        )


def _are_plain(handlers: Sequence[Handler]) -> bool:
    return all(each.options.is_plain and each.item is None for each in handlers)


def _are_async(handlers: Sequence[Handler]) -> bool:
    return all(each.is_async for each in handlers)
