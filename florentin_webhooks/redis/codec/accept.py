"""Encode accepting and finishing as script calls and decode their answers."""

from __future__ import annotations

from florentin_webhooks.core.stores.accept import Accept, AcceptDecision, Claim, Finish
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.protocol.fingerprint import RecordKey
from florentin_webhooks.redis.schema import (
    NO_JOB_ARGS,
    KeySchema,
    ScriptCall,
    job_args,
    job_keys,
)

__all__ = ["accept", "finish"]


def accept(schema: KeySchema, operation: Accept) -> ScriptCall:
    """Encode :class:`Accept`."""
    delivery, trace, jobs = operation.delivery, operation.trace, operation.jobs
    keys = (
        *_keys_of(schema, RecordKey(operation.key, trace)),
        schema.log,
        schema.dead,
        *(key for alias in operation.aliases for key in _keys_of(schema, alias)),
        *job_keys(schema, jobs),
    )
    arguments = (
        operation.key,
        trace.content if trace else b"",
        operation.token,
        1 if operation.fresh else operation.reason,
        1 if operation.valid else operation.reason,
        int(operation.inline),
        delivery.body,
        delivery.event,
        delivery.delivery_id or "",
        int(delivery.received_at.timestamp() * 1000),
        delivery.secret,
        delivery.key_id,
        b"".join([alias.key for alias in operation.aliases]),
        *job_args(jobs),
    )
    return ScriptCall(schema.accept, keys, arguments, _to_claim, len(delivery.body), may_fail=True)


def finish(schema: KeySchema, operation: Finish) -> ScriptCall:
    """Encode :class:`Finish`."""
    part = operation.part
    if part is None and operation.state is State.DONE and not operation.reason:
        return _finish_inline(schema, operation)
    queue, jobs = part.queue if part else "", operation.jobs
    record, pending = schema.part(operation.key, queue)
    keys = (
        record,
        schema.log,
        schema.done,
        schema.dead,
        pending,
        *(job_keys(schema, jobs) if jobs else schema.no_job_keys),
    )
    arguments = (
        operation.token,
        queue,
        operation.state.value,
        operation.handler or "",
        operation.ending if operation.note else operation.outcome.value,
        operation.reason,
        part.id if part else "",
        operation.key,
        "" if operation.wait is None else int(operation.wait * 1000),
        *(job_args(jobs) if jobs else NO_JOB_ARGS),
    )
    return ScriptCall(schema.finish, keys, arguments, _to_state)


def _finish_inline(schema: KeySchema, operation: Finish) -> ScriptCall:
    """Encode the end of the last inline handler with the words that the shortcut reads."""
    keys = (schema.record(operation.key), schema.log, schema.done)
    ending = operation.ending if operation.note else operation.outcome.value
    handler, state = operation.handler or "", State.DONE.value
    arguments = (operation.token, "", state, handler, ending, "", "", operation.key)
    return ScriptCall(schema.finish, keys, arguments, _to_state)


def _keys_of(schema: KeySchema, lookup: RecordKey) -> tuple[bytes, bytes]:
    """Return the keys of a record and of the contents sent under its delivery id."""
    key, trace = lookup
    return schema.record(key), schema.delivery_id(trace.delivery_id) if trace else schema.records


def _to_claim(answer: bytes) -> Claim:
    decision, attempt, wait, reused, changed, *done = answer[_KEY:].split(b"\0")
    return Claim(
        _DECISIONS[decision],
        answer[:_KEY],
        attempt=int(attempt),
        wait=int(wait) / 1000,
        done=frozenset([name.decode() for name in done]),
        id_reused=reused == b"1",
        id_changed=changed == b"1",
    )


def _to_state(answer: bytes) -> State:
    return _STATES[answer]


_KEY = 16
_DECISIONS = {decision.value.encode(): decision for decision in AcceptDecision}
_STATES = {state.value.encode(): state for state in State}
