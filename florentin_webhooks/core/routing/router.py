"""Collect handlers and match them with events; call none of them.

Handlers keep the order of their registration. An invalid registration raises at import, since a
typo found at the first delivery is a lost event.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

from florentin_webhooks.core.defaults import DEFAULT_SENDER
from florentin_webhooks.core.routing.event_classes import (
    Catalogue,
    collect_models,
    resolve_event_class,
)
from florentin_webhooks.core.routing.handler import Function, Handler, HandlerOptions, build_handler
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.protocol.delivery import Delivery
from florentin_webhooks.protocol.deprecation import RenamedAttribute
from florentin_webhooks.protocol.event import Event, UnknownEvent

if TYPE_CHECKING:
    from florentin_webhooks.core.defaults import OnEvent

__all__ = ["Router", "UnknownHandler"]

UnknownHandler = TypeVar(
    "UnknownHandler",
    bound=Callable[[UnknownEvent], object] | Callable[[UnknownEvent, Delivery], object],
)


class Router:
    """A collection of handlers, for any module; a receiver includes it.

    *catalogue* maps the names that ``on()`` accepts to their event classes. *check* raises
    :class:`ConfigurationError` for a handler that must not be registered.
    """

    def __init__(
        self,
        catalogue: Catalogue = DEFAULT_SENDER.catalogue,
        check: Callable[[Handler], None] | None = None,
    ) -> None:
        self.handlers: tuple[Handler, ...] = ()
        self.models = catalogue
        self._catalogue = catalogue
        self._check = check
        self._included: list[Router] = []
        self._frozen_because: tuple[str, str] | None = None

    if TYPE_CHECKING:

        @property
        def on(self) -> OnEvent: ...

    else:

        def on(
            self,
            what: str | type[Event],
            /,
            *,
            inline: bool = False,
            queue: str | None = None,
            latest: Callable[[Any], Hashable] | None = None,  # Any: the event that *what* names.
            atomic: bool = False,
        ) -> Callable[[Function], Function]:
            """Register the decorated function for *what*.

            *what* is an event name, an event class, or a family (``SubscriptionEvent``, or
            ``Event`` for all). The function takes (event) or (event, delivery) and may be
            ``async``.

            A class of your own becomes the model of its event, for all handlers: derive it from the
            catalogue's class and narrow ``data``, or from ``UnknownEvent`` for a type that is
            missing from the catalogue, with ``event: Literal["the.type"]``.

            Where the receiver has a queue, *inline* runs the handler before the sender is answered,
            and *queue* names another queue than the receiver's. *latest* returns the entity of an
            event, such as ``lambda e: e.data.subscription.id``: events older than the newest one
            that was handled for it are skipped and recorded as superseded; equal times run, and so
            does every event for which it returns None. *atomic* runs the handler in the database
            transaction that records its end, so that its changes there are made exactly once; the
            store must have one.

            Raises :class:`ConfigurationError` for an unknown name, a function that cannot take an
            event, a second registration, and after the first delivery.
            """
            return self.decorator(what, HandlerOptions(inline, queue, latest, atomic))

    def decorator(self, what: object, options: HandlerOptions) -> Callable[[Function], Function]:
        """Return the decorator that registers a function for *what*; see :meth:`on`."""
        event_class = resolve_event_class(what, self._catalogue)

        def register(function: Function) -> Function:
            self.add_handlers([build_handler(function, event_class, options)])
            return function

        return register

    def on_unknown(self, function: UnknownHandler, /) -> UnknownHandler:
        """Register the decorated function for event types that are missing from the catalogue.

        It takes (event) or (event, delivery); raises :class:`ConfigurationError` as ``on`` does.
        """
        self.add_handlers([build_handler(function, UnknownEvent)])
        return function

    def include(self, router: Router) -> None:
        """Register the handlers of *router*, which accepts no others from then on.

        Several receivers may include one router. Raises :class:`ConfigurationError` for a router
        that was included before, and where two registrations contradict each other.
        """
        if not isinstance(cast("object", router), Router):
            raise ConfigurationError(
                f"include() takes a Router, not {router!r}.", "Pass the router itself."
            )
        if router is self:
            raise ConfigurationError("A router cannot include itself.", "Remove the line.")
        if any(router is other for other in self._included):
            raise ConfigurationError(
                "This router was included before.", "Remove one of the two lines."
            )
        self.add_handlers(router.handlers)
        self._included.append(router)
        router.freeze("The router was included in another one.", "Register before include().")

    def match(self, model: type[Event]) -> tuple[Handler, ...]:
        """Return the handlers of events of the class *model*, in the order of registration."""
        return tuple(each for each in self.handlers if issubclass(model, each.event_class))

    @property
    def unhandled_events(self) -> tuple[str, ...]:
        """The names of the events that have no handler."""
        return tuple(name for name, model in self.models.items() if not self.match(model))

    unhandled = RenamedAttribute("unhandled_events")

    def model(self, name: str) -> type[Event]:
        """Return the class of the event *name*: the catalogue's, or yours if you registered one."""
        return self.models.get(name, UnknownEvent)

    def freeze(self, reason: str, hint: str) -> None:
        """Accept no more handlers, because of *reason*."""
        self._frozen_because = self._frozen_because or (reason, hint)

    def add_handlers(self, handlers: Sequence[Handler]) -> None:
        """Register *handlers*, all of them or none; raises :class:`ConfigurationError`."""
        if self._frozen_because is not None:
            reason, hint = self._frozen_because
            raise ConfigurationError(f"No handler can be registered any more. {reason}", hint)
        if self._check is not None:
            for handler in handlers:
                self._check(handler)
        together = (*self.handlers, *handlers)
        models = collect_models(together, self._catalogue)
        _reject_duplicates([*models.values(), UnknownEvent], together)
        self.handlers, self.models = together, models


def _reject_duplicates(models: Sequence[type[Event]], handlers: Sequence[Handler]) -> None:
    # The name identifies the handler in the delivery's record, so an event must have it only once.
    for model in models:
        names = Counter(each.name for each in handlers if issubclass(model, each.event_class))
        for name, times in names.items():
            if times > 1:
                raise ConfigurationError(
                    f"{name} is registered twice for {model.__name__}.",
                    "Remove one of the two, or rename the second function.",
                )
