"""The handler that the present code runs for, for programs that ask for it.

Nothing is recorded before the first program has asked, so that a delivery pays nothing for it.
"""

from __future__ import annotations

from collections import Counter
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from florentin_webhooks.core.processing.attempt import Attempt
    from florentin_webhooks.protocol.delivery import Delivery

__all__ = ["TRACKING", "HandlerScope", "current_scope", "run_in_scope"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class HandlerScope:
    """One attempt of *handler* with its *delivery*; *counts* are for what runs inside of it."""

    handler: str
    delivery: Delivery
    counts: Counter[str] = field(default_factory=Counter[str], repr=False)


class Tracking:
    """Whether scopes are recorded in this process."""

    __slots__ = ("is_enabled",)

    def __init__(self) -> None:
        self.is_enabled = False

    def enable(self) -> None:
        """Record the scope of each attempt that starts from now on."""
        self.is_enabled = True


TRACKING = Tracking()

_scope: ContextVar[HandlerScope | None] = ContextVar("handler_scope", default=None)


def current_scope() -> HandlerScope | None:
    """Return the scope of the handler that runs; None outside, and in threads of its own."""
    return _scope.get()


async def run_in_scope(attempt: Attempt, delivery: Delivery, key: str, trying: Awaitable[T]) -> T:
    """Return the result of *trying*, during which the scope is that of *attempt*.

    *key* is the fingerprint that its handler sees.
    """
    before = _scope.get()
    _scope.set(HandlerScope(attempt.handler.name, _seen_by(attempt, delivery, key)))
    try:
        return await trying
    finally:
        # Not by its token: a cancelled run may be closed in another context.
        _scope.set(before)


def _seen_by(attempt: Attempt, delivery: Delivery, key: str) -> Delivery:
    if attempt.handler.takes_delivery:
        return cast("Delivery", attempt.arguments[1])
    item = attempt.handler.item
    own = replace(delivery, fingerprint=key)
    return own if item is None else replace(own, event=item.name, item=item.index)
