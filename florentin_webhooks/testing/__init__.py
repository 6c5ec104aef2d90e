"""A test kit: signed deliveries for your tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from florentin_webhooks.protocol.deprecation import renamed_names
from florentin_webhooks.testing.provider import Provider, SignedDelivery

__all__ = ["Provider", "SignedDelivery"]

if not TYPE_CHECKING:
    __getattr__ = renamed_names(__name__, {"Made": "SignedDelivery"})
