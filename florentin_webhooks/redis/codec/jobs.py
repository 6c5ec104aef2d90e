"""Describe what workers and handlers ask as calls of scripts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from florentin_webhooks.core.stores.jobs import (
    ClaimJob,
    JobClaim,
    JobDecision,
    ListPendingJobs,
    RequeueLostJob,
)
from florentin_webhooks.redis.schema import KeySchema, ScriptCall, job_args, job_keys, script

__all__ = [
    "begin",
    "sweep",
    "waiting",
]

_CANDIDATES = 10_000
"""How many waiting jobs are looked at in one go."""

_BEGIN = script("begin")

_SWEEP = script("sweep")

_WAITING = script("waiting")


def begin(layout: KeySchema, operation: ClaimJob) -> ScriptCall:
    """Give the call that takes the lease of one queue's part."""
    part = operation.part
    keys = (*layout.part(operation.key, part.queue), layout.dead)
    lease = int(operation.seconds * 1000)
    arguments = (operation.token, part.queue, part.id, lease, layout.keep)
    return ScriptCall(_BEGIN, keys, arguments, _work)


def sweep(layout: KeySchema, operation: RequeueLostJob) -> ScriptCall:
    """Give the call that puts a lost job back."""
    part = operation.part
    keys = (
        layout.record(operation.key),
        layout.dead,
        part.keys.intermediate,
        part.keys.scheduled,
        *job_keys(layout, (part,)),
    )
    return ScriptCall(_SWEEP, keys, (layout.keep, *job_args((part,))), bytes.decode)


def waiting(layout: KeySchema, operation: ListPendingJobs) -> ScriptCall:
    """Give the call that lists the jobs of a queue that have been waiting."""
    before = int(operation.before.timestamp() * 1000)
    keys = (layout.pending(operation.queue), layout.dead)
    return ScriptCall(_WAITING, keys, (before, layout.keep, _CANDIDATES), _ids)


def _work(answer: Sequence[Any]) -> JobClaim:  # Any: what a RESP parser gives.
    verdict, wait, *rest = answer
    if not rest:
        return JobClaim(JobDecision(verdict.decode()), wait / 1000)
    attempt, body, delivery_id, received, secret, expected, *done = rest
    return JobClaim(
        JobDecision.RUN,
        attempt=attempt,
        body=body,
        delivery_id=delivery_id.decode() or None,
        received_at=datetime.fromtimestamp(int(received) / 1000, UTC),
        secret=secret.decode(),
        expected=tuple(json.loads(expected or b"[]")),
        done=frozenset(name.decode() for name in done),
    )


def _ids(answer: Sequence[bytes]) -> tuple[str, ...]:
    return tuple(job_id.decode() for job_id in answer)
