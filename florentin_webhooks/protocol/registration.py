"""The types of a registration: the options of ``on()`` and the decorator that it returns."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, Protocol, TypedDict, TypeVar, Unpack, overload

from florentin_webhooks.protocol.delivery import Delivery
from florentin_webhooks.protocol.event import Event

__all__ = ["HandlerDecorator", "OnAnyEvent", "OnOptions"]

E = TypeVar("E", bound=Event)
R = TypeVar("R")


class OnOptions(TypedDict, Generic[E], total=False):
    """The options of :meth:`Router.on`."""

    inline: bool
    queue: str | None
    latest: Callable[[E], Hashable] | None
    atomic: bool


class HandlerDecorator(Protocol[E]):
    """The decorator that :meth:`Router.on` returns; it keeps the type of the handler."""

    @overload
    def __call__(self, function: Callable[[E], R], /) -> Callable[[E], R]: ...
    @overload
    def __call__(self, function: Callable[[E, Delivery], R], /) -> Callable[[E, Delivery], R]: ...


class OnAnyEvent(Protocol):
    """``on()`` of senders without a catalogue: any name, a pattern, or a class of yours."""

    @overload
    def __call__(
        self, what: str, /, **how: Unpack[OnOptions[Event]]
    ) -> HandlerDecorator[Event]: ...
    @overload
    def __call__(self, what: type[E], /, **how: Unpack[OnOptions[E]]) -> HandlerDecorator[E]: ...
