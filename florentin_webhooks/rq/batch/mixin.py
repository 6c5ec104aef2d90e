"""RQ workers that take jobs in batches and return what has not begun."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager, suppress
from time import monotonic
from typing import TYPE_CHECKING, Any, cast

import redis
from rq.command import handle_command, parse_payload
from rq.exceptions import NoSuchJobError
from rq.utils import now
from rq.worker import WorkerStatus

from florentin_webhooks.core.job import part_lease
from florentin_webhooks.redis.codec.message_pack import unpack_texts
from florentin_webhooks.redis.store import RedisStore
from florentin_webhooks.rq.batch.batch import OPEN_SECONDS, Batch
from florentin_webhooks.rq.batch.calls import BatchCalls, QueueTerms
from florentin_webhooks.rq.batch.closer import BatchCloser
from florentin_webhooks.rq.batch.keys import BatchKeys
from florentin_webhooks.rq.batch.packed import StepTemplates
from florentin_webhooks.rq.batch.pipeline import ScriptPipeline
from florentin_webhooks.rq.batch.runner import BatchRunner, ServedReceiver
from florentin_webhooks.rq.batch.source import BatchSource
from florentin_webhooks.rq.batch.spare import SpareConnection
from florentin_webhooks.rq.batch.steps import BatchSteps
from florentin_webhooks.rq.queue import RQQueue
from florentin_webhooks.rq.registration import BufferedWorker

if TYPE_CHECKING:
    from florentin_webhooks.core.queue import Job
    from florentin_webhooks.core.receiver import Receiver
    from florentin_webhooks.redis.schema import ScriptCall

__all__ = ["BatchingWorker"]

_MOST_EXPIRED = 99


class BatchingWorker(BufferedWorker):
    """Mixin that runs batches of jobs of *hooks* or of one of *others*.

    RQ's methods get a batch in place of a job.
    """

    hooks: Receiver[object] | None = None
    others: tuple[Receiver[object], ...] = ()
    _receivers: tuple[ServedReceiver, ...] = ()
    _calls: BatchCalls | None = None
    _source: BatchSource | None = None
    _batch: Batch | None = None
    spare: SpareConnection | None = None
    """Where a batch runs in a forked process, its connection."""
    _closer: BatchCloser | None = None

    @property
    def served(self) -> tuple[Receiver[object], ...]:
        """The receivers whose jobs it runs; none in a newly started process."""
        return () if self.hooks is None else (self.hooks, *self.others)

    def take_batches(self, most: int) -> None:
        """Claim at most *most* jobs of the queue at once from now on."""
        queue: Any = self.queues[0]  # Any: one of ours, with a source.
        served = [(each, each.queue) for each in self.served]
        self._receivers = tuple(
            ServedReceiver(self, hooks, queue, StepTemplates(self._calls_of(hooks, its, queue)))
            for hooks, its in served
            if isinstance(its, RQQueue)
        )
        calls = [each.templates.calls for each in self._receivers]
        self._calls = calls[0] if calls else None
        if most > 1 and calls:
            pipeline = ScriptPipeline(self.connection)
            self._source = BatchSource(self, calls, pipeline, most)
            queue.source = self._source.take
            self.defers_state = True

    def _calls_of(self, hooks: Receiver[object], its: RQQueue, queue: Any) -> BatchCalls:
        before, after = _split_data(hooks.build_job("0" * 32, queue.name)[0])
        terms = QueueTerms(
            queue.name,
            (before, after),
            its.timeout,
            part_lease(its.timeout) + OPEN_SECONDS,
            hooks.identity.all_key_ids,
            hooks.dispatcher.owner,
            self.name,
        )
        schema = cast("RedisStore", hooks.store).with_client(self.connection).schema
        return BatchCalls(schema, BatchKeys(queue, schema, self.executions_key), terms)

    def work(self, *args: Any, **options: Any) -> bool:  # Any: RQ's arguments, also below.
        """Work as RQ does; with *max_jobs* one by one, since RQ counts what it gets."""
        if options.get("max_jobs") is not None:
            cast("Any", self.queues[0]).source = None
            self.defers_state = False
        return super().work(*args, **options)

    def enter_batch(self, batch: Batch) -> None:
        """Begin to count as busy with *batch*, so that a signal waits for the job that runs."""
        self._batch = batch
        self.set_state(WorkerStatus.BUSY)

    def handle_warm_shutdown_request(self) -> None:
        """Keep the other jobs of the batch from beginning."""
        cast("Any", super()).handle_warm_shutdown_request()
        if self._batch is not None:
            self._batch.progress.stop()

    def get_current_job_id(self) -> str | None:
        """Return the id of the job that runs, by which RQ stops it on request."""
        if (batch := self._batch) is not None:  # A thread asks; the batch may end meanwhile.
            return batch.id
        return cast("str | None", cast("Any", super()).get_current_job_id())

    def handle_payload(self, message: Any) -> None:
        """Handle a command; the executions of a batch have one id, so that only jobs differ."""
        payload, batch = parse_payload(message), self._batch
        if batch is not None and payload.get("execution_id") == batch.execution.decode():
            payload["command"] = "stop-job"
        handle_command(self, payload)

    def prepare_execution(self, job: Any) -> Any:
        """Record RQ's execution of a job; the claim of a batch has done it."""
        if not isinstance(job, Batch):
            return cast("Any", super()).prepare_execution(job)
        execution = job.execution_of(self.name, job.current)
        self.executions[execution.id] = execution
        return execution

    def execute_job(self, job: Any, queue: Any) -> None:
        """Run a job or a batch; then adapt the size of the next batch to the time it took."""
        if not isinstance(job, Batch):
            super().execute_job(job, queue)
            return
        since = monotonic()
        try:
            with self._returning_late(job):
                super().execute_job(job, queue)
        finally:
            self._batch = None
            self.executions.clear()
            self._return_rest(job)
        if self._source is not None:
            # A fork and round trips before and after the jobs are not their time: more jobs in a
            # batch share them.
            seconds = job.progress.seconds or monotonic() - since
            self._source.size.record(job.progress.position + 1, seconds)
        job.progress.close()

    def perform_job(self, job: Any, queue: Any, execution: Any) -> bool:
        """Run a job or a batch in this process."""
        if not isinstance(job, Batch):
            return bool(cast("Any", super()).perform_job(job, queue, execution))
        served = next(each for each in self._receivers if each.templates.calls is job.calls)
        since = monotonic()
        if not cast("Any", self).is_horse:
            self.write_state()
        with ScriptPipeline(self.connection, self.spare and self.spare.connection) as pipeline:
            steps = BatchSteps(
                job, served.templates, pipeline, cast("Any", self).get_heartbeat_ttl(job)
            )
            BatchRunner(self, served, job, steps).run()
        self.count_successes(steps.succeeded, monotonic() - since)
        return True

    def handle_job_failure(self, job: Any, *args: Any, **options: Any) -> None:
        """Handle the failure of a job as RQ does; of a batch, that of the job that ran."""
        if isinstance(job, Batch):
            options["execution"] = job.execution_of(self.name, job.current)
            ended_at, job = job.ended_at, self._fetch(job)
            job.ended_at = ended_at or now()
        cast("Any", super()).handle_job_failure(job, *args, **options)

    def maintain_heartbeats(self, job: Any, execution: Any) -> None:
        """Extend RQ's entries of the job that runs, and of this worker."""
        if isinstance(job, Batch):
            execution = job.execution_of(self.name, job.current)
            try:
                job = self._fetch(job)
            except NoSuchJobError:  # It has just ended.
                self.heartbeat()
                return
        cast("Any", super()).maintain_heartbeats(job, execution)

    def return_expired(self) -> None:
        """Return the jobs that a dead worker had claimed and not begun."""
        if self._calls is None:
            return
        client: Any = self.connection
        entries = client.zrange(self._calls.keys.claimed, 0, _MOST_EXPIRED)
        if entries:
            self._give_back(self._calls.give_back(entries))

    @contextmanager
    def _returning_late(self, batch: Batch) -> Generator[None]:
        """Return what has not begun when *batch* closes, however long the job takes that runs."""
        if len(batch.jobs) == 1:
            yield
            return
        if self._closer is None:
            self._closer = BatchCloser(self._return_rest)
        self._closer.watch(batch)
        try:
            yield
        finally:
            self._closer.leave()

    def teardown(self) -> None:
        """Unregister, and end the thread."""
        if self._closer is not None:
            self._closer.stop()
        super().teardown()

    def _return_rest(self, batch: Batch) -> None:
        """Return the jobs of a closed or ended *batch* after the one that runs."""
        if not batch.rest:
            return
        call = batch.calls.give_back(batch.rest, batch.execution, batch.token)
        with suppress(redis.RedisError, OSError):  # Then their leases expire soon.
            self._give_back(call)

    def _give_back(self, call: ScriptCall) -> None:
        with ScriptPipeline(self.connection) as pipeline:
            pipeline.run(call)

    def _fetch(self, batch: Batch) -> Any:
        return cast("Any", self.job_class).fetch(batch.id, self.connection, "json")


def _split_data(job: Job) -> tuple[bytes, bytes]:
    """Return what RQ's hash holds as data, before and after the fingerprint of zeros."""
    words = unpack_texts(job.words)
    before, _, after = str(words[words.index("data") + 1]).partition("0" * 32)
    return before.encode(), after.encode()
