"""RQ workers of one lane, which take single steps: a fleet of them shares one process."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager, suppress
from time import monotonic
from typing import TYPE_CHECKING, Any

import redis
from rq.worker import WorkerStatus

from florentin_webhooks.redis.addresses import display_url
from florentin_webhooks.redis.waiting_retry import WaitingRetry
from florentin_webhooks.rq.worker import ForkWorker, SimpleWorker, SweepingWorker, WorkerKind

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["LANE_CLASSES", "LaneWorker"]

_PATIENCE = 6
"""How often a lost connection is opened again: with their pauses, as long as a fail-over."""

_LONGEST = 3.0
"""Seconds for which a node may refuse commands before the other lanes are served."""

_BEAT = 20.0
"""Seconds between two signs of life of an idle worker."""


class LaneWorker(SweepingWorker):
    """Mixin of a worker that shares its process with those of other lanes."""

    _keep_others_alive: Callable[[], None] | None = None
    is_started = False
    """Whether it is registered in its lane."""
    _seen_at = float("-inf")

    @property
    def lane(self) -> int:
        """The number of its lane."""
        client: Any = self.connection  # Any: a client of a lane.
        return int(client.lane)

    def share_process(self, keep_alive: Callable[[], None]) -> None:
        """Call *keep_alive* while a job runs, for the workers of the other lanes."""
        self._keep_others_alive = keep_alive

    def start(self) -> None:
        """Register the worker in its lane."""
        untyped: Any = self  # Any: rq leaves its types open, also below.
        untyped.register_birth()
        untyped.set_state(WorkerStatus.IDLE)
        self.is_started = True
        self._seen_at = monotonic()

    def wait_patiently(self) -> WaitingRetry:
        """Wait while the lane's node is replaced, or refuses commands for a while."""
        client: Any = self.connection
        address = display_url(client)
        self.retry = WaitingRetry(address, _PATIENCE, forces=True, longest=_LONGEST)
        client.set_retry(self.retry)
        return self.retry

    def keep_alive(self) -> None:
        """Start the worker; extend its registration, and maintain its queue, where that is due."""
        with self._impatience():
            if not self.is_started:
                self.start()
            elif monotonic() - self._seen_at > _BEAT:
                self.heartbeat()
            if self.should_run_maintenance_tasks:
                self.run_maintenance_tasks()

    def step(self) -> bool:
        """Run one job, or a batch of them; return whether there was one."""
        untyped: Any = self
        options = self.connection, self.job_class, self.serializer, self.death_penalty_class
        with self._impatience():
            taken = untyped.queue_class.dequeue_any(self.queues, None, *options)
        if taken is None:
            return False
        job, queue = taken
        job.redis_server_version = untyped.get_redis_server_version()
        untyped.log.info("%s: %s", queue.name, job.id)
        self.execute_job(job, queue)
        self.write_state()
        self.heartbeat()
        return True

    @contextmanager
    def _impatience(self) -> Generator[None]:
        """Wait once for an answer, since other lanes wait meanwhile; but records are repeated."""
        retry = self.retry or self.wait_patiently()
        before, retry.is_impatient = retry.is_impatient, True
        try:
            yield
        finally:
            retry.is_impatient = before

    def stop(self) -> None:
        """Unregister the worker; waits for nothing."""
        if self.is_started:
            with suppress(redis.RedisError):
                self.teardown()

    def subscribe(self) -> None:
        """Do nothing: a thread and a connection for the commands of each lane would be too many."""

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        """Extend the lifetime of the worker's registration."""
        self._seen_at = monotonic()
        with self._impatience():
            super().heartbeat(timeout, pipeline)

    def maintain_heartbeats(self, job: Any, execution: Any) -> None:
        """Extend RQ's entries of the job that runs, and of the workers of all lanes."""
        super().maintain_heartbeats(job, execution)
        if self._keep_others_alive is not None:
            self._keep_others_alive()

    def _wait_for_redis(self) -> None:
        self.wait_patiently()

    def _set_connection(self, connection: redis.Redis) -> redis.Redis:
        return connection  # RQ would have it wait for as long as for a job.

    def _set_ip_address(self, connection: redis.Redis) -> None:  # noqa: ARG002 - as RQ's.
        self.ip_address = "unknown"  # It may be built while its node is away.


class LaneForkWorker(LaneWorker, ForkWorker):
    """Worker of a lane that runs each job in a forked process."""


class LaneSimpleWorker(LaneWorker, SimpleWorker):
    """Worker of a lane that runs each job in its own process."""


LANE_CLASSES: dict[WorkerKind, type[Any]] = {  # Any: rq leaves its types open.
    WorkerKind.FORK: LaneForkWorker,
    WorkerKind.SIMPLE: LaneSimpleWorker,
}
