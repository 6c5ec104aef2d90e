"""Collect handlers and match them with events; call none of them.

Handlers keep the order of their registration. An invalid registration raises at import, since a
typo found at the first delivery is a lost event.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast, overload

from florentin_webhooks.core.defaults import DEFAULT_SENDER, On_co
from florentin_webhooks.core.routing.event_classes import (
    Catalogue,
    collect_models,
    resolve_subscription,
)
from florentin_webhooks.core.routing.handler import Function, Handler, HandlerOptions, build_handler
from florentin_webhooks.core.routing.patterns import is_pattern, matches
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.protocol.delivery import Delivery
from florentin_webhooks.protocol.deprecation import RenamedAttribute
from florentin_webhooks.protocol.event import Event, GenericEvent, UnknownEvent
from florentin_webhooks.senders.documented import DocumentsEvents

if TYPE_CHECKING:
    from florentin_webhooks.core.defaults import OnEvent
    from florentin_webhooks.protocol.registration import OnAnyEvent
    from florentin_webhooks.senders.base import Sender
    from florentin_webhooks.senders.documented import Catalogued

    On = TypeVar("On")

__all__ = ["Router", "UnknownHandler"]

UnknownHandler = TypeVar(
    "UnknownHandler",
    bound=Callable[[UnknownEvent], object] | Callable[[UnknownEvent, Delivery], object],
)


class Router(Generic[On_co]):
    """A collection of handlers, for any module; a receiver includes it.

    Its handlers are for the events of *sender*, Florentin by default. *check* raises
    :class:`ConfigurationError` for a handler that must not be registered.
    """

    @overload
    def __init__(self: Router[OnEvent]) -> None: ...
    @overload
    def __init__(
        self: Router[On],
        sender: Catalogued[On],
        *,
        check: Callable[[Handler], None] | None = None,
    ) -> None: ...
    @overload
    def __init__(
        self: Router[OnAnyEvent],
        sender: Sender,
        *,
        check: Callable[[Handler], None] | None = None,
    ) -> None: ...

    def __init__(
        self,
        sender: Sender = DEFAULT_SENDER,
        *,
        check: Callable[[Handler], None] | None = None,
    ) -> None:
        self.handlers: tuple[Handler, ...] = ()
        self.models: Catalogue = sender.catalogue
        self._sender = sender
        self._check = check
        self._patterns: tuple[str, ...] = ()
        self._included: list[Router[object]] = []
        self.frozen_because: tuple[str, str] | None = None
        """Why no more handlers are accepted, and what to do; None while they are."""

    if TYPE_CHECKING:

        @property
        def on(self) -> On_co:
            """Register the decorated function; the arguments are those of a receiver's ``on``."""
            raise NotImplementedError

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

            Where the sender has no catalogue, *what* may be any name, or a pattern with stars for
            words between dots (``"invoice.*"``); derive classes of your own from ``Event`` there.

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
        sender = self._sender
        documented = sender.documented_events if isinstance(sender, DocumentsEvents) else ()
        event_class, pattern = resolve_subscription(
            what, sender.catalogue, is_open=sender.is_open, documented=documented
        )

        def register(function: Function) -> Function:
            self.add_handlers([build_handler(function, event_class, options, pattern)])
            return function

        return register

    def on_unknown(self, function: UnknownHandler, /) -> UnknownHandler:
        """Register the decorated function for event types that are missing from the catalogue.

        It takes (event) or (event, delivery); raises :class:`ConfigurationError` as ``on`` does.
        """
        self.add_handlers([build_handler(function, UnknownEvent)])
        return function

    def include(self, router: Router[object]) -> None:
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

    def match(self, model: type[Event], name: str) -> tuple[Handler, ...]:
        """Return the handlers of the event *name*, of class *model*, in registration order.

        One with several patterns is there once.
        """
        found: dict[str, Handler] = {}
        for each in self.handlers:
            if issubclass(model, each.event_class) and _wants(each, name):
                found.setdefault(each.name, each)
        return tuple(found.values())

    def matching_patterns(self, name: str) -> tuple[str, ...]:
        """Return the patterns that the event *name* matches."""
        return tuple(each for each in self._patterns if matches(each, name))

    @property
    def unhandled_events(self) -> tuple[str, ...]:
        """The names of the events that have no handler."""
        return tuple(name for name, model in self.models.items() if not self.match(model, name))

    unhandled = RenamedAttribute("unhandled_events")

    def model(self, name: str) -> type[Event]:
        """Return the class of the event *name*: the catalogue's, or yours if you registered one."""
        if (found := self.models.get(name)) is None:
            is_matched = self._patterns and self.matching_patterns(name)
            found = GenericEvent if is_matched else UnknownEvent
        return found

    def freeze(self, reason: str, hint: str) -> None:
        """Accept no more handlers, because of *reason*."""
        self.frozen_because = self.frozen_because or (reason, hint)

    def add_handlers(self, handlers: Sequence[Handler]) -> None:
        """Register *handlers*, all of them or none; raises :class:`ConfigurationError`."""
        if self.frozen_because is not None:
            reason, hint = self.frozen_because
            raise ConfigurationError(f"No handler can be registered any more. {reason}", hint)
        if self._check is not None:
            for handler in handlers:
                self._check(handler)
        together = (*self.handlers, *handlers)
        models = collect_models(together, self._sender.catalogue, is_open=self._sender.is_open)
        _reject_duplicates([*models.values(), UnknownEvent], together)
        _reject_repeated_patterns(together)
        self.handlers, self.models = together, models
        self._patterns = tuple(filter(is_pattern, {each.pattern for each in together}))


def _wants(handler: Handler, name: str) -> bool:
    return not handler.pattern or matches(handler.pattern, name)


def _reject_duplicates(models: Sequence[type[Event]], handlers: Sequence[Handler]) -> None:
    # The name identifies the handler in the delivery's record, so an event must have it only once.
    for model in models:
        names = Counter(each.name for each in handlers if _takes(each, model))
        for name, times in names.items():
            if times > 1:
                raise _registered_twice(name, model.__name__)


def _reject_repeated_patterns(handlers: Sequence[Handler]) -> None:
    """Refuse two functions of one name where one has a pattern, and a pattern that comes twice."""
    for number, first in enumerate(handlers):
        for second in handlers[number + 1 :]:
            pattern = first.pattern or second.pattern
            if first.name == second.name and pattern:
                is_other = first.function != second.function
                if is_other or first.pattern == second.pattern:
                    raise _registered_twice(first.name, repr(pattern))


def _takes(handler: Handler, model: type[Event]) -> bool:
    return not handler.pattern and issubclass(model, handler.event_class)


def _registered_twice(name: str, what: str) -> ConfigurationError:
    return ConfigurationError(
        f"{name} is registered twice for {what}.",
        "Remove one of the two, or rename the second function.",
    )
