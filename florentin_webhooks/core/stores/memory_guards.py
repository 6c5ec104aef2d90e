"""Keep in memory who may do what happens once, or only for the newest event."""

from __future__ import annotations

from dataclasses import dataclass

from florentin_webhooks.core.stores.guards import GuardGrant, Latest, Once
from florentin_webhooks.core.stores.rules import GuardState, decide_guard

__all__ = ["Guards"]

_SWEEP = 60.0
"""Seconds between two looks for what has expired."""


@dataclass(slots=True)
class _Guard(GuardState):
    """Hold how long it is kept, too."""

    expires: float = 0


class Guards:
    """Answer :class:`OnceContext` and :class:`Latest`; times in seconds of the store's clock."""

    def __init__(self, keep: float) -> None:
        self._keep = keep
        self._guards: dict[tuple[bytes, str], _Guard] = {}
        self._swept = 0.0

    def permit(self, operation: Once | Latest, now: float) -> GuardGrant:
        """Give what the one who asks may do."""
        self._forget(now)
        label = operation.label if isinstance(operation, Once) else ""
        key = operation.key if isinstance(operation, Once) else operation.entity
        guard = self._guards.setdefault((key, label), _Guard())
        guard.expires = now + self._keep
        return decide_guard(guard, operation, now)

    def _forget(self, now: float) -> None:
        if now - self._swept < _SWEEP:
            return
        self._swept = now
        for key in [key for key, guard in self._guards.items() if guard.expires <= now]:
            del self._guards[key]
