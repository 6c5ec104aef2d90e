"""Which class an event name has, and what a registration may name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from inspect import isclass
from typing import TYPE_CHECKING, NoReturn, TypeGuard

from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.protocol.event import Event, UnknownEvent, event_names
from florentin_webhooks.protocol.suggestions import closest_match

if TYPE_CHECKING:
    from florentin_webhooks.core.routing.handler import Handler

__all__ = ["Catalogue", "collect_models", "resolve_event_class"]

Catalogue = Mapping[str, type[Event]]


def resolve_event_class(what: object, catalogue: Catalogue) -> type[Event]:
    """Return the class of *what*, a name or a class; raises :class:`ConfigurationError`."""
    if isinstance(what, str):
        return catalogue.get(what) or _reject_name(what, catalogue)
    if not _is_event_class(what):
        raise ConfigurationError(
            f"on() takes an event name or an event class, not {what!r}.",
            'Write @hooks.on("the.type") or @hooks.on(events.TheType).',
        )
    if not event_names(what) and not _is_family(what, catalogue):
        raise ConfigurationError(
            f"{what.__name__} does not name an event.", 'Declare event: Literal["the.type"].'
        )
    return what


def _is_event_class(what: object) -> TypeGuard[type[Event]]:
    return isclass(what) and issubclass(what, Event)


def _is_family(what: type[Event], catalogue: Catalogue) -> bool:
    members: list[type[Event]] = [*catalogue.values(), UnknownEvent]
    return any(issubclass(member, what) for member in members)


def _reject_name(name: str, catalogue: Catalogue) -> NoReturn:
    match = closest_match(name, catalogue)
    known = f"Did you mean {match!r}?" if match else f"Use one of: {', '.join(catalogue)}."
    raise ConfigurationError(
        f"There is no event {name!r}.",
        f"{known} For a type that is missing from the catalogue, use on_unknown.",
    )


def collect_models(handlers: Sequence[Handler], catalogue: Catalogue) -> Catalogue:
    """Return the class of each event name: the catalogue's, or the one of a handler."""
    models = dict(catalogue)
    for handler in handlers:
        for name in event_names(handler.event_class):
            models[name] = _most_specific(name, models.get(name, UnknownEvent), handler.event_class)
    return models


def _most_specific(name: str, first: type[Event], second: type[Event]) -> type[Event]:
    """Return the class that derives from the other: both handlers can take it."""
    if issubclass(first, second):
        return first
    if issubclass(second, first):
        return second
    if first is UnknownEvent:
        raise ConfigurationError(
            f"The catalogue has no event {name!r}.",
            f"Correct the name, or derive {second.__name__} from UnknownEvent.",
        )
    raise ConfigurationError(
        f"{first.__name__} and {second.__name__} are both registered as the model of {name!r}.",
        f"Derive {second.__name__} from {first.__name__}.",
    )
