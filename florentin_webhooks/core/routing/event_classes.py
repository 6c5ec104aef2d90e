"""Which class an event name has, and what a registration may name."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from inspect import isclass
from typing import TYPE_CHECKING, NamedTuple, NoReturn, TypeGuard

from florentin_webhooks.core.routing.patterns import is_pattern, validate_name
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.protocol.event import Event, GenericEvent, UnknownEvent, event_names
from florentin_webhooks.protocol.suggestions import closest_match

if TYPE_CHECKING:
    from florentin_webhooks.core.routing.handler import Handler

__all__ = ["Catalogue", "Subscription", "collect_models", "resolve_subscription"]

_MISSPELT = 0.85
"""How like a documented name one must be to be taken for it: one letter of seven."""

_MORE = ".*"
"""The end of a documented name that is only the beginning of names."""

Catalogue = Mapping[str, type[Event]]


class Subscription(NamedTuple):
    """The class of events that a handler gets, or the *pattern* of their names."""

    event_class: type[Event]
    pattern: str = ""


def resolve_subscription(
    what: object, catalogue: Catalogue, *, is_open: bool, documented: Collection[str] = ()
) -> Subscription:
    """Return what a name or a class subscribes to; raises :class:`ConfigurationError`.

    *is_open*: the sender has events that are missing from the *catalogue*. A name that is almost
    one of the *documented* ones is taken for misspelt.
    """
    if isinstance(what, str):
        if what in catalogue:
            return Subscription(catalogue[what])
        if is_open:
            validate_name(what)
            _reject_misspelt(what, {*catalogue, *documented})
            return Subscription(Event, what)
        _reject_name(what, catalogue)
    if not _is_event_class(what):
        raise ConfigurationError(
            f"on() takes an event name or an event class, not {what!r}.",
            'Write @hooks.on("the.type") or @hooks.on(events.TheType).',
        )
    if not (event_names(what) or _is_family(what, catalogue) or (is_open and any(_members(what)))):
        raise ConfigurationError(
            f"{what.__name__} does not name an event.", 'Declare event: Literal["the.type"].'
        )
    return Subscription(what)


def _is_event_class(what: object) -> TypeGuard[type[Event]]:
    return isclass(what) and issubclass(what, Event)


def _is_family(what: type[Event], catalogue: Catalogue) -> bool:
    members: list[type[Event]] = [*catalogue.values(), UnknownEvent]
    return any(issubclass(member, what) for member in members)


def _members(family: type[Event]) -> Iterator[type[Event]]:
    """Yield the classes derived from *family* that name events."""
    for each in family.__subclasses__():
        if event_names(each):
            yield each
        yield from _members(each)


def _reject_misspelt(name: str, documented: Collection[str]) -> None:
    family, dot, rest = name.partition(".")
    families = {each.removesuffix(_MORE): each for each in documented}
    if f"{name}{_MORE}" in documented:
        raise ConfigurationError(
            f"No event is named {name!r} alone: a dot and a word follow.",
            f"Write {name + _MORE!r} for all of them, or the whole name of one.",
        )
    match = None if family in families else closest_match(family, families, _MISSPELT)
    if match is not None:
        meant = f"{match}.{rest}" if dot else families[match]
        raise ConfigurationError(
            f"There is no documented event {name!r}.",
            f"Did you mean {meant!r}? For one that is new, pass a class with event: Literal[...].",
        )


def _reject_name(name: str, catalogue: Catalogue) -> NoReturn:
    if is_pattern(name):
        raise ConfigurationError(
            f"There is no event {name!r}: this sender's events are classes.",
            "Pass the class of a family of events, or Event for all of them.",
        )
    match = closest_match(name, catalogue)
    known = f"Did you mean {match!r}?" if match else f"Use one of: {', '.join(catalogue)}."
    raise ConfigurationError(
        f"There is no event {name!r}.",
        f"{known} For a type that is missing from the catalogue, use on_unknown.",
    )


def collect_models(
    handlers: Sequence[Handler], catalogue: Catalogue, *, is_open: bool = False
) -> Catalogue:
    """Return the class of each event name: the catalogue's, or the one of a handler.

    *is_open*: a class may be that of any event, and a name may have none.
    """
    models = dict(catalogue)
    for handler in handlers:
        for model in _models_of(handler, is_open=is_open):
            for name in event_names(model):
                first = models.get(name, Event if is_open else UnknownEvent)
                models[name] = _most_specific(name, first, model)
    for handler in handlers:
        if handler.pattern and not is_pattern(handler.pattern):
            models.setdefault(handler.pattern, GenericEvent)
    return models


def _models_of(handler: Handler, *, is_open: bool) -> list[type[Event]]:
    model = handler.event_class
    # Every class is an event: for all of them, no class is the model.
    is_family = is_open and not event_names(model) and model not in (Event, UnknownEvent)
    return list(_members(model)) if is_family else [model]


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
