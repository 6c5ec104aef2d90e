"""The handlers of a receiver: a router that collects them, a dispatcher that places them."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Generic

from florentin_webhooks.core.defaults import On_co
from florentin_webhooks.core.routing.dispatch import Dispatcher
from florentin_webhooks.core.routing.observer import build_observer
from florentin_webhooks.core.routing.requirements import require_importable, require_queue
from florentin_webhooks.core.routing.router import Router
from florentin_webhooks.protocol.deprecation import RenamedAttribute
from florentin_webhooks.senders.items import Batching

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager, AbstractContextManager

    from florentin_webhooks.core.queue import Job, Queue
    from florentin_webhooks.core.routing.event_classes import Catalogue
    from florentin_webhooks.core.routing.handler import Handler
    from florentin_webhooks.core.routing.observer import DeathObserver, FailureObserver
    from florentin_webhooks.core.routing.router import UnknownHandler
    from florentin_webhooks.protocol.event import Event
    from florentin_webhooks.senders.base import Sender

__all__ = ["HandlerRegistry"]


class HandlerRegistry(Generic[On_co]):
    """The owner of a *router* and a *dispatcher*, with their public methods, for one *sender*.

    Without a *queue*, all handlers run inline. *handler_context* returns the context manager that
    jobs and threads of handlers run in, *async_handler_context* that of each ``async`` handler;
    mounts set them.
    """

    def __init__(self, sender: Sender, queue: Queue | None, key_ids: tuple[str, ...] = ()) -> None:
        self.queue = queue
        self.handler_context: Callable[[], AbstractContextManager[object]] = nullcontext
        self.async_handler_context: Callable[[], AbstractAsyncContextManager[object]] = nullcontext
        self.failure_observers: list[Handler] = []
        self.death_observers: list[Handler] = []
        self.router: Router[object] = Router(sender, check=self._check_handler)
        batching = sender if isinstance(sender, Batching) else None
        self.dispatcher = Dispatcher(self, self.router, queue, key_ids, batching)

    if TYPE_CHECKING:

        @property
        def on(self) -> On_co:
            """Register the decorated function for an event name, an event class or a family.

            It takes (event) or (event, delivery), and may be ``async``. With a queue, *inline* runs
            it before the sender is answered, and *queue* names another queue. *latest* returns the
            entity of an event, whose older events are skipped. *atomic* runs it in the database
            transaction that records its end. See :meth:`Router.on`.
            """
            raise NotImplementedError

    else:

        def on(self, what: str | type[Event], /, **options: object) -> Callable[..., object]:
            """Register the decorated function for *what*; see :meth:`Router.on`."""
            return self.router.on(what, **options)

    def on_unknown(self, function: UnknownHandler, /) -> UnknownHandler:
        """Register the decorated function for unknown events; see :meth:`Router.on_unknown`."""
        return self.router.on_unknown(function)

    def on_failure(self, function: FailureObserver, /) -> FailureObserver:
        """Call the decorated function with the :class:`HandlerFailure` of each failed attempt.

        It runs after the failure is recorded, in workers too, for two seconds at most where it can
        be stopped. What it raises is logged and changes nothing. RetryLater is not a failure.
        """
        self.failure_observers.append(build_observer(function))
        return function

    def on_dead(self, function: DeathObserver, /) -> DeathObserver:
        """Call the decorated function with the :class:`DeadDelivery` when a delivery is dead.

        It runs in the worker, in all else as for :meth:`on_failure`.
        """
        self.death_observers.append(build_observer(function))
        return function

    def include(self, router: Router[object]) -> None:
        """Register the handlers of *router*; see :meth:`Router.include`."""
        self.router.include(router)

    def model(self, name: str) -> type[Event]:
        """Return the class of the event *name*; see :meth:`Router.model`."""
        return self.router.model(name)

    @property
    def models(self) -> Catalogue:
        """The class of each event name: the catalogue's, and those that you registered."""
        return self.router.models

    @property
    def unhandled_events(self) -> tuple[str, ...]:
        """The names of the events that have no handler."""
        return self.router.unhandled_events

    unhandled = RenamedAttribute("unhandled_events")

    @property
    def path(self) -> str:
        """The import path under which workers find this receiver; see :attr:`Dispatcher.path`."""
        return self.dispatcher.path

    @property
    def queue_names(self) -> tuple[str, ...]:
        """The queues of the handlers, the receiver's own first; empty without a queue."""
        return self.dispatcher.queue_names

    def build_job(self, fingerprint: str, queue: str) -> tuple[Job, float]:
        """Return the job for *queue*'s part of a delivery; see :meth:`Dispatcher.build_job`."""
        return self.dispatcher.build_job(fingerprint, queue)

    def _check_handler(self, handler: Handler) -> None:
        require_queue(handler, self.queue)
        require_importable(handler, self.queue)
