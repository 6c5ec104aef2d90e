"""Describe the functions that handle events: their names, what they take, how they run."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from florentin_webhooks.errors import ConfigurationError

if TYPE_CHECKING:
    from florentin_webhooks.events import Event

__all__ = ["Function", "Handler", "describe", "is_async"]

Function = Callable[..., Any]
"""A handler as written: it takes (event) or (event, delivery), and what it gives is ignored."""

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


@dataclass(frozen=True, slots=True)
class Handler:
    """Hold a function with its stable *name* (``module:qualname``) and the event class it wants."""

    name: str
    function: Function
    what: type[Event]
    takes_delivery: bool
    is_async: bool


def describe(function: object, what: type[Event]) -> Handler:
    """Give the :class:`Handler` for *function*.

    Raises :class:`ConfigurationError` where it could not be called with an event.
    """
    name = _name(function)
    if not callable(function):
        message = f"{name} is not a function; put the decorator on a function"
        raise ConfigurationError(message)
    if _is_generator(function):
        message = f"{name} is a generator, whose body would never run; remove its yield"
        raise ConfigurationError(message)
    return Handler(name, function, what, _takes_delivery(name, function), is_async(function))


def is_async(function: object) -> bool:
    """Tell whether calling *function* gives a coroutine, also for partials and callable objects."""
    plain = _unwrap(function)
    return inspect.iscoroutinefunction(plain) or inspect.iscoroutinefunction(
        getattr(plain, "__call__", None)  # noqa: B004 - the method itself is looked at.
    )


def _is_generator(function: object) -> bool:
    plain = _unwrap(function)
    return inspect.isgeneratorfunction(plain) or inspect.isasyncgenfunction(plain)


def _unwrap(function: object) -> object:
    while isinstance(function, partial):
        function = function.func
    return function


def _name(function: object) -> str:
    plain = _unwrap(function)
    named = plain if hasattr(plain, "__qualname__") else type(plain)
    return f"{named.__module__}:{getattr(named, '__qualname__', '?')}"


def _takes_delivery(name: str, function: Function) -> bool:
    parameters = inspect.signature(function).parameters.values()
    positional = [each for each in parameters if each.kind in _POSITIONAL]
    required = [each for each in positional if each.default is each.empty]
    keyword = [e for e in parameters if e.kind is e.KEYWORD_ONLY and e.default is e.empty]
    collects = any(each.kind is each.VAR_POSITIONAL for each in parameters)
    takes_event = bool(positional) or collects
    if not takes_event or len(required) > 2 or keyword:  # noqa: PLR2004 - event and delivery.
        message = f"{name} must take (event) or (event, delivery); its parameters do not fit"
        raise ConfigurationError(message)
    return len(required) == 2 or [each.name for each in positional[1:2]] == ["delivery"]  # noqa: PLR2004
