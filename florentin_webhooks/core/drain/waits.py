"""How long a delivery may wait in a spool and still run safely.

A delivery that arrives while the store is away may be a retry, or a copy, of one that was handled
before. The store knows that one for its retention only, and time goes on while the store is away.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from florentin_webhooks.errors import ConfigurationError, StaleDelivery

if TYPE_CHECKING:
    from florentin_webhooks.core.stores.base import Store
    from florentin_webhooks.senders.base import Sender

__all__ = ["WaitedTooLong", "check_wait", "longest_wait", "validate_spool"]


class WaitedTooLong(StaleDelivery):
    """A delivery that waited so long that the store may have forgotten whether it ran."""

    def __init__(self, age: timedelta, limit: timedelta) -> None:
        super().__init__(age, limit)
        self.message = (
            f"It waited {_hours(age)} in the spool, and after {_hours(limit)} the store may have "
            "forgotten that it ran before."
        )
        self.args = (self.message,)
        self.hint = "Check whether it ran, then replay or discard it."


def longest_wait(store: Store, sender: Sender, window: timedelta) -> timedelta:
    """Return how long a delivery may wait, so that *store* still knows an earlier attempt.

    At arrival, an earlier attempt is at most *window* old where it has the same signed time. Where
    each attempt is signed again, or no time is signed, it is as old as the sender retries, and
    *sender* asks for twice that retention.
    """
    earlier = max(window, min(sender.retention, store.retention) / 2)
    return store.retention - earlier


def validate_spool(store: Store, sender: Sender, window: timedelta) -> None:
    """Raise :class:`ConfigurationError` if no delivery could wait in a spool."""
    if longest_wait(store, sender, window) <= timedelta():
        raise ConfigurationError(
            f"The store's retention ({store.retention}) is not longer than tolerance + leeway "
            f"({window}), so a delivery from the spool could run twice.",
            "Raise retention by the longest outage that the spool is for.",
        )


def check_wait(arrived: datetime, now: datetime, longest: timedelta) -> WaitedTooLong | None:
    """Return why a delivery that *arrived* then must not simply run, or None."""
    waited = now - arrived
    return WaitedTooLong(waited, longest) if waited > longest else None


def _hours(duration: timedelta) -> str:
    return f"{duration.total_seconds() / 3600:.1f} h"
