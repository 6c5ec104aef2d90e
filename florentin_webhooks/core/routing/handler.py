"""Handlers: functions with a stable name, the arguments they take, and how they run."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from florentin_webhooks.core.routing.annotations import check_annotations
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.protocol.event import event_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from florentin_webhooks.core.routing.items import HandledItem
    from florentin_webhooks.protocol.event import Event

__all__ = [
    "Function",
    "Handler",
    "HandlerOptions",
    "build_handler",
    "function_name",
    "is_async",
    "validate_queue_name",
]

Function = Callable[..., Any]
"""A handler as written: it takes (event) or (event, delivery); its result is ignored."""

_QUEUE_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


@dataclass(frozen=True, slots=True)
class HandlerOptions:
    """How a handler runs; see :meth:`Router.on`."""

    inline: bool = False
    queue: str | None = None
    latest: Callable[[Any], Hashable] | None = None  # Any: the event that the handler wants.
    atomic: bool = False
    is_plain: bool = field(init=False, repr=False, compare=False)
    """Whether nothing but its function runs: no high-water mark, and no transaction."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "is_plain", self.latest is None and not self.atomic)
        if self.queue is not None:
            validate_queue_name(self.queue)
        if self.inline and self.queue is not None:
            raise ConfigurationError(
                f"An inline handler cannot have a queue: {self.queue!r}.",
                "Remove queue or inline=True.",
            )
        if self.latest is not None and not _is_plain(self.latest):
            raise ConfigurationError(
                f"latest is not a plain function: {self.latest!r}.",
                "Pass a function of the event, as in lambda e: e.data.user.id.",
            )


DEFAULT_OPTIONS = HandlerOptions()


@dataclass(frozen=True, slots=True)
class Handler:
    """A function with its stable *name* (``module:qualname``) and the class of its events.

    *pattern* is the name or pattern that it is registered for, where that has no model. *item* is
    the one that it is called with, of a delivery that is a list.
    """

    name: str
    function: Function
    event_class: type[Event]
    takes_delivery: bool
    is_async: bool
    options: HandlerOptions = DEFAULT_OPTIONS
    pattern: str = ""
    item: HandledItem | None = None

    def names(self, event: str) -> bool:
        """Check whether it is registered for *event* by that name, not for several events."""
        return event == self.pattern or event in event_names(self.event_class)


def build_handler(
    function: object,
    what: type[Event],
    options: HandlerOptions = DEFAULT_OPTIONS,
    pattern: str = "",
) -> Handler:
    """Return the :class:`Handler` for *function*.

    Raises :class:`ConfigurationError` where it cannot be called with an event.
    """
    name = function_name(function)
    if isinstance(function, type):
        raise ConfigurationError(
            f"{name} is a class, not a function.", "Register an instance, or its method."
        )
    if not callable(function):
        raise ConfigurationError(f"{name} is not a function.", "Decorate a function.")
    if _is_generator(function):
        raise ConfigurationError(
            f"{name} is a generator, so its body would never run.", "Remove its yield."
        )
    takes_delivery = _takes_delivery(name, function)
    if not pattern:
        check_annotations(name, function, what)
    if options.atomic and is_async(function):
        raise ConfigurationError(
            f"{name} is async, and a transaction belongs to a thread.",
            "Write an atomic handler as a plain function.",
        )
    return Handler(name, function, what, takes_delivery, is_async(function), options, pattern)


def _is_plain(function: object) -> bool:
    return callable(function) and not is_async(function)


def validate_queue_name(name: object) -> None:
    """Raise :class:`ConfigurationError` for a name that cannot be part of a job's id."""
    if not isinstance(name, str) or not _QUEUE_NAME.fullmatch(name):
        raise ConfigurationError(
            f"The queue name {name!r} is invalid.",
            "Use at most 64 letters, digits, _ and -.",
        )


def is_async(function: object) -> bool:
    """Check whether *function* returns a coroutine, also for partials and callable objects."""
    return any(inspect.iscoroutinefunction(each) for each in _called(function))


def _is_generator(function: object) -> bool:
    return any(
        inspect.isgeneratorfunction(each) or inspect.isasyncgenfunction(each)
        for each in _called(function)
    )


def _called(function: object) -> tuple[object, object]:
    """Return what a call of *function* runs: itself, and the method that makes it callable."""
    plain = _plain(function)
    return plain, getattr(plain, "__call__", None)  # noqa: B004 - the method itself is inspected.


def _plain(function: object) -> object:
    while isinstance(function, partial | staticmethod):
        function = cast(
            "object", function.func if isinstance(function, partial) else function.__func__
        )
    return function


def function_name(function: object) -> str:
    """Return ``module:qualname`` of *function*."""
    plain = _plain(function)
    named = plain if hasattr(plain, "__qualname__") else type(plain)
    # A method of a builtin, such as seen.append, has no module.
    module = getattr(named, "__module__", None) or "builtins"
    return f"{module}:{getattr(named, '__qualname__', '?')}"


def _takes_delivery(name: str, function: Function) -> bool:
    """Check whether *function* takes (event, delivery), and not (event)."""
    parameters = _parameters(name, function)
    positional = [each for each in parameters if each.kind in _POSITIONAL]
    required = [each for each in positional if each.default is each.empty]
    keyword = [e for e in parameters if e.kind is e.KEYWORD_ONLY and e.default is e.empty]
    takes_event = bool(positional) or _collects(parameters)
    if positional and positional[0].name in ("self", "cls"):
        raise ConfigurationError(
            f"{name} is a method without its instance.", "Register the method of an instance."
        )
    if not takes_event or len(required) > 2 or keyword:  # noqa: PLR2004 - event and delivery.
        bare = [each.replace(annotation=each.empty, default=each.empty) for each in parameters]
        raise ConfigurationError(
            f"{name} takes {inspect.Signature(bare)}.",
            "A handler must take (event) or (event, delivery).",
        )
    return len(required) == 2 or [each.name for each in positional[1:2]] == ["delivery"]  # noqa: PLR2004


def _parameters(name: str, function: Function) -> Sequence[inspect.Parameter]:
    function = function.__func__ if isinstance(function, staticmethod) else function
    try:
        # A wrapper's own parameters count: it may pass more to the function that it wraps. Only
        # *args is open, and then the parameters of the wrapped function count.
        own = tuple(inspect.signature(function, follow_wrapped=False).parameters.values())
        if not _collects(own):
            return own
        return tuple(inspect.signature(function).parameters.values())
    except (ValueError, TypeError):  # Many builtins have no signature.
        raise ConfigurationError(
            f"Cannot inspect the signature of {name}.", "Wrap it in a function."
        ) from None


def _collects(parameters: Sequence[inspect.Parameter]) -> bool:
    return any(each.kind is each.VAR_POSITIONAL for each in parameters)
