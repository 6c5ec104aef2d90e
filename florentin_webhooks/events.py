"""Florentin's ten events as types, for handlers to subscribe to."""

from florentin_webhooks.senders.florentin.events import (
    CATALOGUE,
    AccountCreated,
    Event,
    InvoiceCreated,
    SubscriptionCancelled,
    SubscriptionDowngraded,
    SubscriptionEvent,
    SubscriptionPurchased,
    SubscriptionUpgraded,
    TeamMemberAdded,
    TosAccepted,
    UnknownEvent,
    UsageMetricsUpdated,
    UserLogin,
    parse,
)

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
    "parse",
]
