"""Jobs that a worker could not read, because it uses RQ's default serializer instead of JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from rq.exceptions import DeserializationError
from rq.job import Job
from rq.results import Result

if TYPE_CHECKING:
    import redis

__all__ = ["SERIALIZER_OPTION", "count_unreadable", "is_unreadable"]

SERIALIZER_OPTION = "--serializer rq.serializers.JSONSerializer"
"""The option that rq's worker and django-rq's rqworker need; each job's description hints at it."""

_NEWEST = 100
"""The most failed jobs that are read for one answer."""


def is_unreadable(client: redis.Redis, job_id: str) -> bool:
    """Return whether the job *job_id* has failed because its worker could not read it."""
    job: Any = Job(job_id, connection=client, serializer="json")  # Any: rq leaves its types open.
    result = cast("Any", Result).fetch_latest(job, serializer=job.serializer)
    return result is not None and DeserializationError.__name__ in (result.exc_string or "")


def count_unreadable(client: redis.Redis, failed: Any) -> int:  # Any: an rq registry.
    """Return how many of the newest jobs in *failed* their workers could not read."""
    newest = cast("list[bytes]", cast("Any", client).zrevrange(failed.key, 0, _NEWEST - 1))
    return sum(is_unreadable(client, job_id.decode()) for job_id in newest)
