"""RQ's job and queue, narrowed to JSON and to one function: a job in Redis is input, not code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import redis
import rq
from rq.results import Result

from florentin_webhooks.core.log import logger
from florentin_webhooks.rq.job import process
from florentin_webhooks.rq.queue import PROCESS

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["SafeJob", "SafeQueue"]

CLEANUP_LOCK = 60
"""Seconds that one worker may lock RQ's clean-up."""


class SafeJob(rq.job.Job):
    """RQ job that can call one function only, since JSON is not a sandbox.

    *outcome* is set where the job runs in a batch: what becomes of it, with any arguments.
    """

    outcome: Callable[..., object] | None = None

    @property
    def func(self) -> Callable[..., object]:
        """Return the allowed function; raises PermissionError if the job names another."""
        if (outcome := self.outcome) is not None:
            return outcome
        if self.instance is None and self.func_name == PROCESS:
            return process
        logger.critical("Refused job %s: it names another function.", self.id)
        message = "the job names another function"
        raise PermissionError(message)

    def cleanup(
        self,
        ttl: int | None = None,
        pipeline: Any = None,  # rq and redis leave its types open.
        remove_from_queue: bool = True,
    ) -> None:
        """Delete a job that has succeeded, in the transaction that ends its execution.

        RQ's own method first searches all of its lists: seven more round trips.
        """
        if ttl != 0 or pipeline is None:
            super().cleanup(ttl, pipeline, remove_from_queue)
            return
        # Each RetryLater has left a result, which would never expire.
        results = cast("Any", Result).get_key(self.id)
        pipeline.delete(self.key, self.dependents_key, self.dependencies_key, results)
        pipeline.zrem(self.failed_job_registry.key, self.id)

    # A job could also name callbacks to call and addresses to post to. Ours never does.

    @property
    def success_callback(self) -> None:
        """Return None, to ignore any callback that the job names."""

    @property
    def failure_callback(self) -> None:
        """Return None, to ignore any callback that the job names."""

    @property
    def stopped_callback(self) -> None:
        """Return None, to ignore any callback that the job names."""

    def send_webhooks(self, status: object, *, exc_string: str | None = None) -> None:
        """Do nothing, to ignore any address that the job names."""


class SafeQueue(rq.Queue):
    """RQ queue of safe jobs, in JSON also if RQ's clean-up creates it.

    *source* takes jobs from the queue in batches, None one by one.
    """

    source: Callable[[rq.Queue, int | None], Any] | None = None

    def __init__(
        self, name: str = "florentin", connection: redis.Redis | None = None, **options: Any
    ) -> None:  # Any: what RQ passes to its queues.
        options.update(serializer="json", job_class=SafeJob)
        super().__init__(name, connection, **options)  # pyright: ignore[reportUnknownMemberType]

    @classmethod
    def dequeue_any(
        cls,
        queues: Any,  # Any: rq leaves its types open, here and below.
        timeout: int | None,
        connection: Any,
        job_class: Any = None,
        serializer: Any = None,
        death_penalty_class: Any = None,
    ) -> Any:
        """Take a job, or a batch of jobs, from the only one of *queues*, in at most *timeout*."""
        (queue,) = queues
        if queue.source is not None:
            return queue.source(queue, timeout)
        options = (job_class, serializer, death_penalty_class)
        return cast("Any", super()).dequeue_any(queues, timeout, connection, *options)

    def acquire_maintenance_lock(self) -> bool:
        """Take the lock of RQ's clean-up for a minute, not for RQ's quarter of an hour.

        A worker that is killed with the lock would stop all others from finding abandoned jobs.
        """
        return bool(self.connection.set(self.registry_cleaning_key, 1, nx=True, ex=CLEANUP_LOCK))
