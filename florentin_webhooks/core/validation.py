"""Checks of a receiver as a whole: what would lose or repeat deliveries is refused at start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from florentin_webhooks.errors import ConfigurationError

if TYPE_CHECKING:
    from datetime import timedelta

    from florentin_webhooks.core.queue import Queue
    from florentin_webhooks.core.stores.base import Store

__all__ = ["validate_job_support", "validate_store"]


def validate_store(
    store: Store, queue: Queue | None, window: timedelta, timeout: timedelta
) -> None:
    """Raise :class:`ConfigurationError` if *store* could lose or repeat deliveries.

    *window* is the time in which a delivery is accepted, *timeout* that of a handler.
    """
    _validate_retention(store, window)
    _validate_lease(store, timeout)
    validate_job_support(store, queue)


def _validate_retention(store: Store, window: timedelta) -> None:
    # A replay could arrive fresh and be unknown.
    if store.retention < window:
        raise ConfigurationError(
            f"The store's retention ({store.retention}) is shorter than tolerance + leeway "
            f"({window}).",
            "Raise retention: a captured delivery could run twice.",
        )


def _validate_lease(store: Store, timeout: timedelta) -> None:
    # Two processes could run one handler at a time.
    if store.lease <= timeout:
        raise ConfigurationError(
            f"The store's lease ({store.lease}) is not longer than a handler's timeout "
            f"({timeout}).",
            "Raise lease, or lower timeout.",
        )


def validate_job_support(store: Store, queue: Queue | None) -> None:
    """Raise :class:`ConfigurationError` if recording and queueing could not be one step."""
    if queue is not None and not store.supports_jobs:
        raise ConfigurationError(
            f"{type(store).__name__} cannot push jobs in the step that records a delivery.",
            "Use a Redis store with a queue, or remove the queue.",
        )
