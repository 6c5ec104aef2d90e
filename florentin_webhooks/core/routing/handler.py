"""Describe the functions that handle events: their names, what they take, how they run."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from florentin_webhooks.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from florentin_webhooks.core.queue import Queue
    from florentin_webhooks.core.stores.base import Store
    from florentin_webhooks.senders.florentin.events import Event

__all__ = [
    "Function",
    "Handler",
    "HandlerOptions",
    "build_handler",
    "is_async",
    "refuse_main",
    "refuse_unimportable",
    "refuse_untransactional",
    "validate_queue_name",
]

Function = Callable[..., Any]
"""A handler as written: it takes (event) or (event, delivery), and what it gives is ignored."""

_QUEUE_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


@dataclass(frozen=True, slots=True)
class HandlerOptions:
    """Hold how a handler is to run; see :meth:`Router.on`."""

    inline: bool = False
    queue: str | None = None
    latest: Callable[[Any], Hashable] | None = None  # Any: the event that the handler wants.
    atomic: bool = False

    def __post_init__(self) -> None:
        if self.queue is not None:
            validate_queue_name(self.queue)
        if self.inline and self.queue is not None:
            message = f"an inline handler runs in no queue; drop inline=True or {self.queue!r}"
            raise ConfigurationError(message)
        if self.latest is not None and not _is_plain(self.latest):
            message = "latest is a plain function of the event, as in lambda e: e.data.user.id"
            raise ConfigurationError(message)


DEFAULT_OPTIONS = HandlerOptions()


@dataclass(frozen=True, slots=True)
class Handler:
    """Hold a function with its stable *name* (``module:qualname``) and the event class it wants."""

    name: str
    function: Function
    event_class: type[Event]
    takes_delivery: bool
    is_async: bool
    options: HandlerOptions

    @property
    def inline(self) -> bool:
        """Whether it runs before the sender is answered, also where there is a queue."""
        return self.options.inline

    @property
    def queue(self) -> str | None:
        """The queue that it runs in, where it names one of its own."""
        return self.options.queue

    @property
    def latest(self) -> Callable[[Any], Hashable] | None:  # Any: the event that it wants.
        """What gives the entity of an event, where only the newest event of each is wanted."""
        return self.options.latest

    @property
    def atomic(self) -> bool:
        """Whether it runs in the transaction that records its end."""
        return self.options.atomic


def build_handler(
    function: object, what: type[Event], options: HandlerOptions = DEFAULT_OPTIONS
) -> Handler:
    """Give the :class:`Handler` for *function*.

    Raises :class:`ConfigurationError` where it could not be called with an event.
    """
    name = _name(function)
    if isinstance(function, type):
        message = f"{name} is a class, not a function; register an instance, or its method"
        raise ConfigurationError(message)
    if not callable(function):
        message = f"{name} is not a function; put the decorator on a function"
        raise ConfigurationError(message)
    if _is_generator(function):
        message = f"{name} is a generator, whose body would never run; remove its yield"
        raise ConfigurationError(message)
    takes_delivery = _takes_delivery(name, function)
    if options.atomic and is_async(function):
        message = (
            f"{name} is async, and transactions belong to a thread; an atomic handler is a plain "
            "function"
        )
        raise ConfigurationError(message)
    return Handler(name, function, what, takes_delivery, is_async(function), options)


def _is_plain(function: object) -> bool:
    return callable(function) and not is_async(function)


def validate_queue_name(name: object) -> None:
    """Raise :class:`ConfigurationError` for what cannot be part of a job's id."""
    if not isinstance(name, str) or not _QUEUE_NAME.fullmatch(name):
        message = f"the queue name {name!r} must consist of letters, digits, _ and -, 64 at most"
        raise ConfigurationError(message)


def is_async(function: object) -> bool:
    """Tell whether calling *function* gives a coroutine, also for partials and callable objects."""
    return any(inspect.iscoroutinefunction(each) for each in _called(function))


