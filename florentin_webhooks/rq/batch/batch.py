"""A batch: the jobs that a worker has claimed together."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, cast

from rq.executions import Execution
from rq.job import Job

from florentin_webhooks.rq.batch.progress import Progress

if TYPE_CHECKING:
    from datetime import datetime

    import redis
    from rq.job import JobStatus

    from florentin_webhooks.rq.batch.answers import ClaimedJob
    from florentin_webhooks.rq.batch.calls import BatchCalls

__all__ = ["OPEN_SECONDS", "Batch"]

OPEN_SECONDS = 1.0
"""Seconds after its claim in which jobs of a batch may begin; then the others are returned."""


class Batch:
    """Claimed *jobs* of a queue, which RQ's workers treat as one: the one that runs.

    *ids* are the token of their leases, and RQ's id of this execution of each of them. *timeout*
    is the time of each in seconds. They were claimed at *since*, of the monotonic clock, by
    *calls*, those of their receiver.
    """

    stopped_callback = None

    def __init__(
        self,
        client: redis.Redis,
        jobs: tuple[ClaimedJob, ...],
        ids: tuple[bytes, bytes],
        calls: BatchCalls,
        since: float,
    ) -> None:
        self._client, self.jobs, self.calls = client, jobs, calls
        timeout = calls.terms.timeout
        self.token, self.execution = ids
        self.progress = Progress()
        self.closes_at = since + OPEN_SECONDS
        self.job_timeout = timeout
        self.timeout = timeout + int(OPEN_SECONDS)
        self.started_at: datetime | None = None
        self.ended_at: datetime | None = None
        self.redis_server_version: Any = None  # Any: RQ sets it.

    @property
    def current(self) -> ClaimedJob:
        """The job that runs, or began last."""
        return self.jobs[self.progress.position]

    @property
    def id(self) -> str:
        """The id of the job that runs."""
        return self.current.id.decode()

    @property
    def rest(self) -> tuple[bytes, ...]:
        """The ids of the jobs after the one that runs."""
        return self.ids(self.progress.position + 1)

    def ids(self, position: int) -> tuple[bytes, ...]:
        """Return the ids of the jobs from *position* on."""
        return tuple(job.id for job in self.jobs[position:])

    def id_at(self, position: int | None) -> bytes:
        """Return the id of the job at *position*, empty if there is none."""
        return self.jobs[position].id if position is not None and position < len(self.jobs) else b""

    def try_to_begin(self, position: int) -> bool:
        """Return whether the job at *position* may begin, and keep it from being returned.

        The position is written first: who reads it after the batch has closed learns of every job
        that began.
        """
        self.progress.position = position
        return not self.progress.is_stopped and time.monotonic() < self.closes_at

    def execution_of(self, worker: str, job: ClaimedJob) -> Execution:
        """Return RQ's execution of *job* in *worker*."""
        return Execution(self.execution.decode(), job.id.decode(), self._client, worker)

    def get_status(self) -> JobStatus:
        """Return RQ's status of the job that runs; raises InvalidJobOperation if it has ended."""
        job: Any = Job(self.id, connection=self._client, serializer="json")
        return cast("JobStatus", job.get_status())
