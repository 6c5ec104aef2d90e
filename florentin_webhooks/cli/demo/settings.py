"""Settings of the demonstration: much shorter times than usual."""

from __future__ import annotations

__all__ = [
    "API_VARIABLE",
    "APP",
    "DELAYS",
    "LOST_AFTER",
    "PROVIDER_PATH",
    "QUEUE",
    "STRIPE_PATH",
    "TARGET_VARIABLE",
    "TIMEOUT",
    "TOKEN_VARIABLE",
]

API_VARIABLE = "_FLORENTIN_DEMO_API"
TARGET_VARIABLE = "_FLORENTIN_DEMO_TARGET"
TOKEN_VARIABLE = "_FLORENTIN_DEMO_TOKEN"  # noqa: S105 - the variable's name.
PROVIDER_PATH = "/webhooks/provider"
"""Where the receiver of the local Florentin is mounted."""


APP = "florentin_webhooks.cli.demo.app:hooks"
QUEUE = "florentin"
STRIPE_PATH = "/webhooks/stripe"
"""Where the receiver of the second sender is mounted."""
DELAYS = (1, 1)
"""Seconds before each retry; usually five, from 5 s to 30 min."""
TIMEOUT = 4
"""Seconds that an event has in a worker; usually 60."""
LOST_AFTER = 3
"""Seconds without a heartbeat after which a worker counts as lost; usually 90."""
