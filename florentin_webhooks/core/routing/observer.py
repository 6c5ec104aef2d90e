"""Observers: functions of the program that are called with failures and dead deliveries."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from florentin_webhooks.core.routing.handler import Handler, function_name, is_async
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.protocol.event import Event

if TYPE_CHECKING:
    from florentin_webhooks.core.log import DeadDelivery, HandlerFailure

__all__ = ["DeathObserver", "FailureObserver", "build_observer"]

FailureObserver = TypeVar("FailureObserver", bound="Callable[[HandlerFailure], object]")
DeathObserver = TypeVar("DeathObserver", bound="Callable[[DeadDelivery], object]")


def build_observer(function: object) -> Handler:
    """Return *function* as a handler of what it observes.

    Raises :class:`ConfigurationError` where it cannot be called with one argument.
    """
    if not callable(function) or isinstance(function, type):
        raise ConfigurationError(
            f"The observer {function!r} is not a function.", "Decorate a function."
        )
    name = function_name(function)
    try:
        inspect.signature(function).bind(None)
    except (TypeError, ValueError):
        raise ConfigurationError(
            f"The observer {name} cannot be called with one argument.",
            "Let it take the failure, or the dead delivery.",
        ) from None
    return Handler(name, function, Event, takes_delivery=False, is_async=is_async(function))
