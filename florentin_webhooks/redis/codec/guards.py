"""Encode guard operations as script calls and decode their answers."""

from __future__ import annotations

from florentin_webhooks.core.stores.guards import GuardDecision, GuardGrant, Latest, Once
from florentin_webhooks.redis.schema import KeySchema, ScriptCall, script

__all__ = [
    "latest",
    "once",
]

_ONCE = script("once")

_LATEST = script("latest")


def once(layout: KeySchema, operation: Once) -> ScriptCall:
    """Give the call that guards what is labelled."""
    lease = int(operation.seconds * 1000)
    arguments = (operation.label, operation.token, operation.step.value, lease, operation.part)
    return ScriptCall(_ONCE, (layout.record(operation.key),), arguments, _permit)


def latest(layout: KeySchema, operation: Latest) -> ScriptCall:
    """Give the call that guards an entity."""
    arguments = (
        operation.timestamp,
        operation.token,
        operation.step.value,
        int(operation.seconds * 1000),
        layout.keep,
    )
    return ScriptCall(_LATEST, (layout.entity(operation.entity),), arguments, _permit)


def _permit(answer: tuple[bytes, int]) -> GuardGrant:
    permission, wait = answer
    return GuardGrant(GuardDecision(permission.decode()), wait / 1000)