def _is_generator(function: object) -> bool:
    return any(
        inspect.isgeneratorfunction(each) or inspect.isasyncgenfunction(each)
        for each in _called(function)
    )


def _called(function: object) -> tuple[object, object]:
    """Give what is called when *function* is: itself, and the method that makes it callable."""
    plain = _plain(function)
    return plain, getattr(plain, "__call__", None)  # noqa: B004 - the method itself is looked at.


def _plain(function: object) -> object:
    while isinstance(function, partial | staticmethod):
        function = cast(
            "object", function.func if isinstance(function, partial) else function.__func__
        )
    return function


def _name(function: object) -> str:
    plain = _plain(function)
    named = plain if hasattr(plain, "__qualname__") else type(plain)
    # A method of a builtin, such as seen.append, has no module.
    module = getattr(named, "__module__", None) or "builtins"
    return f"{module}:{getattr(named, '__qualname__', '?')}"


def _takes_delivery(name: str, function: Function) -> bool:
    """Tell whether *function* takes (event, delivery), and not (event)."""
    parameters = _parameters(name, function)
    positional = [each for each in parameters if each.kind in _POSITIONAL]
    required = [each for each in positional if each.default is each.empty]
    keyword = [e for e in parameters if e.kind is e.KEYWORD_ONLY and e.default is e.empty]
    takes_event = bool(positional) or _collects(parameters)
    if positional and positional[0].name in ("self", "cls"):
        message = f"{name} is a method without its instance; register the method of an instance"
        raise ConfigurationError(message)
    if not takes_event or len(required) > 2 or keyword:  # noqa: PLR2004 - event and delivery.
        bare = [each.replace(annotation=each.empty, default=each.empty) for each in parameters]
        message = (
            f"{name} takes {inspect.Signature(bare)}; a handler takes (event) or (event, delivery)"
        )
        raise ConfigurationError(message)
    return len(required) == 2 or [each.name for each in positional[1:2]] == ["delivery"]  # noqa: PLR2004


def _parameters(name: str, function: Function) -> Sequence[inspect.Parameter]:
    function = function.__func__ if isinstance(function, staticmethod) else function
    try:
        # A wrapper's own parameters count: it may hand more on to what it wraps. Only *args says
        # nothing, and then what it wraps does.
        own = tuple(inspect.signature(function, follow_wrapped=False).parameters.values())
        if not _collects(own):
            return own
        return tuple(inspect.signature(function).parameters.values())
    except (ValueError, TypeError):  # Many builtins do not tell.
        message = f"{name} does not tell what it takes; register a function that calls it"
        raise ConfigurationError(message) from None


def _collects(parameters: Sequence[inspect.Parameter]) -> bool:
    return any(each.kind is each.VAR_POSITIONAL for each in parameters)


def refuse_untransactional(handler: Handler, store: Store) -> None:
    """Raise :class:`ConfigurationError` for an atomic handler whose store has no transactions."""
    if handler.atomic and not store.supports_transactions:
        message = (
            f"{handler.name} is registered with atomic=True, and {type(store).__name__} has no "
            "transaction to run it in; pass store=DjangoStore(), or guard with delivery.once()"
        )
        raise ConfigurationError(message)


def refuse_unimportable(handler: Handler, queue: Queue | None) -> None:
    """Raise :class:`ConfigurationError` for a queued handler that no worker could find again."""
    if queue is not None and not handler.inline and "<" in handler.name:
        message = (
            f"{handler.name} is no function of a module, so workers cannot import it; move it to "
            "the top of a module, or register it with inline=True"
        )
        raise ConfigurationError(message)


def refuse_main(handlers: Sequence[Handler]) -> None:
    """Raise :class:`ConfigurationError` for a queued handler in the program that was started.

    Not when it is registered: a module may be started for something else than to receive.
    """
    for handler in handlers:
        if handler.name.startswith("__main__:") and not handler.inline:
            message = (
                f"{handler.name} stands in the program that was started, which workers know by "
                "another name; move it to a module of its own, or register it with inline=True"
            )
            raise ConfigurationError(message)
