"""Encode accepting and finishing as script calls and decode their answers."""

from __future__ import annotations

from functools import partial
from time import time
from typing import TYPE_CHECKING

from florentin_webhooks.core.stores.accept import Accept, AcceptDecision, Claim, Finish
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.protocol.frozen import new_tuple
from florentin_webhooks.redis.codec.follow_up import FollowUp, trim_history
from florentin_webhooks.redis.codec.job_words import NO_JOB_ARGS, job_args, job_keys
from florentin_webhooks.redis.codec.records import pack_arrival, to_milliseconds
from florentin_webhooks.redis.codec.state_index import index_delivery
from florentin_webhooks.redis.schema import (
    KeySchema,
    ScriptCall,
    Words,
)

if TYPE_CHECKING:
    from florentin_webhooks.protocol.fingerprint import RetryKey
    from florentin_webhooks.redis.protocols import Word

__all__ = ["accept", "finish"]


def accept(schema: KeySchema, operation: Accept, first: tuple[bytes, ...] = ()) -> ScriptCall:
    """Encode :class:`Accept`; *first* are first deliveries that it was found to be retries of."""
    if first:
        return _name_first(schema, accept(schema, operation), first)
    delivery, trace, jobs = operation.delivery, operation.trace, operation.jobs
    aliases = operation.aliases  # Each look at them computes their digests.
    keys: list[Word] = [*_keys_of(schema, operation.key, trace)]
    received = to_milliseconds(delivery.received_at)
    for alias, alias_trace in aliases:
        keys += _keys_of(schema, alias, alias_trace)
    keys += job_keys(schema, jobs) if jobs else ()
    keys += (schema.log, schema.dead if jobs else schema.indexed)
    arguments = (
        operation.key,
        trace.content + operation.key if trace else b"",
        operation.token,
        _mode(operation),
        delivery.body,
        pack_arrival(delivery, received),
        received,
        b"".join([alias for alias, _ in aliases]),
        int(time() * 1000),
        *(job_args(jobs) if jobs else NO_JOB_ARGS),
    )
    size = len(delivery.body)
    call = ScriptCall(schema.accept, tuple(keys), arguments, _to_claim, size, may_fail=True)
    if not schema.replicas:
        return call
    undo = partial(_release, schema, operation.token)
    return call._replace(replicas=schema.replicas, undo=undo)


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
    if operation.state is State.DEAD or operation.wait is not None:
        keys = (*keys, schema.index("dead" if operation.state is State.DEAD else "scheduled"))
    # Between inline handlers nothing waits: the last record, which does, comes after all others.
    replicas = 0 if part is None and operation.state is State.RUNNING else schema.replicas
    return _record(ScriptCall(schema.finish, keys, arguments, _to_state), replicas)


def _record(call: ScriptCall, replicas: int) -> ScriptCall:
    """Return *call*, which counts once *replicas* have what it records."""
    return call._replace(replicas=replicas, is_record=True) if replicas else call


def _release(schema: KeySchema, token: bytes, claim: object) -> ScriptCall | None:
    """Encode the end of the lease that *claim* has granted, None where it has granted none."""
    if not isinstance(claim, Claim) or claim.decision is not AcceptDecision.RUN:
        return None
    call = finish(schema, Finish(claim.key, token, State.FAILED))
    return call._replace(replicas=0, is_record=False)


def _name_first(schema: KeySchema, call: ScriptCall, first: tuple[bytes, ...]) -> ScriptCall:
    keys = (*call.keys, *map(schema.record, first))
    arguments = (*call.arguments, b"".join(first))
    return call._replace(keys=keys, arguments=arguments, read=partial(_to_claim, known=first))


def _mode(operation: Accept) -> str:
    """Return what is known of a delivery before it is looked up, and why it may not run."""
    if operation.fresh and operation.valid:
        return "111" if operation.inline else "110"
    flags = (operation.fresh, operation.valid, operation.inline)
    return "".join([*("1" if flag else "0" for flag in flags), operation.reason])


def _finish_inline(schema: KeySchema, operation: Finish) -> ScriptCall:
    """Encode the end of the last inline handler for a script of its own."""
    keys = (schema.record(operation.key), schema.log, schema.done)
    arguments: Words = (operation.token, operation.key, int(time() * 1000))
    if operation.handler:
        ending = operation.ending if operation.note else operation.outcome.value
        arguments = (*arguments, f"h:{operation.handler}", ending)
    return _record(ScriptCall(schema.finish_inline, keys, arguments, _to_state), schema.replicas)


def _keys_of(schema: KeySchema, key: bytes, trace: RetryKey | None) -> tuple[bytes, bytes]:
    """Return the keys of a record and of the contents sent under its delivery id."""
    return schema.records + key, schema.delivery_id(trace.delivery_id) if trace else schema.records


def _to_claim(answer: bytes, known: tuple[bytes, ...] = ()) -> Claim | FollowUp:
    if (first := _FIRST.get(answer[_KEY:])) is not None:
        return new_tuple(Claim, (first, answer[:_KEY], 1, 0, _NOTHING, False, False))
    if answer[_KEY:] == b"first":
        return FollowUp(partial(accept, first=(*known, answer[:_KEY])))
    decision, attempt, wait, reused, changed, *done = answer[_KEY:].split(b"\0")
    claim = Claim(
        _DECISIONS[decision.removesuffix(_MISSED)],
        answer[:_KEY],
        attempt=int(attempt),
        wait=int(wait) / 1000,
        done=frozenset([name.decode() for name in done]),
        id_reused=reused == b"1",
        id_changed=changed == b"1",
    )
    if decision.endswith(_MISSED):
        return FollowUp(partial(_index, claim), claim)
    return claim


def _index(claim: Claim, schema: KeySchema, _: Accept) -> ScriptCall:
    """Encode the look of the index of states at a delivery that it may have passed."""

    def read(_: object) -> Claim:
        return claim

    return index_delivery(schema, claim.key)._replace(read=read)


def _to_state(answer: bytes) -> State | FollowUp:
    return _STATES[answer]


class _States(dict[bytes, State | FollowUp]):
    """States by the answers of the script; after ``done`` there may be fingerprints."""

    def __missing__(self, answer: bytes) -> FollowUp:
        if not answer.startswith(_DONE):
            raise KeyError(answer)
        excess = answer.removeprefix(_DONE)
        return FollowUp(lambda schema, _: trim_history(schema, excess), State.DONE)


_KEY = 16
_MISSED = b"+"
"""The end of a decision about a delivery that the index of states may miss."""
_DECISIONS = {decision.value.encode(): decision for decision in AcceptDecision}
_FIRST = {
    each.value.encode() + b"\0001\0000\0000\0000": each
    for each in (AcceptDecision.RUN, AcceptDecision.QUEUED)
}
"""The answers for a delivery that comes for the first time, as nearly all do."""
_DONE = State.DONE.value.encode()
_NOTHING: frozenset[str] = frozenset()
_STATES = _States({state.value.encode(): state for state in State})
