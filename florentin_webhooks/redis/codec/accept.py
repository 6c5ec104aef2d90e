"""Describe accepting and finishing as calls of scripts."""

from __future__ import annotations

from florentin_webhooks.core.stores.accept import Accept, AcceptDecision, Claim, Finish
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.redis.schema import (
    NO_JOB_ARGS,
    NO_JOB_KEYS,
    KeySchema,
    ScriptCall,
    job_args,
    job_keys,
    script,
)

__all__ = ["accept", "finish"]

_ACCEPT = script("accept")
_FINISH = script("finish")


def accept(layout: KeySchema, operation: Accept) -> ScriptCall:
    """Give the call that looks a delivery up and takes its lease or pushes its jobs."""
    delivery, trace, jobs = operation.delivery, operation.trace, operation.jobs
    keys = (
        layout.record(operation.key),
        layout.delivery_id(trace.delivery_id) if trace else layout.prefix,
        layout.log,
        layout.dead,
        *job_keys(layout, jobs),
    )
    arguments = (
        layout.records,
        operation.key,
        trace.content if trace else b"",
        operation.token,
        int(operation.fresh),
        int(operation.valid),
        int(operation.inline),
        layout.lease,
        layout.retention,
        layout.keep,
        delivery.body,
        delivery.event,
        delivery.delivery_id or "",
        int(delivery.received_at.timestamp() * 1000),
        delivery.secret,
        *job_args(jobs),
    )
    return ScriptCall(_ACCEPT, keys, arguments, _claim, len(delivery.body), may_fail=True)


def finish(layout: KeySchema, operation: Finish) -> ScriptCall:
    """Give the call that records how a handler ended and moves the delivery on."""
    part = operation.part
    queue, jobs = part.queue if part else "", operation.jobs
    record, pending = layout.part(operation.key, queue)
    keys = (
        record,
        layout.log,
        layout.done,
        layout.dead,
        pending,
        *(job_keys(layout, jobs) if jobs else NO_JOB_KEYS),
    )
    arguments = (
        operation.token,
        queue,
        operation.state.value,
        operation.handler or "",
        operation.ending.value,
        operation.reason,
        part.id if part else "",
        operation.key,
        layout.records,
        layout.lease,
        layout.retention,
        layout.keep,
        layout.history,
        *(job_args(jobs) if jobs else NO_JOB_ARGS),
    )
    return ScriptCall(_FINISH, keys, arguments, _state)


def _claim(answer: bytes) -> Claim:
    verdict, attempt, wait, reused, changed, *done = answer[_KEY:].split(b"\0")
    return Claim(
        _VERDICTS[verdict],
        answer[:_KEY],
        attempt=int(attempt),
        wait=int(wait) / 1000,
        done=frozenset([name.decode() for name in done]),
        id_reused=reused == b"1",
        id_changed=changed == b"1",
    )


def _state(answer: bytes) -> State:
    return _STATES[answer]


_KEY = 16
_VERDICTS = {verdict.value.encode(): verdict for verdict in AcceptDecision}
_STATES = {state.value.encode(): state for state in State}
