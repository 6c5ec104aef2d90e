"""The steps of a batch in the store: sent before each handler starts, and read when needed."""

from __future__ import annotations

import logging
from collections import deque
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

from florentin_webhooks.core.stores.accept import Finish
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.protocol.frozen import new_tuple
from florentin_webhooks.redis.clients import RedisError
from florentin_webhooks.redis.codec.follow_up import trim_history
from florentin_webhooks.rq.batch.answers import read_step
from florentin_webhooks.rq.batch.calls import CHUNK, WINDOW, Advance
from florentin_webhooks.rq.batch.packed import PackedSteps

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from florentin_webhooks.core.stores.base import Operation, Store
    from florentin_webhooks.rq.batch.answers import ClaimedJob
    from florentin_webhooks.rq.batch.batch import Batch
    from florentin_webhooks.rq.batch.packed import StepTemplates
    from florentin_webhooks.rq.batch.pipeline import ScriptPipeline

__all__ = ["BatchSteps", "LastFinish"]

A = TypeVar("A")

logger = logging.getLogger("rq.worker")
"""RQ's, which configures it. An event that has run is a line of RQ's, in a batch or alone."""


class _Sent(NamedTuple):
    """A step whose answer is not read: the job whose success it records, and the first it keeps."""

    finished: ClaimedJob | None
    keeps_from: int


class LastFinish:
    """A *store* that keeps the record of a part's success, to be sent with the next job's start.

    *settle* is called before any other record, which goes over another connection.
    """

    supports_jobs, supports_transactions = True, False

    def __init__(self, store: Store, settle: Callable[[], None]) -> None:
        self._store, self._settle = store, settle
        self.finish: Finish | None = None

    @property
    def retention(self) -> timedelta:
        """The store's."""
        return self._store.retention

    @property
    def lease(self) -> timedelta:
        """The store's."""
        return self._store.lease

    def execute(self, operation: Operation[A]) -> A:
        """Keep the record of a success; execute any other *operation* in the store."""
        kept: Any = operation  # Any: its answer is that of a Finish, which no type checker knows.
        if isinstance(kept, Finish) and kept.state is State.DONE:
            self.finish = kept
            return cast("A", State.DONE)
        if isinstance(kept, Finish):
            self._settle()
        return self._store.execute(operation)

    async def aexecute(self, operation: Operation[A]) -> A:
        """Execute *operation* in the store. Batches record successes by ``execute``."""
        return await self._store.aexecute(operation)

    def forget(self) -> None:
        """Forget the record that is kept."""
        self.finish = None

    def close(self) -> None:
        """Close the store."""
        self._store.close()

    async def aclose(self) -> None:
        """Close the store."""
        await self._store.aclose()


class BatchSteps:
    """The steps of *batch*, over *pipeline*. RQ's entry for a job that runs lives *ttl* seconds.

    A handler starts only once its job is known to be kept, so nothing waits for the answers to the
    last few steps. *lost* are jobs whose success counts for another run.
    """

    def __init__(
        self, batch: Batch, templates: StepTemplates, pipeline: ScriptPipeline, ttl: int
    ) -> None:
        self.lost: list[ClaimedJob] = []
        self.succeeded = 0
        self._batch, self._calls, self._pipeline, self._ttl = batch, templates.calls, pipeline, ttl
        self._packed = PackedSteps(templates, batch.token, batch.execution, ttl)
        self._is_logging = logger.isEnabledFor(logging.INFO)
        self._sent: deque[_Sent] = deque()
        self._excess = b""
        self._kept = self._asked = WINDOW  # The claim keeps the jobs before this position.

    def try_to_begin(self, position: int) -> bool:
        """Return whether the job at *position* may begin."""
        if position >= len(self._batch.jobs):
            return False
        while self._sent and self._kept <= position:
            self._receive()
        return self._kept > position and self._batch.try_to_begin(position)

    def send(self, begins: int | None, finish: Finish | None, ended: ClaimedJob | None) -> None:
        """Send the success of the job that has *ended*, and the start of the one at *begins*."""
        if finish is None and begins is None:
            return
        batch, first = self._batch, self._asked
        keeps: tuple[bytes, ...] = ()
        if begins is not None and begins + WINDOW >= first:
            keeps = tuple(job.id for job in batch.jobs[first : first + CHUNK])
            self._asked += CHUNK
        fields = (batch.token, batch.execution, self._ttl, finish, batch.id_at(begins), keeps)
        step = new_tuple(Advance, fields)
        build = partial(self._calls.advance, step)
        self._pipeline.send(build, self._packed.pack(step), self._calls.schema.replicas)
        self._sent.append(_Sent(None if finish is None else ended, first))

    def record_anyway(self, finish: Finish | None, ended: ClaimedJob | None) -> None:
        """Send the success of the job that has *ended*, although an earlier step was refused."""
        self._sent.clear()  # No other answer comes after an error.
        with suppress(RedisError, OSError):
            self.send(None, finish, ended)
            self.settle()

    def settle(self) -> None:
        """Wait until the server has taken all steps, and trim the history."""
        while self._sent:
            self._receive()
        excess, self._excess = self._excess, b""
        if excess:
            with suppress(RedisError, OSError):  # Then a later batch trims it.
                self._pipeline.run(trim_history(self._calls.schema, excess))

    def end(self, position: int) -> None:
        """Settle, and return the jobs from *position* on, which have not begun."""
        self.settle()
        if rest := self._batch.ids(position):
            batch = self._batch
            self._pipeline.run(self._calls.give_back(rest, batch.execution, batch.token))

    def _receive(self) -> None:
        state, kept, excess = read_step(cast("bytes", self._pipeline.receive()))
        step = self._sent.popleft()
        self._excess = excess or self._excess
        if step.keeps_from == self._kept:
            self._kept += kept
        if step.finished is None:
            return
        if state == State.LOST:
            self.lost.append(step.finished)
        else:
            self.succeeded += 1
            if self._is_logging:
                job_id = step.finished.id.decode()
                logger.info("Successfully completed job %s in a batch", job_id)
