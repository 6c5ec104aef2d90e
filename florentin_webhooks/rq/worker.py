"""Run workers: RQ's own, with one queue each, JSON only, our one function, and a sweeper.

RQ brings the work-horse, heartbeats, signals and the scheduler. What is added: jobs that name
another function are refused; maintenance comes often enough to revive the scheduler; and what RQ
has lost (jobs popped and forgotten, expired, evicted) is put back from what the store remembers.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, cast

import redis
import rq
import rq.worker
from rq.results import Result

from florentin_webhooks.core.log import logger
from florentin_webhooks.errors import ConfigurationError, Unavailable
from florentin_webhooks.redis.store import RedisStore
from florentin_webhooks.rq.job import process
from florentin_webhooks.rq.queue import PROCESS
from florentin_webhooks.rq.shutdown import GracefulShutdown
from florentin_webhooks.rq.sweeper import LOST_AFTER, drop_expired, requeue_lost

if TYPE_CHECKING:
    from collections.abc import Callable

    from florentin_webhooks.core.receiver import Receiver

__all__ = [
    "SafeJob",
    "SafeQueue",
    "WorkerKind",
    "build_worker",
]

MAINTENANCE = 30
"""Seconds between two rounds of maintenance: RQ's default of 600 leaves a dead scheduler dead."""

CLEANING = 60
"""Seconds that one round of RQ's clean-up may take before another worker begins one."""


class WorkerKind(StrEnum):
    """Name how a worker runs a job."""

    FORK = "fork"
    """In a process of its own, forked: isolated, and it can be killed when its time is over."""
    SIMPLE = "simple"
    """In the worker itself: several times the rate, no isolation."""
    SPAWN = "spawn"
    """In a process of its own, started anew: slow, for systems where fork is not safe."""


class SafeJob(rq.job.Job):
    """Be a job that can name one function only: JSON is no sandbox."""

    @property
    def func(self) -> Callable[..., object]:
        """Give the one function; raises PermissionError for a job that names another."""
        if self.instance is None and self.func_name == PROCESS:
            return process
        logger.critical("refused a job that names another function: %s", self.id)
        message = "the job names another function"
        raise PermissionError(message)

    def cleanup(
        self,
        ttl: int | None = None,
        pipeline: Any = None,  # rq and redis leave its types open.
        remove_from_queue: bool = True,
    ) -> None:
        """Delete a job that has succeeded, in the transaction that ends its execution.

        RQ's own way first looks for it wherever a job may stand: seven more round trips.
        """
        if ttl != 0 or pipeline is None:
            super().cleanup(ttl, pipeline, remove_from_queue)
            return
        # Each RetryLater has left a result, which would stay for good.
        results = cast("Any", Result).get_key(self.id)
        pipeline.delete(self.key, self.dependents_key, self.dependencies_key, results)
        pipeline.zrem(self.failed_job_registry.key, self.id)

    # What a job may name besides: functions to call and addresses to post to. Ours names none.

    @property
    def success_callback(self) -> None:
        """Give none, whatever the job names."""

    @property
    def failure_callback(self) -> None:
        """Give none, whatever the job names."""

    @property
    def stopped_callback(self) -> None:
        """Give none, whatever the job names."""

    def send_webhooks(self, status: object, *, exc_string: str | None = None) -> None:
        """Send none, whatever the job names."""


class SafeQueue(rq.Queue):
    """Be a queue of such jobs, in JSON also where RQ's clean-up builds a queue by itself."""

    def __init__(
        self, name: str = "florentin", connection: redis.Redis | None = None, **options: Any
    ) -> None:  # Any: what RQ passes to its queues.
        options.update(serializer="json", job_class=SafeJob)
        super().__init__(name, connection, **options)  # pyright: ignore[reportUnknownMemberType]

    def acquire_maintenance_lock(self) -> bool:
        """Take the lock of RQ's clean-up, but not for the quarter of an hour that RQ takes it for.

        Whoever is killed with it would keep everybody from finding what was abandoned.
        """
        return bool(self.connection.set(self.registry_cleaning_key, 1, nx=True, ex=CLEANING))


class SweepingWorker(GracefulShutdown):
    """Sweep in each round of maintenance."""

    hooks: Receiver | None = None
    forgotten_after = LOST_AFTER

    def run_maintenance_tasks(self) -> None:
        """Do RQ's maintenance, then put back what RQ has lost."""
        super().run_maintenance_tasks()  # type: ignore[no-untyped-call]  # rq leaves it untyped.
        if self.hooks is None:
            return
        for queue in self.queues:
            try:
                requeue_lost(self.hooks, queue, self.forgotten_after)
                drop_expired(self.hooks)
            except (Unavailable, redis.RedisError) as error:
                logger.warning("not swept: %s", type(error).__name__)


class ForkWorker(SweepingWorker, rq.Worker):
    """Run each job in a forked process."""


class SimpleWorker(SweepingWorker, rq.SimpleWorker):
    """Run each job in the worker itself."""


class SpawnWorker(SweepingWorker, rq.SpawnWorker):
    """Run each job in a process that is started anew."""


_CLASSES = {
    WorkerKind.FORK: ForkWorker,
    WorkerKind.SIMPLE: SimpleWorker,
    WorkerKind.SPAWN: SpawnWorker,
}


def build_worker(
    hooks: Receiver,
    client: redis.Redis,
    *,
    queue: str,
    kind: WorkerKind = WorkerKind.FORK,
    maintenance: int = MAINTENANCE,
    name: str | None = None,
) -> rq.worker.BaseWorker:
    """Give a worker for *queue*; start it with ``work(with_scheduler=True)``.

    *client* is the worker's own: RQ changes its time-outs. *name* is unique among all workers.
    """
    if not isinstance(hooks.store, RedisStore) or hooks.queue is None:
        message = "a worker needs a Receiver with store=RedisStore(…) and queue=RQQueue(…)"
        raise ConfigurationError(message)
    # Prepares the queue's job once. Else each forked process would do it anew.
    hooks.dispatcher.build_job("0" * 32, queue)
    worker = _CLASSES[kind](
        [SafeQueue(queue, client)],
        name=name,
        connection=client,
        serializer="json",
        queue_class=SafeQueue,
        job_class=SafeJob,
        maintenance_interval=maintenance,
        worker_ttl=maintenance + 15,
        log_job_description=False,
    )
    worker.hooks = hooks
    return worker
