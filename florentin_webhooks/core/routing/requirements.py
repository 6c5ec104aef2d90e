"""What handlers require of their receiver and their module, checked before deliveries arrive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from florentin_webhooks.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from florentin_webhooks.core.queue import Queue
    from florentin_webhooks.core.routing.handler import Handler
    from florentin_webhooks.core.stores.base import Store

__all__ = ["reject_main", "require_importable", "require_queue", "require_transactions"]


def require_transactions(handler: Handler, store: Store) -> None:
    """Raise :class:`ConfigurationError` for an atomic handler whose store has no transactions."""
    if handler.options.atomic and not store.supports_transactions:
        raise ConfigurationError(
            f"{handler.name} has atomic=True, and {type(store).__name__} has no transactions.",
            "Use DjangoStore(), or guard the effect with delivery.once().",
        )


def require_importable(handler: Handler, queue: Queue | None) -> None:
    """Raise :class:`ConfigurationError` for a queued handler that workers cannot import."""
    if queue is not None and not handler.options.inline and "<" in handler.name:
        raise ConfigurationError(
            f"{handler.name} is not at the top of a module, so workers cannot import it.",
            "Move it there, or register it with inline=True.",
        )


def require_queue(handler: Handler, queue: Queue | None) -> None:
    """Raise :class:`ConfigurationError` for a handler with a queue, in a receiver without one."""
    if handler.options.queue is not None and queue is None:
        raise ConfigurationError(
            f"{handler.name} has queue={handler.options.queue!r}, and the receiver has no queue.",
            "Pass queue=RQQueue(...) to the receiver, or remove queue from the handler.",
        )


def reject_main(handlers: Sequence[Handler]) -> None:
    """Raise :class:`ConfigurationError` for a queued handler that is defined in ``__main__``.

    Not at its registration: the program may have been started for another purpose.
    """
    for handler in handlers:
        if handler.name.startswith("__main__:") and not handler.options.inline:
            raise ConfigurationError(
                f"{handler.name} is defined in __main__, so workers cannot import it.",
                "Move it to a module of its own, or register it with inline=True.",
            )
