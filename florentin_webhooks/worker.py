"""Run workers: RQ's own, with one queue each, JSON only, our one function, and a sweeper.

RQ brings the work-horse, heartbeats, signals and the scheduler. What is added: jobs that name
another function are refused; maintenance comes often enough to revive the scheduler; and what RQ
has lost (jobs popped and forgotten, expired, evicted) is put back from what the store remembers.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, cast

import redis
import rq
import rq.worker

from florentin_webhooks.errors import ConfigurationError, Unavailable
from florentin_webhooks.rq import PROCESS, process
from florentin_webhooks.stores.redis import RedisStore
from florentin_webhooks.stores.working import Sweep, Waiting

if TYPE_CHECKING:
    from collections.abc import Callable

    from florentin_webhooks.receiver import Receiver

__all__ = ["Kind", "ProcessJob", "ProcessQueue", "build_worker", "sweep"]

logger = logging.getLogger("florentin_webhooks")

MAINTENANCE = 30
"""Seconds between two rounds of maintenance: RQ's default of 600 leaves a dead scheduler dead."""

FORGOTTEN_AFTER = 120.0
"""Seconds after which a job that stands nowhere is taken for lost: RQ moves jobs within one."""


class Kind(StrEnum):
    """Name how a worker runs a job."""

    FORK = "fork"
    """In a process of its own, forked: isolated, and it can be killed when its time is over."""
    SIMPLE = "simple"
    """In the worker itself: several times the rate, no isolation."""
    SPAWN = "spawn"
    """In a process of its own, started anew: slow, for systems where fork is not safe."""


class ProcessJob(rq.job.Job):
    """Be a job that can name one function only: JSON is no sandbox."""

    @property
    def func(self) -> Callable[..., object]:
        """Give the one function; raises PermissionError for a job that names another."""
        if self.instance is None and self.func_name == PROCESS:
            return process
        logger.critical("refused a job that names another function: %s", self.id)
        message = "the job names another function"
        raise PermissionError(message)


class ProcessQueue(rq.Queue):
    """Be a queue of such jobs, in JSON also where RQ's clean-up builds a queue by itself."""

    def __init__(
        self, name: str = "florentin", connection: redis.Redis | None = None, **options: Any
    ) -> None:  # Any: what RQ passes to its queues.
        options.update(serializer="json", job_class=ProcessJob)
        super().__init__(name, connection, **options)  # pyright: ignore[reportUnknownMemberType]


class _Sweeping(rq.worker.BaseWorker):
    """Sweep in each round of maintenance."""

    hooks: Receiver | None = None

    def run_maintenance_tasks(self) -> None:
        """Do RQ's maintenance, then put back what RQ has lost."""
        super().run_maintenance_tasks()  # type: ignore[no-untyped-call]  # rq leaves it untyped.
        if self.hooks is None:
            return
        for queue in self.queues:
            try:
                sweep(self.hooks, queue)
            except Unavailable as error:
                logger.warning("not swept: %s", error)


class ForkWorker(_Sweeping, rq.Worker):
    """Run each job in a forked process."""


class SimpleWorker(_Sweeping, rq.SimpleWorker):
    """Run each job in the worker itself."""


class SpawnWorker(_Sweeping, rq.SpawnWorker):
    """Run each job in a process that is started anew."""


_CLASSES = {Kind.FORK: ForkWorker, Kind.SIMPLE: SimpleWorker, Kind.SPAWN: SpawnWorker}


def build_worker(
    hooks: Receiver,
    client: redis.Redis,
    *,
    queue: str,
    kind: Kind = Kind.FORK,
    maintenance: int = MAINTENANCE,
) -> rq.worker.BaseWorker:
    """Give a worker for *queue*; start it with ``work(with_scheduler=True)``.

    *client* is the worker's own: RQ changes its time-outs.
    """
    if not isinstance(hooks.store, RedisStore) or hooks.queue is None:
        message = "a worker needs a Receiver with store=RedisStore(…) and queue=RQQueue(…)"
        raise ConfigurationError(message)
    worker = _CLASSES[kind](
        [ProcessQueue(queue, client)],
        connection=client,
        serializer="json",
        queue_class=ProcessQueue,
        job_class=ProcessJob,
        maintenance_interval=maintenance,
        worker_ttl=maintenance + 15,
        log_job_description=False,
    )
    worker.hooks = hooks
    return worker


def sweep(hooks: Receiver, queue: rq.Queue, older_than: float = FORGOTTEN_AFTER) -> int:
    """Put back the jobs that *queue* has lost, and give their number.

    Candidates are chosen by reading the lists once; the script then decides atomically.
    """
    client = queue.connection
    store = cast("RedisStore", hooks.store).through(client)
    listed = {*client.lrange(queue.key, 0, -1), *client.lrange(queue.intermediate_queue_key, 0, -1)}
    put_back = 0
    before = datetime.now(UTC) - timedelta(seconds=older_than)
    for job_id in store.execute(Waiting(queue.name, before)):
        if job_id.encode() in listed:
            continue
        fingerprint = job_id[:32]
        part, _ = hooks.part(fingerprint, queue.name)
        found = store.execute(Sweep(bytes.fromhex(fingerprint), part))
        if found != "fine":
            logger.warning("job %s of queue %s: %s", job_id, queue.name, found)
        put_back += found == "lost"
    return put_back
