"""The jobs of a queue, which one worker takes in batches where it can."""

from __future__ import annotations

import re
import threading
import time
from contextlib import AbstractContextManager, nullcontext
from itertools import takewhile
from math import ceil
from secrets import token_hex
from typing import TYPE_CHECKING, Any, Protocol, cast

from rq.exceptions import NoSuchJobError
from rq.utils import now

from florentin_webhooks.rq.batch.answers import ClaimAnswer
from florentin_webhooks.rq.batch.batch import Batch
from florentin_webhooks.rq.batch.calls import ClaimRequest
from florentin_webhooks.rq.batch.size import BatchSize

if TYPE_CHECKING:
    from collections.abc import Sequence

    import rq

    from florentin_webhooks.rq.batch.calls import BatchCalls
    from florentin_webhooks.rq.batch.pipeline import ScriptPipeline

__all__ = ["BatchSource", "TakingWorker"]

_FINGERPRINT_SIZE = 32
_FINGERPRINT = re.compile(rb"[0-9a-f]{32}")
_CLAIMS = 3
"""How often other workers may be faster before a job is taken RQ's way."""

_ENTRY_MARGIN = 60
"""Seconds that RQ's entry for a job in progress outlasts its lease: we return it, not RQ."""


class TakingWorker(Protocol):
    """The parts of the worker that a source needs."""

    connection: Any
    job_class: Any

    def enter_batch(self, batch: Batch) -> None:
        """Begin to count as busy with *batch*."""
        ...

    def write_state(self) -> None:
        """Write that the worker waits."""
        ...

    def deferring_signals(self) -> AbstractContextManager[None]:
        """Defer signals to the end of the block, but for waits for Redis, which one ends."""
        ...


class BatchSource:
    """A source of batches of at most *most* jobs, for *worker*.

    The jobs of one batch have one receiver; *calls* are those of each receiver.
    """

    def __init__(
        self,
        worker: TakingWorker,
        calls: Sequence[BatchCalls],
        pipeline: ScriptPipeline,
        most: int,
    ) -> None:
        self.size = BatchSize(most)
        self._worker, self._pipeline = worker, pipeline
        self._calls = list(calls)  # The one that has claimed the last batch comes first.
        self._ending = b"-" + calls[0].terms.queue.encode()
        self._candidates: tuple[bytes, ...] = ()
        self._wait: float | None = None

    def take(self, queue: rq.Queue, timeout: int | None) -> Any:  # Any: as rq.Queue.dequeue_any.
        """Return a batch or a job, and *queue*; None if it is empty and *timeout* is None.

        Raises DequeueTimeout after *timeout* seconds, or sooner if an expired lease is due.
        """
        while True:
            batch = self._claim_listed()
            if batch is not None:
                return batch, queue
            popped = self._pop(queue, timeout)
            if popped is None:
                return None
            taken = self._take_popped(popped)
            if taken is not None:
                return taken, queue

    def _claim_listed(self) -> Batch | None:
        """Claim jobs that are listed; a job that cannot be in a batch is left for RQ's way."""
        for _ in range(_CLAIMS):
            candidates = self._next()
            if batch := self._claim(candidates):
                return batch
            if self._next() == candidates:
                return None
        return None

    def _next(self) -> tuple[bytes, ...]:
        """Return the candidates of the next claim: up to the first job that is not ours."""
        return tuple(takewhile(self._may_be_ours, self._candidates[: self.size.current]))

    def _may_be_ours(self, job_id: bytes) -> bool:
        return bool(_FINGERPRINT.match(job_id)) and job_id[_FINGERPRINT_SIZE:] == self._ending

    def _take_popped(self, job_id: bytes) -> Any:  # Any: rq leaves its types open.
        """Return a batch of the popped job, or the job; None if RQ does not know it."""
        batch = self._claim((job_id,), popped=True) if self._may_be_ours(job_id) else None
        return batch or self._fetch(job_id)

    def _pop(self, queue: rq.Queue, timeout: int | None) -> bytes | None:
        untyped: Any = queue  # Any: rq leaves its types open.
        if timeout is not None and self._wait is not None:
            timeout = min(timeout, max(1, ceil(self._wait)))
        self._worker.write_state()
        result = untyped.lmove(untyped.connection, untyped.key, timeout)
        return None if result is None else cast("bytes", result[1])

    def _fetch(self, job_id: bytes) -> Any:  # Any: rq leaves its types open.
        worker = self._worker
        try:
            return worker.job_class.fetch(job_id.decode(), worker.connection, "json")
        except (NoSuchJobError, UnicodeDecodeError):
            return None  # As RQ does: it was discarded meanwhile. Or it is not an id of RQ's.

    def _claim(self, candidates: tuple[bytes, ...], *, popped: bool = False) -> Batch | None:
        """Claim for the receiver of the first candidate, which is most likely that of the last."""
        for position, calls in enumerate(self._calls):
            batch = self._claim_by(calls, candidates, popped=popped)
            if batch is not None:
                self._calls.insert(0, self._calls.pop(position))
                return batch
            candidates = candidates if popped else self._next()
            if not candidates:
                return None
        return None

    def _claim_by(
        self, calls: BatchCalls, candidates: tuple[bytes, ...], *, popped: bool
    ) -> Batch | None:
        drawn, since = token_hex(16), time.monotonic()
        # By its execution, other workers know that a lease belongs to a job that they return.
        token, execution = bytes.fromhex(drawn[:16]), drawn.encode()
        ttl = ceil(calls.terms.lease) + _ENTRY_MARGIN
        size = self.size.current
        request = ClaimRequest(token, execution, size, candidates, now(), ttl, popped=popped)
        with self._deferring_signals():
            answer = self._ask(calls, request)
            self._candidates, self._wait = answer.candidates, answer.wait
            if answer.expired:
                self._pipeline.run(calls.give_back(answer.expired))
            if not answer.jobs:
                return None
            batch = Batch(self._worker.connection, answer.jobs, (token, execution), calls, since)
            self._worker.enter_batch(batch)
            return batch

    def _deferring_signals(self) -> AbstractContextManager[None]:
        # What a claim has leased must not be forgotten.
        is_main = threading.current_thread() is threading.main_thread()
        return self._worker.deferring_signals() if is_main else nullcontext()

    def _ask(self, calls: BatchCalls, request: ClaimRequest) -> ClaimAnswer:
        """Claim, and load the script of the steps unless the server has it.

        Or the steps of the whole batch would be refused, each read later.
        """
        script = calls.script
        question = "SCRIPT", "EXISTS", script.sha
        answer, exists = self._pipeline.run_and_ask(calls.claim(request), question)
        found = cast("ClaimAnswer", answer)
        if found.jobs and exists != [1]:
            self._worker.connection.script_load(script.text)
        return found
