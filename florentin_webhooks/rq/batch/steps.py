"""The steps of a batch in the store: sent before each handler starts, and read when needed."""

from __future__ import annotations

import logging
from collections import deque
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, cast

from florentin_webhooks.core.stores.base import State
from florentin_webhooks.redis.clients import RedisError
from florentin_webhooks.redis.codec.follow_up import trim_history
from florentin_webhooks.rq.batch.calls import WINDOW, Advance, read_step
from florentin_webhooks.rq.batch.packed import PackedSteps

if TYPE_CHECKING:
    from florentin_webhooks.core.stores.accept import Finish
    from florentin_webhooks.rq.batch.batch import Batch
    from florentin_webhooks.rq.batch.calls import BatchCalls, ClaimedJob
    from florentin_webhooks.rq.batch.pipeline import ScriptPipeline

__all__ = ["BatchSteps"]

logger = logging.getLogger("rq.worker")
"""RQ's, which configures it. An event that has run is a line of RQ's, in a batch or alone."""


class _Sent(NamedTuple):
    """A step whose answer is not read: the job whose success it records, and what it leases."""

    finished: ClaimedJob | None
    leases: int


class BatchSteps:
    """The steps of *batch*, over *pipeline*. RQ's entry for a job that runs lives *ttl* seconds.

    A handler starts only once the lease of its job is known to last, so nothing waits for the
    answers to the last few steps. *lost* are jobs whose success counts for another run.
    """

    def __init__(self, batch: Batch, calls: BatchCalls, pipeline: ScriptPipeline, ttl: int) -> None:
        self.lost: list[ClaimedJob] = []
        self.succeeded = 0
        self._batch, self._calls, self._pipeline, self._ttl = batch, calls, pipeline, ttl
        self._packed = PackedSteps(calls)
        self._sent: deque[_Sent] = deque()
        self._excess = b""
        self._leased = WINDOW  # The claim has leased the jobs before this position.

    def try_to_begin(self, position: int) -> bool:
        """Return whether the job at *position* may begin."""
        if position >= len(self._batch.jobs):
            return False
        while self._sent and self._leased <= position:
            self._receive()
        return self._leased > position and self._batch.try_to_begin(position)

    def send(self, begins: int | None, finish: Finish | None, ended: ClaimedJob | None) -> None:
        """Send the success of the job that has *ended*, and the start of the one at *begins*."""
        if finish is None and begins is None:
            return
        batch, leases = self._batch, len(self._batch.jobs)
        if begins is not None:
            leases = begins + WINDOW
        ids = batch.id_at(begins), batch.id_at(leases)
        step = Advance(batch.token, batch.execution, self._ttl, finish, *ids)
        build = partial(self._calls.advance, step)
        self._pipeline.send(build, self._packed.pack(step), self._calls.schema.replicas)
        self._sent.append(_Sent(None if finish is None else ended, leases))

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
        state, is_leased, excess = read_step(cast("bytes", self._pipeline.receive()))
        step = self._sent.popleft()
        self._excess = excess or self._excess
        if is_leased and step.leases == self._leased:
            self._leased += 1
        if step.finished is None:
            return
        if state == State.LOST:
            self.lost.append(step.finished)
        else:
            self.succeeded += 1
            job_id = step.finished.id.decode()
            logger.info("Successfully completed job %s in a batch", job_id)
