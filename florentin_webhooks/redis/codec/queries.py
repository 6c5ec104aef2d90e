"""Encode the queries of operators as script calls and decode their answers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from florentin_webhooks.core.stores.base import NO_DELIVERY, State
from florentin_webhooks.core.stores.queries import (
    FindDeliveryId,
    GetRecord,
    Record,
    ResetRecord,
)
from florentin_webhooks.redis.codec.follow_up import FollowUp
from florentin_webhooks.redis.codec.job_words import job_args, job_keys
from florentin_webhooks.redis.codec.records import to_record
from florentin_webhooks.redis.schema import (
    KeySchema,
    ScriptCall,
    ignore_answer,
    join_scripts,
    load_script,
)

if TYPE_CHECKING:
    from florentin_webhooks.core.queue import JobKeys

__all__ = [
    "find_delivery_id",
    "get_record",
    "probe",
    "reset_record",
]

_FIND_DELIVERY_ID = load_script("find_delivery_id")
_GET_RECORD = load_script("get_record")
_PROBE = join_scripts(["probe"])
_RESET_RECORD = load_script("reset_record")


def get_record(schema: KeySchema, operation: GetRecord) -> ScriptCall:
    """Encode :class:`GetRecord`."""
    return _get_record(schema, operation.key)


def _get_record(schema: KeySchema, key: bytes, *, leads: bool = True) -> ScriptCall:
    arguments = (key, int(leads))
    return ScriptCall(_GET_RECORD, (schema.record(key),), arguments, _to_record_or_none)


def probe(schema: KeySchema, *, writes: bool) -> ScriptCall:
    """Return a call that changes nothing; with *writes*, a server refuses it as a delivery."""
    if writes:
        return ScriptCall(_PROBE, (schema.prefix + b"probe",), (), ignore_answer)
    return _get_record(schema, NO_DELIVERY)


def find_delivery_id(schema: KeySchema, operation: FindDeliveryId) -> ScriptCall:
    """Encode :class:`FindDeliveryId`."""
    keys = tuple(schema.delivery_id(each) for each in operation.keys)
    return ScriptCall(_FIND_DELIVERY_ID, keys, (), _to_fingerprints)


def reset_record(schema: KeySchema, operation: ResetRecord) -> ScriptCall:
    """Encode :class:`ResetRecord`."""
    keys = (
        schema.record(operation.key),
        schema.log,
        schema.dead,
        schema.done,
        *job_keys(schema, operation.jobs),
        *(schema.tag + key for job in operation.jobs for key in _remains(job.keys)),
        *schema.indexes,
    )
    arguments = (
        operation.mode.value,
        operation.key,
        schema.retention,
        schema.unfinished_retention,
        json.dumps(operation.handlers),
        operation.seen or "",
        len(schema.indexes),
        *job_args(operation.jobs),
    )
    return ScriptCall(_RESET_RECORD, keys, arguments, _to_state)


def _remains(keys: JobKeys) -> tuple[str, str]:
    """Return the keys of what RQ keeps of a job beside its hash and its place in the queue."""
    return keys.results, keys.scheduled


def _to_fingerprints(answer: Sequence[bytes]) -> tuple[str, ...]:
    return tuple(key.hex() for key in answer)


def _to_state(answer: bytes) -> State | None:
    return State(answer.decode()) if answer else None


def _to_record_or_none(answer: Sequence[Any]) -> Record | FollowUp | None:  # Any: a key, words.
    key, *rest = answer
    if not rest:
        return FollowUp(lambda schema, _: _get_record(schema, key, leads=False))
    (words,) = rest
    # Without a state, a refused command has ended its acceptance.
    return to_record(key, words) if b"s" in words[::2] else None
