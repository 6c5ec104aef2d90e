"""RQ workers with one queue of safe jobs each, and a sweeper.

RQ brings the work-horse, heartbeats, signals and the scheduler. Added here: maintenance runs often
enough to revive the scheduler, and jobs that RQ has lost (popped before a crash, expired, evicted)
are requeued from the store's records.
"""

from __future__ import annotations

import os
from contextlib import suppress
from enum import StrEnum
from itertools import product
from typing import TYPE_CHECKING, Any, cast

import redis
import rq
import rq.worker
from rq.exceptions import StopRequested

from florentin_webhooks.core.drain import drain_waiting
from florentin_webhooks.core.log import logger
from florentin_webhooks.core.processing.runtime import run_sync
from florentin_webhooks.errors import ConfigurationError, Unavailable
from florentin_webhooks.redis.addresses import display_url, is_behind_sentinel
from florentin_webhooks.redis.durability import refuse_unfit_server
from florentin_webhooks.redis.full_memory import force_where_full
from florentin_webhooks.redis.store import RedisStore
from florentin_webhooks.rq.batch.mixin import BatchingWorker
from florentin_webhooks.rq.batch.size import DEFAULT_BATCH
from florentin_webhooks.rq.batch.spare import SpareConnection
from florentin_webhooks.rq.foreign import served_receivers, started_for
from florentin_webhooks.rq.horse_reports import HorseReports, flush_observers
from florentin_webhooks.rq.job import JobFailed
from florentin_webhooks.rq.safe_queue import SafeJob, SafeQueue
from florentin_webhooks.rq.sweeper import LOST_AFTER, drop_expired, index_states, requeue_lost

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from florentin_webhooks.core.receiver import Receiver

__all__ = [
    "WORKER_CLASSES",
    "ForkWorker",
    "SimpleWorker",
    "SweepingWorker",
    "WorkerKind",
    "build_worker",
]

MAINTENANCE = 30
"""Seconds between two rounds of maintenance; RQ's 600 would leave a dead scheduler dead."""

DRAIN_SECONDS = 5.0
"""How long a worker drains a spool at a time, since its jobs wait meanwhile."""


class WorkerKind(StrEnum):
    """How a worker runs a job."""

    FORK = "fork"
    """In a forked process: isolated, and killed after its timeout."""
    SIMPLE = "simple"
    """In the worker's own process: several times the rate, no isolation."""
    SPAWN = "spawn"
    """In a newly started process: slow, for systems where fork is not safe."""


class SweepingWorker(BatchingWorker):
    """Mixin that runs the sweeper in each round of maintenance."""

    lost_after = LOST_AFTER

    def perform_job(self, *args: Any, **options: Any) -> bool:  # Any: RQ's arguments.
        """Run a job of the receivers that this worker was started for."""
        with started_for(self.served):
            worked = bool(super().perform_job(*args, **options))
            if self.is_horse:
                flush_observers(served_receivers())
            return worked

    def maintain_heartbeats(self, job: Any, execution: Any) -> None:  # Any: as above.
        """Extend RQ's entries of the job that runs; one that stops awaits it without Redis too."""
        with suppress(StopRequested), self._remember_failure():
            super().maintain_heartbeats(job, execution)

    def handle_exception(self, job: rq.job.Job, *exc_info: Any) -> None:  # Any: as above.
        """Log what a job has raised, unless its handlers failed: each is logged already."""
        if not exc_info or exc_info[0] is not JobFailed:
            cast("Any", super()).handle_exception(job, *exc_info)

    def run_maintenance_tasks(self) -> None:
        """Return what other workers' batches left, run RQ's maintenance, requeue lost jobs.

        And drain spools of this machine, which web processes that were killed may have left.
        """
        self.return_expired()
        super().run_maintenance_tasks()  # type: ignore[no-untyped-call]  # rq leaves it untyped.
        for hooks in self.served:
            if (terms := hooks.drain_terms()) is not None:
                run_sync(drain_waiting(terms, DRAIN_SECONDS))
        try:
            for hooks, queue in product(self.served, self.queues):
                requeue_lost(hooks, queue, self.lost_after)
                drop_expired(hooks)
            for hooks in self.served:
                index_states(hooks)
        except (Unavailable, redis.RedisError) as error:
            logger.warning("The sweeper failed and runs again later: %s.", type(error).__name__)


