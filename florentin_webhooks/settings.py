"""Refuse, when a receiver is built, what would lose or repeat deliveries later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.signatures import MINIMUM_SECRET, Secrets, named_secrets, shown_name

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from florentin_webhooks.handlers import Handler
    from florentin_webhooks.queues import Queue
    from florentin_webhooks.stores import Store

__all__ = [
    "refuse_forgetful",
    "refuse_main",
    "refuse_queueless",
    "refuse_short_lease",
    "refuse_unimportable",
    "refuse_untransactional",
    "refuse_weak",
]


def refuse_weak(secrets: Secrets) -> None:
    """Raise :class:`ConfigurationError` for a short secret, or one that was copied with a space."""
    for name, secret in named_secrets(secrets):
        shown = shown_name(name)
        if secret != secret.strip():
            message = f"{shown} has white space around it; was it read from a file with a newline?"
            raise ConfigurationError(message)
        if len(secret) < MINIMUM_SECRET:
            message = (
                f"{shown} has {len(secret)} bytes, fewer than {MINIMUM_SECRET}; use a longer one "
                "(try: florentin-webhooks secret new)"
            )
            raise ConfigurationError(message)


def refuse_forgetful(store: Store, tolerance: timedelta, leeway: timedelta) -> None:
    """Raise :class:`ConfigurationError` where a replay could arrive fresh and be unknown."""
    if store.retention < tolerance + leeway:
        message = (
            f"the store's retention ({store.retention}) is shorter than tolerance + leeway "
            f"({tolerance + leeway}), so that a captured delivery could run twice; raise retention"
        )
        raise ConfigurationError(message)


def refuse_short_lease(store: Store, timeout: timedelta) -> None:
    """Raise :class:`ConfigurationError` where two processes could run one handler at a time."""
    if store.lease <= timeout:
        message = (
            f"the store's lease ({store.lease}) is not longer than a handler's timeout "
            f"({timeout}); raise the lease or lower the timeout"
        )
        raise ConfigurationError(message)


def refuse_queueless(store: Store, queue: Queue | None) -> None:
    """Raise :class:`ConfigurationError` where remembering and queueing could not be one step."""
    if queue is not None and not store.queues:
        message = (
            f"{type(store).__name__} cannot push jobs in the step that remembers a delivery; pass "
            "store=RedisStore(url) with a queue"
        )
        raise ConfigurationError(message)


def refuse_untransactional(handler: Handler, store: Store) -> None:
    """Raise :class:`ConfigurationError` for an atomic handler whose store has no transactions."""
    if handler.atomic and not store.transactions:
        message = (
            f"{handler.name} is registered with atomic=True, and {type(store).__name__} has no "
            "transaction to run it in; pass store=DjangoStore(), or guard with delivery.once()"
        )
        raise ConfigurationError(message)


def refuse_unimportable(handler: Handler, queue: Queue | None) -> None:
    """Raise :class:`ConfigurationError` for a queued handler that no worker could find again."""
    if queue is not None and not handler.inline and "<" in handler.name:
        message = (
            f"{handler.name} is no function of a module, so workers cannot import it; move it to "
            "the top of a module, or register it with inline=True"
        )
        raise ConfigurationError(message)


def refuse_main(handlers: Sequence[Handler]) -> None:
    """Raise :class:`ConfigurationError` for a queued handler in the program that was started.

    Not when it is registered: a module may be started for something else than to receive.
    """
    for handler in handlers:
        if handler.name.startswith("__main__:") and not handler.inline:
            message = (
                f"{handler.name} stands in the program that was started, which workers know by "
                "another name; move it to a module of its own, or register it with inline=True"
            )
            raise ConfigurationError(message)
