"""Say which handler wants which event; call none of them.

Handlers keep the order in which they were registered. Whatever is wrong with a registration is
said at once, at import, since a typo found at the first delivery is a lost event.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from inspect import isclass
from typing import Literal, NoReturn, Protocol, TypeGuard, TypeVar, cast, get_args, overload

from florentin_webhooks.deliveries import Delivery
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.events import (
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
from florentin_webhooks.handlers import Function, Handler, describe

__all__ = ["Router", "Subscribe"]

E = TypeVar("E", bound=Event)
R = TypeVar("R")
H = TypeVar(
    "H", bound=Callable[[UnknownEvent], object] | Callable[[UnknownEvent, Delivery], object]
)


class Subscribe(Protocol[E]):
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
    def on(self, what: Literal["account.created"], /) -> Subscribe[AccountCreated]: ...
    @overload
    def on(self, what: Literal["user.login"], /) -> Subscribe[UserLogin]: ...
    @overload
    def on(
        self, what: Literal["subscription.purchased"], /
    ) -> Subscribe[SubscriptionPurchased]: ...
    @overload
    def on(self, what: Literal["subscription.upgraded"], /) -> Subscribe[SubscriptionUpgraded]: ...
    @overload
    def on(
        self, what: Literal["subscription.downgraded"], /
    ) -> Subscribe[SubscriptionDowngraded]: ...
    @overload
    def on(
        self, what: Literal["subscription.cancelled"], /
    ) -> Subscribe[SubscriptionCancelled]: ...
    @overload
    def on(self, what: Literal["invoice.created"], /) -> Subscribe[InvoiceCreated]: ...
    @overload
    def on(self, what: Literal["team_member.added"], /) -> Subscribe[TeamMemberAdded]: ...
    @overload
    def on(self, what: Literal["tos.accepted"], /) -> Subscribe[TosAccepted]: ...
    @overload
    def on(self, what: Literal["usage.metrics_updated"], /) -> Subscribe[UsageMetricsUpdated]: ...
    @overload
    def on(self, what: type[E], /) -> Subscribe[E]: ...
    def on(self, what: str | type[Event], /) -> Callable[[Function], Function]:
        """Register the decorated function for *what*.

        *what* is an event name, an event class, or a family (``SubscriptionEvent``, or ``Event``
        for all). The function takes (event) or (event, delivery) and may be ``async``.

        A class of your own is the model of its event from then on, for all handlers: derive it
        from the catalogue's class and narrow ``data``, or from ``UnknownEvent`` for a type that
        the catalogue does not have, with ``event: Literal["the.type"]``.

        Raises :class:`ConfigurationError` for an unknown name, a function that cannot take an
        event, a second registration, and after the first delivery.
        """
        wanted = _event_class(what)

        def register(function: Function) -> Function:
            self._add([describe(function, wanted)])
            return function

        return register

    def on_unknown(self, function: H, /) -> H:
        """Register the decorated function for event types that the catalogue does not have.

        It takes (event) or (event, delivery); raises :class:`ConfigurationError` as ``on`` does.
        """
        self._add([describe(function, UnknownEvent)])
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
        router._close("it was included in another router; register before include()")

    def match(self, event: Event) -> tuple[Handler, ...]:
        """Give the handlers that want *event*, in the order of their registration."""
        kind = type(event)
        if kind not in self._matches:
            self._matches[kind] = tuple(h for h in self._handlers if issubclass(kind, h.what))
        return self._matches[kind]

    def model(self, name: str) -> type[Event]:
        """Give the class for the event *name*: the catalogue's, or yours if you registered one."""
        return self._models.get(name, UnknownEvent)

    def _close(self, reason: str) -> None:
        self._closed = self._closed or reason

    def _add(self, handlers: Sequence[Handler]) -> None:
        if self._closed is not None:
            message = f"no handler can be registered any more: {self._closed}"
            raise ConfigurationError(message)
        # Collected first and taken over at the end, so that a refused include adds nothing.
        together = [*self._handlers, *handlers]
        models = _models(together)
        _refuse_twice([*models.values(), UnknownEvent], together)
        self._handlers, self._models = together, models
        self._matches.clear()


def _refuse_twice(models: Sequence[type[Event]], handlers: Sequence[Handler]) -> None:
    # A name stands for its handler in the delivery's record, so one event may meet it once.
    for model in models:
        names = Counter(each.name for each in handlers if issubclass(model, each.what))
        for name, times in names.items():
            if times > 1:
                message = (
                    f"{name} is registered twice for {model.__name__}; remove one of the two, or "
                    "give the second function a name of its own"
                )
                raise ConfigurationError(message)


def _event_class(what: object) -> type[Event]:
    if isinstance(what, str):
        return CATALOGUE.get(what) or _refuse_name(what)
    if not _is_event_class(what):
        message = (
            f"on() takes an event name or an event class, not {what!r}; write "
            '@hooks.on("invoice.created") or @hooks.on(events.InvoiceCreated)'
        )
        raise ConfigurationError(message)
    if not _event_names(what) and not _is_family(what):
        message = f'{what.__name__} names no event; give it event: Literal["the.type"]'
        raise ConfigurationError(message)
    return what


def _is_event_class(what: object) -> TypeGuard[type[Event]]:
    return isclass(what) and issubclass(what, Event)


def _is_family(what: type[Event]) -> bool:
    members: list[type[Event]] = [*CATALOGUE.values(), UnknownEvent]
    return any(issubclass(member, what) for member in members)


def _refuse_name(name: str) -> NoReturn:
    near = get_close_matches(name, CATALOGUE, n=1)
    advice = f"did you mean {near[0]!r}?" if near else f"the events are {', '.join(CATALOGUE)}"
    message = (
        f"there is no event {name!r}; {advice} (for a type that is not in the catalogue, "
        "use on_unknown)"
    )
    raise ConfigurationError(message)


def _event_names(model: type[Event]) -> tuple[str, ...]:
    names = get_args(model.model_fields["event"].annotation)
    return tuple(name for name in names if isinstance(name, str))


def _models(handlers: Sequence[Handler]) -> Mapping[str, type[Event]]:
    models = dict(CATALOGUE)
    for handler in handlers:
        for name in _event_names(handler.what):
            models[name] = _narrower(name, models.get(name, UnknownEvent), handler.what)
    return models


def _narrower(name: str, first: type[Event], second: type[Event]) -> type[Event]:
    """Give the class that derives from the other: the one that both handlers can take."""
    if issubclass(first, second):
        return first
    if issubclass(second, first):
        return second
    if first is UnknownEvent:
        message = (
            f"the catalogue has no event {name!r}; correct the name, or let {second.__name__} "
            "derive from UnknownEvent"
        )
        raise ConfigurationError(message)
    message = (
        f"{first.__name__} and {second.__name__} both claim to be the model of {name!r}; let "
        f"{second.__name__} derive from {first.__name__}"
    )
    raise ConfigurationError(message)
