"""Run the jobs of a batch one after the other, each under its own lease and time limit.

The record of a success is in the socket before the next handler starts, and its answer is read
while that one runs. All other ends of a job are handled by RQ.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, cast

import rq
from rq.exceptions import NoSuchJobError
from rq.timeouts import JobTimeoutException, UnixSignalDeathPenalty

from florentin_webhooks.core.job import BUSY_WAIT, ClaimedPart, JobResult, process_claimed_job
from florentin_webhooks.core.log import logger
from florentin_webhooks.core.queue import Job
from florentin_webhooks.protocol.frozen import new_tuple
from florentin_webhooks.redis.addresses import to_unavailable
from florentin_webhooks.redis.clients import RedisError
from florentin_webhooks.rq.batch.alarm import BatchAlarm
from florentin_webhooks.rq.batch.steps import LastFinish
from florentin_webhooks.rq.job import run_job, to_rq
from florentin_webhooks.rq.trace import keep_trace

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from florentin_webhooks.core.receiver import Receiver
    from florentin_webhooks.core.stores.accept import Finish
    from florentin_webhooks.core.stores.base import Store
    from florentin_webhooks.rq.batch.answers import ClaimedJob
    from florentin_webhooks.rq.batch.batch import Batch
    from florentin_webhooks.rq.batch.packed import StepTemplates
    from florentin_webhooks.rq.batch.steps import BatchSteps
    from florentin_webhooks.rq.queue import RQQueue

__all__ = ["BatchRunner", "HostWorker", "ServedReceiver"]


class HostWorker(Protocol):
    """The parts of RQ's worker that a batch needs."""

    connection: Any
    name: str
    job_class: Any
    death_penalty_class: Any

    def perform_job(self, job: Any, queue: Any, execution: Any) -> bool:
        """Run one job and do all that RQ does about its end."""
        ...

    def get_heartbeat_ttl(self, job: Any) -> int:
        """Return the lifetime of RQ's entry for a job in progress."""
        ...


class ServedReceiver:
    """A receiver whose jobs *worker* runs, with what its batches from *queue* have in common.

    Made before a work-horse is forked: a fifth of its CPU before the handler starts.
    """

    def __init__(
        self,
        worker: HostWorker,
        hooks: Receiver[object],
        queue: rq.Queue,
        templates: StepTemplates,
    ) -> None:
        self.hooks, self.queue, self.templates = hooks, queue, templates
        self.store: Store = cast("Any", hooks.store).with_client(worker.connection)
        part, timeout = hooks.build_job("0" * 32, queue.name)
        self.rest_of_part = part[1:]
        job: Any = worker.job_class("none", worker.connection, "json")
        job.origin, job.worker_name = queue.name, worker.name
        job.timeout, job.args, job.kwargs = timeout, (), {}
        self.job = job


