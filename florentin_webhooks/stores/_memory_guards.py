"""Keep in memory who may do what happens once, or only for the newest event."""

from __future__ import annotations

from dataclasses import dataclass

from florentin_webhooks.stores.working import Latest, Once, Permission, Permit, Step

__all__ = ["Guards"]

_SWEEP = 60.0
"""Seconds between two looks for what has expired."""


@dataclass(slots=True)
class _Guard:
    """Hold who is inside until when, and what was reached: a watermark, or that it is done."""

    token: bytes = b""
    until: float = 0
    watermark: int = -1
    done: bool = False
    expires: float = 0


class Guards:
    """Answer :class:`Once` and :class:`Latest`; times in seconds of the store's clock."""

    def __init__(self, keep: float) -> None:
        self._keep = keep
        self._guards: dict[tuple[bytes, str], _Guard] = {}
        self._swept = 0.0

    def permit(self, operation: Once | Latest, now: float) -> Permit:
        """Give what the one who asks may do."""
        self._forget(now)
        label = operation.label if isinstance(operation, Once) else ""
        key = operation.key if isinstance(operation, Once) else operation.entity
        guard = self._guards.setdefault((key, label), _Guard())
        guard.expires = now + self._keep
        if guard.done:
            return Permit(Permission.DONE)
        if operation.step is Step.BEGIN:
            return self._begin(guard, operation, now)
        if guard.token == operation.token:
            self._end(guard, operation)
        return Permit(Permission.RUN)

    def _begin(self, guard: _Guard, operation: Once | Latest, now: float) -> Permit:
        if isinstance(operation, Latest) and operation.timestamp < guard.watermark:
            return Permit(Permission.SUPERSEDED)
        if guard.token not in (b"", operation.token) and guard.until > now:
            return Permit(Permission.BUSY, guard.until - now)
        guard.token, guard.until = operation.token, now + operation.seconds
        return Permit(Permission.RUN)

    def _end(self, guard: _Guard, operation: Once | Latest) -> None:
        guard.token = b""
        if operation.step is not Step.DONE:
            return
        if isinstance(operation, Latest):
            guard.watermark = max(guard.watermark, operation.timestamp)
        else:
            guard.done = True

    def _forget(self, now: float) -> None:
        if now - self._swept < _SWEEP:
            return
        self._swept = now
        for key in [key for key, guard in self._guards.items() if guard.expires <= now]:
            del self._guards[key]
