"""Encode guard operations as script calls and decode their answers."""

from __future__ import annotations

from florentin_webhooks.core.stores.guards import Latest, Once, Permission, Permit
from florentin_webhooks.redis.schema import Call, Layout, script

__all__ = [
    "latest",
    "once",
]

_ONCE = script("once")

_LATEST = script("latest")


def once(layout: Layout, operation: Once) -> Call:
    """Give the call that guards what is labelled."""
    lease = int(operation.seconds * 1000)
    arguments = (operation.label, operation.token, operation.step.value, lease, operation.part)
    return Call(_ONCE, (layout.record(operation.key),), arguments, _permit)


def latest(layout: Layout, operation: Latest) -> Call:
    """Give the call that guards an entity."""
    arguments = (
        operation.timestamp,
        operation.token,
        operation.step.value,
        int(operation.seconds * 1000),
        layout.keep,
    )
    return Call(_LATEST, (layout.entity(operation.entity),), arguments, _permit)


def _permit(answer: tuple[bytes, int]) -> Permit:
    permission, wait = answer
    return Permit(Permission(permission.decode()), wait / 1000)
