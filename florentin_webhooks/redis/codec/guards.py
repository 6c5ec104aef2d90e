"""Encode guard operations as script calls and decode their answers."""

from __future__ import annotations

from florentin_webhooks.core.stores.guards import (
    GuardDecision,
    GuardGrant,
    GuardStep,
    Latest,
    Once,
)
from florentin_webhooks.redis.schema import KeySchema, ScriptCall, load_script

__all__ = [
    "latest",
    "once",
]

_ONCE = load_script("once")
_LATEST = load_script("latest")


def once(schema: KeySchema, operation: Once) -> ScriptCall:
    """Encode :class:`Once`."""
    lease = int(operation.seconds * 1000)
    arguments = (operation.label, operation.token, operation.step.value, lease, operation.part)
    call = ScriptCall(_ONCE, (schema.record(operation.key),), arguments, _to_grant)
    is_record = bool(schema.replicas) and operation.step is GuardStep.DONE
    return call._replace(is_record=True) if is_record else call


def latest(schema: KeySchema, operation: Latest) -> ScriptCall:
    """Encode :class:`Latest`."""
    arguments = (
        operation.timestamp,
        operation.token,
        operation.step.value,
        int(operation.seconds * 1000),
        schema.unfinished_retention,
    )
    keys = tuple(schema.entity(each) for each in (operation.entity, *operation.aliases))
    return ScriptCall(_LATEST, keys, arguments, _to_grant)


def _to_grant(answer: tuple[bytes, int]) -> GuardGrant:
    decision, wait = answer
    return GuardGrant(GuardDecision(decision.decode()), wait / 1000)
