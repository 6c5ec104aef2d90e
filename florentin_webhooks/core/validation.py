"""Refuse, when a receiver is built, what would lose or repeat deliveries later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from florentin_webhooks.errors import ConfigurationError

if TYPE_CHECKING:
    from datetime import timedelta

    from florentin_webhooks.core.queue import Queue
    from florentin_webhooks.core.stores.base import Store

__all__ = [
    "validate_job_support",
    "validate_lease",
    "validate_retention",
]


def validate_retention(store: Store, tolerance: timedelta, leeway: timedelta) -> None:
    """Raise :class:`ConfigurationError` where a replay could arrive fresh and be unknown."""
    if store.retention < tolerance + leeway:
        message = (
            f"the store's retention ({store.retention}) is shorter than tolerance + leeway "
            f"({tolerance + leeway}), so that a captured delivery could run twice; raise retention"
        )
        raise ConfigurationError(message)


def validate_lease(store: Store, timeout: timedelta) -> None:
    """Raise :class:`ConfigurationError` where two processes could run one handler at a time."""
    if store.lease <= timeout:
        message = (
            f"the store's lease ({store.lease}) is not longer than a handler's timeout "
            f"({timeout}); raise the lease or lower the timeout"
        )
        raise ConfigurationError(message)


def validate_job_support(store: Store, queue: Queue | None) -> None:
    """Raise :class:`ConfigurationError` where remembering and queueing could not be one step."""
    if queue is not None and not store.supports_jobs:
        message = (
            f"{type(store).__name__} cannot push jobs in the step that remembers a delivery; pass "
            "store=RedisStore(url) with a queue"
        )
        raise ConfigurationError(message)