class ForkWorker(SweepingWorker, rq.Worker):
    """Worker that runs each job in a forked process."""

    _reports: HorseReports | None = None

    def work(self, *args: Any, **options: Any) -> bool:  # Any: RQ's arguments, also below.
        """Work as RQ does, with a connection that is open before it is needed."""
        self.spare = SpareConnection(self.connection)
        return super().work(*args, **options)

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        """Extend the lifetime of the worker's registration, and open the spare connection."""
        super().heartbeat(timeout, pipeline)
        if self.spare is not None and self._batch is None and pipeline is None:
            self.spare.open()

    def execute_job(self, *args: Any, **options: Any) -> None:
        """Run a job, and report to the observers here what has happened in its process."""
        if self._reports is None:
            self._reports = HorseReports(self.served)
        try:
            super().execute_job(*args, **options)
        finally:
            self._reports.pass_on()
            if self.spare is not None:
                self.spare.close_lent()

    def fork_work_horse(self, *args: Any, **options: Any) -> None:
        """Fork the process that runs a job, and do meanwhile what need not come before it."""
        super().fork_work_horse(*args, **options)
        if hasattr(os, "sched_yield"):
            os.sched_yield()  # The job comes first where both have one CPU.
        with suppress(redis.RedisError, OSError):
            self.write_state()
        if self.spare is not None:
            self.spare.lend()

    def main_work_horse(self, *args: Any, **options: Any) -> Any:
        """Run a job in the forked process."""
        if self._reports is not None:
            self._reports.divert()
        super().main_work_horse(*args, **options)

    def teardown(self) -> None:
        """Unregister, delete the file of the reports, and close the spare connection."""
        if self._reports is not None:
            self._reports.close()
            self._reports = None
        if self.spare is not None:
            self.spare.close()
        super().teardown()


class SimpleWorker(SweepingWorker, rq.SimpleWorker):
    """Worker that runs each job in its own process."""


class SpawnWorker(SweepingWorker, rq.SpawnWorker):
    """Worker that runs each job in a newly started process."""


WORKER_CLASSES: Mapping[WorkerKind, type[Any]] = {  # Any: rq leaves its types open.
    WorkerKind.FORK: ForkWorker,
    WorkerKind.SIMPLE: SimpleWorker,
    WorkerKind.SPAWN: SpawnWorker,
}
"""The classes of workers by their kind."""


def build_worker(
    hooks: Receiver[object],
    client: redis.Redis,
    *,
    queue: str,
    kind: WorkerKind = WorkerKind.FORK,
    maintenance: int = MAINTENANCE,
    name: str | None = None,
    others: Sequence[Receiver[object]] = (),
    batch: int = DEFAULT_BATCH,
    classes: Mapping[WorkerKind, type[Any]] = WORKER_CLASSES,
) -> rq.worker.BaseWorker:
    """Return a worker for *queue*; start it with ``work(with_scheduler=True)``.

    *client* is the worker's own: RQ changes its timeouts. *name* is unique among all workers. It
    claims at most *batch* jobs of one receiver at once; one of kind SPAWN always one. It also runs
    the jobs of *others*, which share queue and Redis, and leaves those of all receivers that are
    not named here alone. *classes* are the classes of workers by their kind.
    """
    for each in (hooks, *others):
        _check_receiver(each)
        # Builds the queue's job template once, and not in each forked process.
        each.build_job("0" * 32, queue)
    has_lanes = cast("RedisStore", hooks.store).is_cluster
    refuse_unfit_server(client, display_url(client), has_lanes=has_lanes)
    _check_kind(kind, client)
    client = force_where_full(client)
    worker: Any = classes[kind](
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
    worker.hooks, worker.others = hooks, tuple(others)
    worker.take_batches(1 if kind is WorkerKind.SPAWN else batch)
    return cast("rq.worker.BaseWorker", worker)


def _check_kind(kind: WorkerKind, client: redis.Redis) -> None:
    if kind is WorkerKind.SPAWN and is_behind_sentinel(client.connection_pool):
        raise ConfigurationError(
            "A worker of class spawn does not work behind Sentinel.",
            "Use the class fork or simple.",
        )


def _check_receiver(hooks: Receiver[object]) -> None:
    if not isinstance(hooks.store, RedisStore) or hooks.queue is None:
        raise ConfigurationError(
            "A worker needs a Receiver with a RedisStore and a queue.",
            "Pass Receiver store=RedisStore(…) and queue=RQQueue(…).",
        )
