"""Guards in memory: for blocks that run once, or only for the newest event."""

from __future__ import annotations

from dataclasses import dataclass

from florentin_webhooks.core.stores.guards import GuardDecision, GuardGrant, GuardStep, Latest, Once
from florentin_webhooks.core.stores.rules import GuardState, decide_guard

__all__ = ["MemoryGuards"]

_SWEEP = 60.0
"""Seconds between two searches for expired guards."""


@dataclass(slots=True)
class _ExpiringGuardState(GuardState):
    """A guard's state and when it expires."""

    expires_at: float = 0


class MemoryGuards:
    """The guards of a store; times in seconds of its clock."""

    def __init__(self, retention: float) -> None:
        self._retention = retention
        self._guards: dict[tuple[bytes, str], _ExpiringGuardState] = {}
        self._swept = 0.0

    def decide(self, operation: Once | Latest, now: float) -> GuardGrant:
        """Decide whether the caller may run the guarded block."""
        self._drop_expired(now)
        label = operation.label if isinstance(operation, Once) else ""
        key = operation.key if isinstance(operation, Once) else operation.entity
        if isinstance(operation, Latest) and self._is_superseded(operation):
            return GuardGrant(GuardDecision.SUPERSEDED)
        guard = self._guards.setdefault((key, label), _ExpiringGuardState())
        guard.expires_at = now + self._retention
        return decide_guard(guard, operation, now)

    def drop(self, key: bytes) -> None:
        """Drop the guards of the delivery *key*."""
        for guard in [guard for guard in self._guards if guard[0] == key and guard[1]]:
            del self._guards[guard]

    def _is_superseded(self, latest: Latest) -> bool:
        marks = (self._guards.get((alias, "")) for alias in latest.aliases)
        newest = max((mark.watermark for mark in marks if mark), default=-1)
        return latest.step is GuardStep.BEGIN and latest.timestamp < newest

    def _drop_expired(self, now: float) -> None:
        if now - self._swept < _SWEEP:
            return
        self._swept = now
        for key in [key for key, guard in self._guards.items() if guard.expires_at <= now]:
            del self._guards[key]
