"""Compare what a handler's annotations say with what it is called with."""

from __future__ import annotations

import inspect
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.protocol.delivery import Delivery
from florentin_webhooks.protocol.event import Event, event_names

__all__ = ["check_annotations"]


def check_annotations(name: str, function: Any, what: type[Event]) -> None:  # Any: a function.
    """Raise :class:`ConfigurationError` where *function* cannot take the events of *what*.

    An annotation that cannot be evaluated at run time is not checked.
    """
    event, delivery = _first_two(function)
    if not _may_take(event, what):
        wanted = what.__name__
        raise ConfigurationError(
            f"{name} is registered for {wanted}, and its argument is annotated {_shown(event)}.",
            f"Annotate it {wanted}, or register it for the event that it takes.",
        )
    if not _may_take(delivery, Delivery):
        raise ConfigurationError(
            f"{name} gets a Delivery second, and that argument is annotated {_shown(delivery)}.",
            "Annotate it Delivery.",
        )


def _first_two(function: Any) -> tuple[object, object]:  # Any: as above.
    """Return the annotations of the first two required positional parameters."""
    plain = function.__func__ if isinstance(function, staticmethod) else function
    try:
        parameters = inspect.signature(plain, follow_wrapped=False, eval_str=True).parameters
    except Exception:  # noqa: BLE001 - an annotation is code of the user's, and may raise anything.
        return object, object
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    taken = [each for each in parameters.values() if each.kind in kinds]
    known = [object if each.annotation is each.empty else each.annotation for each in taken]
    # A second parameter with a default is the handler's own, unless it is called delivery.
    second = taken[1:2] and (taken[1].default is taken[1].empty or taken[1].name == "delivery")
    event, delivery, *_ = [*known, object, object]
    return event, delivery if second else object


def _may_take(annotation: object, actual: type) -> bool:
    classes = _classes(annotation)
    if classes is None or any(issubclass(actual, each) for each in classes):
        return True
    if not issubclass(actual, Event):
        return False
    narrower = [each for each in classes if issubclass(each, actual)]
    # Another handler may register the narrower class as the event's model. Of a family, several
    # classes together may be all of it.
    return bool(narrower) and (bool(event_names(actual)) or len(narrower) > 1)


def _classes(annotation: object) -> tuple[type, ...] | None:
    """Return the classes that *annotation* allows, or None if it cannot be judged."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _classes(get_args(annotation)[0])
    if origin in (Union, UnionType):
        parts = [_classes(each) for each in get_args(annotation)]
        known = [each for each in parts if each is not None]
        return None if len(known) < len(parts) else tuple(each for part in known for each in part)
    found = origin or annotation
    if found is Any:
        return (object,)
    if not isinstance(found, type) or getattr(found, "_is_protocol", False):
        return None
    return (found,)


def _shown(annotation: object) -> str:
    return annotation.__name__ if isinstance(annotation, type) else str(annotation)
