"""The settings of the demonstration: much shorter than usual, so that nobody falls asleep."""

from __future__ import annotations

__all__ = ["APP", "DELAYS", "LOST_AFTER", "QUEUE", "SECONDS"]

APP = "florentin_webhooks.cli.demo.app:hooks"
QUEUE = "florentin"
DELAYS = (1, 1)
"""Seconds before the second and the third attempt; usually five of them, 5 s to 30 min."""
SECONDS = 2
"""What an event has in a worker; usually 60 seconds."""
LOST_AFTER = 3
"""Seconds without a heartbeat after which a worker counts as lost; usually 90."""
