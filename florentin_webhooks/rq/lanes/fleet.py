"""A worker of all lanes: RQ workers, one for each lane, that take turns in one process.

Lanes whose queue has jobs are served one batch each, in turn, so that none starves. A lane whose
node is away is left out for a while, and so costs the others nothing.
"""

from __future__ import annotations

import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

import redis
from rq.exceptions import StopRequested
from rq.logutils import setup_loghandlers

from florentin_webhooks.core.log import logger
from florentin_webhooks.errors import ConfigurationError, Unavailable
from florentin_webhooks.redis.cluster.store import ClusterStore
from florentin_webhooks.redis.refusals import find_refusal
from florentin_webhooks.rq.lanes.schedulers import LaneSchedulers
from florentin_webhooks.rq.lanes.worker import LANE_CLASSES
from florentin_webhooks.rq.worker import WorkerKind, build_worker

if TYPE_CHECKING:
    from types import FrameType

    from florentin_webhooks.core.receiver import Receiver
    from florentin_webhooks.rq.lanes.worker import LaneWorker

__all__ = ["LaneFleet", "build_fleet"]

_SHORTEST, _LONGEST = 0.005, 0.1
"""Seconds between two looks at queues that are empty."""

_ANSWER = 1.0
"""Seconds that the scheduler waits for an answer."""
_ABSENCE = 2.0
"""Seconds for which a lane is left out whose node does not answer."""

_FAREWELL = 4.0
"""Seconds after which no other worker is unregistered."""


class LaneFleet:
    """RQ workers, those of each lane of *store*, that take turns in this process."""

    def __init__(self, store: ClusterStore, queue: str, workers: Sequence[LaneWorker]) -> None:
        self._store, self._queue = store, queue
        self.workers = list(workers)
        self._absent: dict[int, float] = {}
        self._busy: LaneWorker | None = None
        self._stops = False
        self._schedulers: LaneSchedulers | None = None
        for worker in workers:
            worker.share_process(self._keep_alive)

    def work(self, *, burst: bool = False, with_scheduler: bool = False) -> bool:
        """Work until a signal, or with *burst* until the queue is empty; return if a job ran."""
        setup_loghandlers("INFO", name="rq.worker")
        numbers = signal.SIGINT, signal.SIGTERM
        before = [signal.signal(number, self._request_stop) for number in numbers]
        worked = False
        try:
            if with_scheduler:
                self._start_schedulers(burst=burst)
            with suppress(StopRequested):
                worked = self._loop(burst=burst)
        finally:
            self._tear_down()
            for number, handler in zip(numbers, before, strict=True):
                signal.signal(number, handler)
        return worked

    def _loop(self, *, burst: bool) -> bool:
        worked, pause = False, _SHORTEST
        while not self._stops:
            if self._round():
                worked, pause = True, _SHORTEST
                continue
            if burst:
                break
            if self._schedulers is not None:
                self._schedulers.keep_running()
            sleep(pause)
            pause = min(2 * pause, _LONGEST)
        return worked

    def _round(self) -> bool:
        """Serve each lane that has jobs once; return whether one had."""
        waiting, worked = self._count_waiting(), False
        for worker in self.workers:
            count = waiting.get(worker.lane)
            if count is not None and not self._stops:
                worked |= self._serve(worker, has_jobs=count > 0)
        self.workers.append(self.workers.pop(0))
        return worked

    def _count_waiting(self) -> Mapping[int, int | None]:
        """Return the number of waiting jobs of each lane, None of those that do not answer."""
        self._absent = {lane: end for lane, end in self._absent.items() if self._is_absent(lane)}
        lanes = [worker.lane for worker in self.workers if worker.lane not in self._absent]
        found = dict(zip(lanes, self._store.count_waiting(self._queue, lanes), strict=True))
        for lane, count in found.items():
            if count is None:
                self._leave_out(lane)
        return found

    def _serve(self, worker: LaneWorker, *, has_jobs: bool) -> bool:
        self._busy = worker
        try:
            worker.keep_alive()
            return has_jobs and worker.step()
        except (redis.RedisError, Unavailable) as error:
            if isinstance(error, redis.ResponseError) and find_refusal(error) is None:
                raise
            # A job that it ran is handed to another worker when its lease expires.
            logger.warning("A lane of the Redis Cluster is left out: %s.", type(error).__name__)
            self._leave_out(worker.lane)
            return False
        finally:
            self._busy = None

    def _leave_out(self, lane: int) -> None:
        self._absent[lane] = monotonic() + _ABSENCE

    def _is_absent(self, lane: int) -> bool:
        return self._absent.get(lane, 0.0) > monotonic()

    def _keep_alive(self) -> None:
        """Extend the registrations of all workers, while the job of one of them runs."""
        for worker in self.workers:
            if not worker.is_started or worker is self._busy or self._is_absent(worker.lane):
                continue
            try:
                worker.heartbeat()
            except redis.RedisError:
                self._leave_out(worker.lane)

    def _start_schedulers(self, *, burst: bool) -> None:
        # Of their own: those of the workers wait as long as a node is away.
        schedulers = LaneSchedulers(self._queue, self._store.queue_clients(_ANSWER))
        if burst:
            schedulers.run_once()
        else:
            schedulers.keep_running()
            self._schedulers = schedulers

    def _request_stop(self, number: int, frame: FrameType | None) -> None:
        """End after the job that runs; a second signal, a second later, ends that as well."""
        self._stops = True
        if self._busy is not None:
            self._busy.request_stop(number, frame)

    def _tear_down(self) -> None:
        if self._schedulers is not None:
            self._schedulers.stop()
        end = monotonic() + _FAREWELL
        for worker in self.workers:
            # What a node that is away or hangs keeps of them expires.
            if worker.lane not in self._absent and monotonic() < end:
                worker.stop()
            worker.connection.close()


def build_fleet(
    hooks: Receiver[object],
    *,
    queue: str,
    kind: WorkerKind = WorkerKind.FORK,
    **options: Any,  # Any: as those of build_worker.
) -> LaneFleet:
    """Return a worker of all lanes of *hooks*' store, with the options of :func:`build_worker`."""
    store = hooks.store
    if not isinstance(store, ClusterStore):
        raise ConfigurationError(
            "A fleet needs a Receiver with a store in a Redis Cluster.", "Use build_worker()."
        )
    if kind not in LANE_CLASSES:
        raise ConfigurationError(
            f"A worker of class {kind} does not work in a Redis Cluster.",
            "Start one of class fork or simple.",
        )
    workers = [
        build_worker(hooks, client, queue=queue, kind=kind, classes=LANE_CLASSES, **options)
        for client in store.queue_clients()
    ]
    return LaneFleet(store, queue, [_as_lane_worker(each) for each in workers])


def _as_lane_worker(worker: Any) -> LaneWorker:  # Any: rq leaves its types open.
    return worker  # type: ignore[no-any-return]  # of LANE_CLASSES.
