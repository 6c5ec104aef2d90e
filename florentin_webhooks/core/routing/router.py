"""Say which handler wants which event; call none of them.

Handlers keep the order in which they were registered. Whatever is wrong with a registration is
said at once, at import, since a typo found at the first delivery is a lost event.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import (
    Any,
    Generic,
    Literal,
    Protocol,
    TypedDict,
    TypeVar,
    Unpack,
    cast,
    overload,
)

from florentin_webhooks.core.routing.event_classes import collect_models, resolve_event_class
from florentin_webhooks.core.routing.handler import Function, Handler, HandlerOptions, build_handler
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.protocol.delivery import Delivery
from florentin_webhooks.senders.florentin.events import (
    CATALOGUE,
    AccountCreated,
    Event,
    InvoiceCreated,
    SubscriptionCancelled,
    SubscriptionDowngraded,
    SubscriptionPurchased,
    SubscriptionUpgraded,
    TeamMemberAdded,
    TosAccepted,
    UnknownEvent,
    UsageMetricsUpdated,
    UserLogin,
)

__all__ = ["HandlerDecorator", "OnOptions", "Router"]

E = TypeVar("E", bound=Event)
R = TypeVar("R")
H = TypeVar(
    "H", bound=Callable[[UnknownEvent], object] | Callable[[UnknownEvent, Delivery], object]
)


class OnOptions(TypedDict, Generic[E], total=False):
    """Be the options of :meth:`Router.on`."""

    inline: bool
    queue: str | None
    latest: Callable[[E], Hashable] | None
    atomic: bool


class HandlerDecorator(Protocol[E]):
    """Be the decorator that :meth:`Router.on` gives; the handler's own type is kept."""

    @overload
    def __call__(self, function: Callable[[E], R], /) -> Callable[[E], R]: ...
    @overload
    def __call__(self, function: Callable[[E, Delivery], R], /) -> Callable[[E, Delivery], R]: ...


