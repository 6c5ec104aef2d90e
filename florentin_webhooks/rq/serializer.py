"""Jobs that a worker could not read: it uses RQ's default serializer, or cannot import our code."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from rq.exceptions import DeserializationError
from rq.job import Job
from rq.results import Result

if TYPE_CHECKING:
    import redis

    from florentin_webhooks.redis.store import RedisStore

__all__ = ["SERIALIZER_OPTION", "count_unreadable", "count_unstarted", "is_unreadable"]

SERIALIZER_OPTION = "--serializer rq.serializers.JSONSerializer"
"""The option that rq's worker and django-rq's rqworker need; each job's description hints at it."""

_NEWEST = 100
"""The most jobs that are read for one answer."""


def is_unreadable(client: redis.Redis, job_id: str) -> bool:
    """Return whether the job *job_id* has failed because its worker could not read it."""
    job: Any = Job(job_id, connection=client, serializer="json")  # Any: rq leaves its types open.
    result = cast("Any", Result).fetch_latest(job, serializer=job.serializer)
    return result is not None and DeserializationError.__name__ in (result.exc_string or "")


def count_unreadable(client: redis.Redis, failed: Any) -> int:  # Any: an rq registry.
    """Return how many of the newest jobs in *failed* their workers could not read."""
    newest = cast("list[bytes]", cast("Any", client).zrevrange(failed.key, 0, _NEWEST - 1))
    return sum(is_unreadable(client, job_id.decode()) for job_id in newest)


def count_unstarted(client: redis.Redis, scheduled: Any, store: RedisStore) -> int:
    """Return how many jobs in *scheduled*, an rq registry, failed before their handlers began.

    RQ keeps no error of a job that it retries: it has used a retry, and its record no attempt.
    """
    server: Any = client  # Any: redis-py leaves its types open.
    newest: list[bytes] = server.zrevrange(scheduled.key, 0, _NEWEST - 1)
    pipeline = server.pipeline(transaction=False)
    for job_id in newest:
        pipeline.hmget(Job.key_for(job_id.decode()), "retries_left", "retry_intervals")
        record = store.record_key(job_id.decode()[:32])
        pipeline.hmget(record, "s", f"x:{scheduled.name}")
    answers = iter(pipeline.execute())
    return sum(_is_unstarted(*job, *record) for job, record in zip(answers, answers, strict=True))


def _is_unstarted(
    left: bytes | None, intervals: bytes | None, state: bytes | None, attempts: bytes | None
) -> bool:
    if left is None or intervals is None or state is None:
        return False
    return attempts is None and int(left) < len(json.loads(intervals))
