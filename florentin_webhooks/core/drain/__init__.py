"""Drain a spool: pass its deliveries to the store, in order of arrival."""

from florentin_webhooks.core.drain.background import BackgroundDrain, drain_waiting
from florentin_webhooks.core.drain.one_pass import DrainReport, Terms, drain
from florentin_webhooks.core.drain.spool_owner import SpoolOwner
from florentin_webhooks.core.drain.waits import longest_wait, validate_spool

__all__ = [
    "BackgroundDrain",
    "DrainReport",
    "SpoolOwner",
    "Terms",
    "drain",
    "drain_waiting",
    "longest_wait",
    "validate_spool",
]
