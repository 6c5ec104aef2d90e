"""Encode the operations of workers as script calls and decode their answers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from florentin_webhooks.core.stores.accept import Finish
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.jobs import (
    ClaimJob,
    CountLostJobs,
    EnqueueScheduled,
    JobClaim,
    JobDecision,
    JobPage,
    ListPendingJobs,
    PendingJob,
    RequeueLostJob,
)
from florentin_webhooks.redis.codec.accept import finish
from florentin_webhooks.redis.codec.job_words import job_args, job_keys
from florentin_webhooks.redis.codec.records import to_job_claim
from florentin_webhooks.redis.schema import (
    KeySchema,
    ScriptCall,
    load_script,
)

__all__ = [
    "claim_job",
    "count_lost_jobs",
    "enqueue_scheduled",
    "list_pending_jobs",
    "requeue_lost_job",
]

_MOST_PENDING = 500
"""The most pending jobs that one call looks at, in about a millisecond of the server's time."""

_SCHEDULER_MS = 3000
"""RQ's scheduler reads what is due every second, by the clock of its machine."""

_CLAIM_JOB = load_script("claim_job")
_COUNT_LOST_JOBS = load_script("count_lost_jobs")
_ENQUEUE_SCHEDULED = load_script("enqueue_scheduled")
_LIST_PENDING_JOBS = load_script("list_pending_jobs", helpers="pages")
_REQUEUE_LOST_JOB = load_script("requeue_lost_job")


def claim_job(schema: KeySchema, operation: ClaimJob) -> ScriptCall:
    """Encode :class:`ClaimJob`."""
    part = operation.part
    keys = schema.claim(operation.key, part.queue)
    lease = int(operation.seconds * 1000)
    arguments = (
        operation.token,
        part.queue,
        part.id,
        lease,
        schema.unfinished_retention,
        " ".join(operation.key_ids),
        int(operation.is_path_ours),
        part.owner,
    )
    call = ScriptCall(_CLAIM_JOB, keys, arguments, to_job_claim)
    if not schema.replicas:
        return call
    return call._replace(replicas=schema.replicas, undo=partial(_release, schema, operation))


def _release(schema: KeySchema, operation: ClaimJob, claim: JobClaim) -> ScriptCall | None:
    """Encode the end of the lease that *claim* has granted, None where it has granted none."""
    if claim.decision is not JobDecision.RUN:
        return None
    back = Finish(operation.key, operation.token, State.QUEUED, part=operation.part)
    return finish(schema, back)._replace(replicas=0, is_record=False)


def requeue_lost_job(schema: KeySchema, operation: RequeueLostJob) -> ScriptCall:
    """Encode :class:`RequeueLostJob`."""
    part = operation.part
    keys = (
        schema.record(operation.key),
        schema.dead,
        schema.tag + part.keys.intermediate,
        schema.tag + part.keys.scheduled,
        schema.lost(part.queue),
        schema.tag + part.keys.results,
        *job_keys(schema, (part,)),
        schema.index("dead"),
    )
    key_ids = " ".join(operation.key_ids)
    arguments = (schema.unfinished_retention, key_ids, *job_args((part,)))
    return ScriptCall(_REQUEUE_LOST_JOB, keys, arguments, bytes.decode)


def enqueue_scheduled(schema: KeySchema, operation: EnqueueScheduled) -> ScriptCall:
    """Encode :class:`EnqueueScheduled`."""
    parts = operation.parts
    scheduled = [schema.tag + part.keys.scheduled for part in parts]
    keys = (schema.record(operation.key), *scheduled, *job_keys(schema, parts))
    return ScriptCall(_ENQUEUE_SCHEDULED, keys, (_SCHEDULER_MS, *job_args(parts)), int)


def list_pending_jobs(schema: KeySchema, operation: ListPendingJobs) -> ScriptCall:
    """Encode :class:`ListPendingJobs`."""
    before = int(operation.before.timestamp() * 1000)
    keys = (schema.pending(operation.queue), schema.dead)
    after = operation.after or (0, "")
    arguments = (before, schema.unfinished_retention, _MOST_PENDING, *after)
    return ScriptCall(_LIST_PENDING_JOBS, keys, arguments, _to_page)


def count_lost_jobs(schema: KeySchema, operation: CountLostJobs) -> ScriptCall:
    """Encode :class:`CountLostJobs`."""
    since = int(operation.since.timestamp() * 1000)
    return ScriptCall(_COUNT_LOST_JOBS, (schema.lost(operation.queue),), (since,), int)


def _to_page(answer: tuple[bytes, bytes]) -> JobPage:
    found, last = (tuple(_to_pending_jobs(text.decode())) for text in answer)
    return JobPage(found, last[0] if last else None)


def _to_pending_jobs(text: str) -> Iterator[PendingJob]:
    for line in text.splitlines():
        milliseconds, _, job_id = line.partition(" ")
        yield PendingJob(int(milliseconds), job_id)
