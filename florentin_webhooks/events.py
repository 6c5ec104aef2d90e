"""Florentin's ten events as types, for handlers to subscribe to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from florentin_webhooks.protocol.deprecation import renamed_names
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
    parse_event,
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
    "parse_event",
]

if not TYPE_CHECKING:
    __getattr__ = renamed_names(__name__, {"parse": "parse_event"})