class BatchRunner:
    """A runner of *batch*, of a *served* receiver, in the process of *worker*."""

    def __init__(
        self, worker: HostWorker, served: ServedReceiver, batch: Batch, steps: BatchSteps
    ) -> None:
        self._worker, self._hooks, self._queue = worker, served.hooks, served.queue
        self._batch, self._steps = batch, steps
        self._trace = ""
        self._store = LastFinish(served.store, self._settle)
        self._rest_of_part, self._job = served.rest_of_part, served.job
        has_alarm = worker.death_penalty_class is UnixSignalDeathPenalty
        self._alarm = BatchAlarm(batch.job_timeout) if has_alarm else None

    def run(self) -> None:
        """Run the jobs that may begin, and return the others to the queue."""
        since = time.monotonic()
        try:
            position = self._run_all()
            self._batch.progress.seconds = time.monotonic() - since
        finally:
            if self._alarm is not None:
                self._alarm.close()
        self._steps.end(position)
        for job in self._steps.lost:
            self._hand_over(job, _returner(_retry(BUSY_WAIT)))

    def _run_all(self) -> int:
        """Run the jobs that may begin, and return the position of the first one that may not."""
        position, finish, ended, steps = 0, None, None, self._steps
        while True:
            try:
                begins = position if steps.try_to_begin(position) else None
            except (RedisError, OSError):
                steps.record_anyway(finish, ended)
                raise
            steps.send(begins, finish, ended)
            if begins is None:
                break
            ended = self._batch.jobs[position]
            finish = self._run(ended)
            position += 1
        return position

    def _run(self, claimed: ClaimedJob) -> Finish | None:
        """Run the handlers of a job; return the record of its success, or go RQ's way."""
        store = self._store
        store.forget()
        self._trace = ""
        job = self._build_job(claimed)
        try:
            with self._alarm or self._limit(job):
                end = _returner(job.perform())
        except BaseException as error:  # noqa: BLE001 - RQ decides what becomes of any.
            end = _raiser(error)
            if store.finish is not None:
                logger.warning(
                    "%s was handled, then: %s", claimed.fingerprint, type(error).__name__
                )
        if store.finish is None:
            self._hand_over(claimed, end)
        return store.finish

    def _settle(self) -> None:
        """Settle before another record; raises :class:`Unavailable`, as the store does."""
        try:
            self._steps.settle()
        except (RedisError, OSError) as error:
            raise to_unavailable(error, self._worker.connection.connection_pool) from None

    def _limit(self, job: Any) -> AbstractContextManager[object]:
        """Return the time limit of *job* in a thread, where RQ sets no alarm."""
        limit: AbstractContextManager[object] = self._worker.death_penalty_class(
            job.timeout, JobTimeoutException, job_id=job.id
        )
        return limit

    def _build_job(self, claimed: ClaimedJob) -> Any:  # Any: rq leaves its types open.
        """Return RQ's job, which handlers find with ``rq.get_current_job``."""
        job: Any = object.__new__(self._worker.job_class)  # A tenth of what RQ takes to build one.
        job.__dict__.update(self._job.__dict__)
        job.id, job.meta, job.retries_left = claimed.id.decode(), {}, claimed.retries_left
        # Before the alarm is set: a handler that returns after it has swallowed it is late.
        job.outcome = partial(self._process, claimed, job.id, time.monotonic())
        return job

    def _process(self, claimed: ClaimedJob, job_id: str, since: float) -> rq.Retry | None:
        fingerprint = job_id[:32]
        result = run_job(fingerprint, partial(self._work, claimed, job_id, fingerprint, since))
        if isinstance(result, JobResult):
            self._trace = result.trace
        return to_rq(result, self._hooks)

    def _work(self, claimed: ClaimedJob, job_id: str, fingerprint: str, since: float) -> JobResult:
        batch, part = self._batch, new_tuple(Job, (job_id, *self._rest_of_part))
        with self._hooks.handler_context():
            return process_claimed_job(
                self._hooks,
                self._store,
                fingerprint,
                new_tuple(ClaimedPart, (part, claimed.claim, batch.token)),
                timeout=batch.job_timeout,
                last=not claimed.retries_left,
                since=since,
                retry_in=self._retry_in(claimed),
                alarm=JobTimeoutException,
                trace=claimed.trace,
            )

    def _retry_in(self, claimed: ClaimedJob) -> float | None:
        """Return the seconds until RQ would retry a job that has never failed."""
        retries = cast("RQQueue", self._hooks.queue).retries
        return (
            retries[max(len(retries) - claimed.retries_left, 0)] if claimed.retries_left else None
        )

    def _hand_over(self, claimed: ClaimedJob, end: Callable[..., object]) -> None:
        """Run a job that ends as *end* in RQ's worker, which does what it does about that."""
        worker = self._worker
        try:
            job = worker.job_class.fetch(claimed.id.decode(), worker.connection, "json")
        except NoSuchJobError:
            logger.info("%s was done or discarded meanwhile.", claimed.fingerprint)
            return
        job.outcome = end
        keep_trace(job, self._trace)
        execution = self._batch.execution_of(worker.name, claimed)
        worker.perform_job(job, self._queue, execution)


def _retry(seconds: float) -> rq.Retry:
    return rq.Retry(max=1_000_000, interval=round(seconds))


def _returner(result: object) -> Callable[..., object]:
    return lambda *_, **__: result


def _raiser(error: BaseException) -> Callable[..., object]:
    def fail(*_: object, **__: object) -> object:
        raise error

    return fail
