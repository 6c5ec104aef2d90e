"""The type of ``on()`` for the messages of SNS: a misspelt name is an error of the types."""

from __future__ import annotations

from typing import Literal, Protocol, TypeVar, Unpack, overload

from florentin_webhooks.protocol.event import Event
from florentin_webhooks.protocol.registration import HandlerDecorator, OnOptions
from florentin_webhooks.senders.services.sns_events import (
    Notification,
    SubscriptionConfirmation,
    UnsubscribeConfirmation,
)

__all__ = ["OnSNSMessage"]

E = TypeVar("E", bound=Event)


class OnSNSMessage(Protocol):
    """``on()`` as type checkers see it."""

    @overload
    def __call__(
        self, what: Literal["Notification"], /, **how: Unpack[OnOptions[Notification]]
    ) -> HandlerDecorator[Notification]: ...
    @overload
    def __call__(
        self,
        what: Literal["SubscriptionConfirmation"],
        /,
        **how: Unpack[OnOptions[SubscriptionConfirmation]],
    ) -> HandlerDecorator[SubscriptionConfirmation]: ...
    @overload
    def __call__(
        self,
        what: Literal["UnsubscribeConfirmation"],
        /,
        **how: Unpack[OnOptions[UnsubscribeConfirmation]],
    ) -> HandlerDecorator[UnsubscribeConfirmation]: ...
    @overload
    def __call__(self, what: type[E], /, **how: Unpack[OnOptions[E]]) -> HandlerDecorator[E]: ...
