"""Say which class stands for which event name, and what a registration may name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from inspect import isclass
from typing import TYPE_CHECKING, NoReturn, TypeGuard, get_args

from florentin_webhooks.core.suggestions import closest_match
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.senders.florentin.events import CATALOGUE, Event, UnknownEvent

if TYPE_CHECKING:
    from florentin_webhooks.core.routing.handler import Handler

__all__ = ["collect_models", "resolve_event_class"]


def resolve_event_class(what: object) -> type[Event]:
    """Give the class that *what*, a name or a class, stands for; raises ConfigurationError."""
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
    near = closest_match(name, CATALOGUE)
    advice = f"did you mean {near!r}?" if near else f"the events are {', '.join(CATALOGUE)}"
    message = (
        f"there is no event {name!r}; {advice} (for a type that is not in the catalogue, "
        "use on_unknown)"
    )
    raise ConfigurationError(message)


def _event_names(model: type[Event]) -> tuple[str, ...]:
    names = get_args(model.model_fields["event"].annotation)
    return tuple(name for name in names if isinstance(name, str))


def collect_models(handlers: Sequence[Handler]) -> Mapping[str, type[Event]]:
    """Give the class for each event name: the catalogue's, or one that a handler brings."""
    models = dict(CATALOGUE)
    for handler in handlers:
        for name in _event_names(handler.event_class):
            models[name] = _most_specific(name, models.get(name, UnknownEvent), handler.event_class)
    return models


def _most_specific(name: str, first: type[Event], second: type[Event]) -> type[Event]:
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
