"""Florentin's ten events as types: what a handler receives.

The envelope is documented; the payloads (:mod:`florentin_webhooks.senders.florentin.payloads`)
require documented fields only. Unknown fields are kept (``model_extra``), and the bytes
themselves are in ``Delivery.body``. Where you know more than this package, subclass an event with
a stricter ``data`` model and register your handler for that class.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from florentin_webhooks.protocol import event
from florentin_webhooks.protocol.event import Event, UnknownEvent
from florentin_webhooks.senders.florentin.payloads import (
    AccountData,
    InvoiceData,
    SubscriptionData,
    TeamMemberData,
    TosData,
    UsageData,
    UserData,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "CATALOGUE",
    "AccountCreated",
    "Event",
    "InvoiceCreated",
    "SubscriptionCancelled",
    "SubscriptionDowngraded",
    "SubscriptionEvent",
    "SubscriptionPurchased",
    "SubscriptionUpgraded",
    "TeamMemberAdded",
    "TosAccepted",
    "UnknownEvent",
    "UsageMetricsUpdated",
    "UserLogin",
    "parse_event",
]


class AccountCreated(Event):
    """A new account exists."""

    event: Literal["account.created"]
    data: AccountData


class UserLogin(Event):
    """A user logged in."""

    event: Literal["user.login"]
    data: UserData


class SubscriptionEvent(Event):
    """Base class of the four subscription events."""

    data: SubscriptionData


class SubscriptionPurchased(SubscriptionEvent):
    """A subscription was bought."""

    event: Literal["subscription.purchased"]


class SubscriptionUpgraded(SubscriptionEvent):
    """The plan went up."""

    event: Literal["subscription.upgraded"]


class SubscriptionDowngraded(SubscriptionEvent):
    """The plan went down."""

    event: Literal["subscription.downgraded"]


class SubscriptionCancelled(SubscriptionEvent):
    """A subscription was cancelled."""

    event: Literal["subscription.cancelled"]


class InvoiceCreated(Event):
    """An invoice was created."""

    event: Literal["invoice.created"]
    data: InvoiceData


class TeamMemberAdded(Event):
    """A member joined a team."""

    event: Literal["team_member.added"]
    data: TeamMemberData


class TosAccepted(Event):
    """Terms were accepted."""

    event: Literal["tos.accepted"]
    data: TosData


class UsageMetricsUpdated(Event):
    """Usage figures changed."""

    event: Literal["usage.metrics_updated"]
    data: UsageData


CATALOGUE: Mapping[str, type[Event]] = MappingProxyType(
    {
        "account.created": AccountCreated,
        "user.login": UserLogin,
        "subscription.purchased": SubscriptionPurchased,
        "subscription.upgraded": SubscriptionUpgraded,
        "subscription.downgraded": SubscriptionDowngraded,
        "subscription.cancelled": SubscriptionCancelled,
        "invoice.created": InvoiceCreated,
        "team_member.added": TeamMemberAdded,
        "tos.accepted": TosAccepted,
        "usage.metrics_updated": UsageMetricsUpdated,
    }
)
"""Every documented event type with its model, in the order of Florentin's documentation."""


def parse_event(envelope: Mapping[str, object], model: type[Event] | None = None) -> Event:
    """Return the typed event of an *envelope* (event, timestamp, data), by its own event name.

    *model* replaces the catalogue's class. Raises :class:`InvalidEvent`, which names fields and
    never their values.
    """
    name = str(envelope["event"])
    return event.parse_event(name, envelope, model or CATALOGUE.get(name, UnknownEvent))
