"""Find the encoder of an operation by its type."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from florentin_webhooks.core.stores.accept import Accept, Finish
from florentin_webhooks.core.stores.guards import Latest, Once
from florentin_webhooks.core.stores.jobs import (
    ClaimJob,
    CountLostJobs,
    EnqueueScheduled,
    IndexStates,
    ListPendingJobs,
    RequeueLostJob,
)
from florentin_webhooks.core.stores.queries import (
    FindDeliveryId,
    FindFingerprints,
    GetRecord,
    ListDeadLetters,
    ListRecords,
    ResetRecord,
)
from florentin_webhooks.core.stores.trail import AppendTrail, ReadTrail
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.redis.codec.accept import accept, finish
from florentin_webhooks.redis.codec.deliveries import list_records
from florentin_webhooks.redis.codec.guards import latest, once
from florentin_webhooks.redis.codec.jobs import (
    claim_job,
    count_lost_jobs,
    enqueue_scheduled,
    list_pending_jobs,
    requeue_lost_job,
)
from florentin_webhooks.redis.codec.pages import find_fingerprints, list_dead_letters
from florentin_webhooks.redis.codec.queries import find_delivery_id, get_record, reset_record
from florentin_webhooks.redis.codec.state_index import index_states
from florentin_webhooks.redis.codec.trail import append_trail, read_trail
from florentin_webhooks.redis.schema import KeySchema, ScriptCall

if TYPE_CHECKING:
    from florentin_webhooks.core.stores.base import Operation

__all__ = ["encode"]

_ENCODERS: dict[type, Callable[[KeySchema, Any], ScriptCall]] = {  # Any: an operation of that type.
    Accept: accept,
    Finish: finish,
    ClaimJob: claim_job,
    RequeueLostJob: requeue_lost_job,
    ListPendingJobs: list_pending_jobs,
    IndexStates: index_states,
    CountLostJobs: count_lost_jobs,
    EnqueueScheduled: enqueue_scheduled,
    Once: once,
    Latest: latest,
    GetRecord: get_record,
    ListRecords: list_records,
    ResetRecord: reset_record,
    FindDeliveryId: find_delivery_id,
    FindFingerprints: find_fingerprints,
    ListDeadLetters: list_dead_letters,
    AppendTrail: append_trail,
    ReadTrail: read_trail,
}


def encode(schema: KeySchema, operation: Operation[Any]) -> ScriptCall:  # Any: of any answer.
    """Return the call of the script that executes *operation*, or that begins a search."""
    encoder = _ENCODERS.get(type(operation))
    if encoder is None:
        raise ConfigurationError(
            f"RedisStore does not support {type(operation).__name__}.", "Use another store."
        )
    return encoder(schema, operation)