class Router:
    """Collect handlers, in any module; a receiver is one, and includes others."""

    def __init__(self) -> None:
        self._handlers: list[Handler] = []
        self._included: list[Router] = []
        self._closed: str | None = None
        self._models: Mapping[str, type[Event]] = CATALOGUE
        self._matches: dict[type[Event], tuple[Handler, ...]] = {}

    @overload
    def on(
        self, what: Literal["account.created"], /, **how: Unpack[OnOptions[AccountCreated]]
    ) -> HandlerDecorator[AccountCreated]: ...
    @overload
    def on(
        self, what: Literal["user.login"], /, **how: Unpack[OnOptions[UserLogin]]
    ) -> HandlerDecorator[UserLogin]: ...
    @overload
    def on(
        self,
        what: Literal["subscription.purchased"],
        /,
        **how: Unpack[OnOptions[SubscriptionPurchased]],
    ) -> HandlerDecorator[SubscriptionPurchased]: ...
    @overload
    def on(
        self,
        what: Literal["subscription.upgraded"],
        /,
        **how: Unpack[OnOptions[SubscriptionUpgraded]],
    ) -> HandlerDecorator[SubscriptionUpgraded]: ...
    @overload
    def on(
        self,
        what: Literal["subscription.downgraded"],
        /,
        **how: Unpack[OnOptions[SubscriptionDowngraded]],
    ) -> HandlerDecorator[SubscriptionDowngraded]: ...
    @overload
    def on(
        self,
        what: Literal["subscription.cancelled"],
        /,
        **how: Unpack[OnOptions[SubscriptionCancelled]],
    ) -> HandlerDecorator[SubscriptionCancelled]: ...
    @overload
    def on(
        self, what: Literal["invoice.created"], /, **how: Unpack[OnOptions[InvoiceCreated]]
    ) -> HandlerDecorator[InvoiceCreated]: ...
    @overload
    def on(
        self, what: Literal["team_member.added"], /, **how: Unpack[OnOptions[TeamMemberAdded]]
    ) -> HandlerDecorator[TeamMemberAdded]: ...
    @overload
    def on(
        self, what: Literal["tos.accepted"], /, **how: Unpack[OnOptions[TosAccepted]]
    ) -> HandlerDecorator[TosAccepted]: ...
    @overload
    def on(
        self,
        what: Literal["usage.metrics_updated"],
        /,
        **how: Unpack[OnOptions[UsageMetricsUpdated]],
    ) -> HandlerDecorator[UsageMetricsUpdated]: ...
    @overload
    def on(self, what: type[E], /, **how: Unpack[OnOptions[E]]) -> HandlerDecorator[E]: ...
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

        *what* is an event name, an event class, or a family (``SubscriptionEvent``, or ``Event``
        for all). The function takes (event) or (event, delivery) and may be ``async``.

        A class of your own is the model of its event from then on, for all handlers: derive it
        from the catalogue's class and narrow ``data``, or from ``UnknownEvent`` for a type that
        the catalogue does not have, with ``event: Literal["the.type"]``.

        Where the receiver has a queue, *inline* runs the handler before the sender is answered, and
        *queue* names another queue than the receiver's. *latest* gives the entity of an event, such
        as ``lambda e: e.data.subscription.id``: events older than the newest one that was handled
        for it are skipped and recorded as superseded; equal times run, and so does every event
        for which it gives None. *atomic* runs the handler in the database transaction that records
        its end, so that what it does there happens exactly once; the store must have one.

        Raises :class:`ConfigurationError` for an unknown name, a function that cannot take an
        event, a second registration, and after the first delivery.
        """
        wanted, options = resolve_event_class(what), HandlerOptions(inline, queue, latest, atomic)

        def register(function: Function) -> Function:
            self._add([build_handler(function, wanted, options)])
            return function

        return register

    def on_unknown(self, function: H, /) -> H:
        """Register the decorated function for event types that the catalogue does not have.

        It takes (event) or (event, delivery); raises :class:`ConfigurationError` as ``on`` does.
        """
        self._add([build_handler(function, UnknownEvent)])
        return function

    def include(self, router: Router) -> None:
        """Take over the handlers of *router*, which is complete from here on.

        Several receivers may include one router. Raises :class:`ConfigurationError` for a router
        that was included before, and where two registrations contradict each other.
        """
        if not isinstance(cast("object", router), Router):
            message = f"include() takes a Router, not {router!r}; is it the module of one?"
            raise ConfigurationError(message)
        if router is self:
            message = "a router cannot include itself; remove the line"
            raise ConfigurationError(message)
        if any(router is other for other in self._included):
            message = "this router was included before; remove one of the two lines"
            raise ConfigurationError(message)
        self._add(router._handlers)
        self._included.append(router)
        router._freeze("it was included in another router; register before include()")

    def match(self, event: Event) -> tuple[Handler, ...]:
        """Give the handlers that want *event*, in the order of their registration."""
        kind = type(event)
        if kind not in self._matches:
            self._matches[kind] = tuple(
                h for h in self._handlers if issubclass(kind, h.event_class)
            )
        return self._matches[kind]

    @property
    def models(self) -> Mapping[str, type[Event]]:
        """Give the class for each event name: the catalogue's, and the ones that you registered."""
        return self._models

    @property
    def unhandled_events(self) -> tuple[str, ...]:
        """Give the names of the events that no handler wants."""
        return tuple(
            name
            for name, model in self._models.items()
            if not any(issubclass(model, handler.event_class) for handler in self._handlers)
        )

    def model(self, name: str) -> type[Event]:
        """Give the class for the event *name*: the catalogue's, or yours if you registered one."""
        return self._models.get(name, UnknownEvent)

    def _freeze(self, reason: str) -> None:
        self._closed = self._closed or reason

    def _add(self, handlers: Sequence[Handler]) -> None:
        if self._closed is not None:
            message = f"no handler can be registered any more: {self._closed}"
            raise ConfigurationError(message)
        # Collected first and taken over at the end, so that a refused include adds nothing.
        together = [*self._handlers, *handlers]
        models = collect_models(together)
        _reject_duplicates([*models.values(), UnknownEvent], together)
        self._handlers, self._models = together, models
        self._matches.clear()


def _reject_duplicates(models: Sequence[type[Event]], handlers: Sequence[Handler]) -> None:
    # A name stands for its handler in the delivery's record, so one event may meet it once.
    for model in models:
        names = Counter(each.name for each in handlers if issubclass(model, each.event_class))
        for name, times in names.items():
            if times > 1:
                message = (
                    f"{name} is registered twice for {model.__name__}; remove one of the two, or "
                    "give the second function a name of its own"
                )
                raise ConfigurationError(message)
