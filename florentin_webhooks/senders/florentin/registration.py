"""The type of ``on()`` for Florentin's events: each name with the class of its event."""

from __future__ import annotations

from typing import Literal, Protocol, TypeVar, Unpack, overload

from florentin_webhooks.protocol.event import Event
from florentin_webhooks.protocol.registration import HandlerDecorator, OnOptions
from florentin_webhooks.senders.florentin.events import (
    AccountCreated,
    InvoiceCreated,
    SubscriptionCancelled,
    SubscriptionDowngraded,
    SubscriptionPurchased,
    SubscriptionUpgraded,
    TeamMemberAdded,
    TosAccepted,
    UsageMetricsUpdated,
    UserLogin,
)

__all__ = ["OnEvent"]

E = TypeVar("E", bound=Event)


class OnEvent(Protocol):
    """``on()`` as type checkers see it: a misspelt name is an error."""

    @overload
    def __call__(
        self, what: Literal["account.created"], /, **how: Unpack[OnOptions[AccountCreated]]
    ) -> HandlerDecorator[AccountCreated]: ...
    @overload
    def __call__(
        self, what: Literal["user.login"], /, **how: Unpack[OnOptions[UserLogin]]
    ) -> HandlerDecorator[UserLogin]: ...
    @overload
    def __call__(
        self,
        what: Literal["subscription.purchased"],
        /,
        **how: Unpack[OnOptions[SubscriptionPurchased]],
    ) -> HandlerDecorator[SubscriptionPurchased]: ...
    @overload
    def __call__(
        self,
        what: Literal["subscription.upgraded"],
        /,
        **how: Unpack[OnOptions[SubscriptionUpgraded]],
    ) -> HandlerDecorator[SubscriptionUpgraded]: ...
    @overload
    def __call__(
        self,
        what: Literal["subscription.downgraded"],
        /,
        **how: Unpack[OnOptions[SubscriptionDowngraded]],
    ) -> HandlerDecorator[SubscriptionDowngraded]: ...
    @overload
    def __call__(
        self,
        what: Literal["subscription.cancelled"],
        /,
        **how: Unpack[OnOptions[SubscriptionCancelled]],
    ) -> HandlerDecorator[SubscriptionCancelled]: ...
    @overload
    def __call__(
        self, what: Literal["invoice.created"], /, **how: Unpack[OnOptions[InvoiceCreated]]
    ) -> HandlerDecorator[InvoiceCreated]: ...
    @overload
    def __call__(
        self, what: Literal["team_member.added"], /, **how: Unpack[OnOptions[TeamMemberAdded]]
    ) -> HandlerDecorator[TeamMemberAdded]: ...
    @overload
    def __call__(
        self, what: Literal["tos.accepted"], /, **how: Unpack[OnOptions[TosAccepted]]
    ) -> HandlerDecorator[TosAccepted]: ...
    @overload
    def __call__(
        self,
        what: Literal["usage.metrics_updated"],
        /,
        **how: Unpack[OnOptions[UsageMetricsUpdated]],
    ) -> HandlerDecorator[UsageMetricsUpdated]: ...
    @overload
    def __call__(self, what: type[E], /, **how: Unpack[OnOptions[E]]) -> HandlerDecorator[E]: ...
