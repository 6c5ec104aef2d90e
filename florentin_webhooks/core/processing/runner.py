"""Run the handlers of one delivery, or of one queue's part of it, and record how each ended.

The caller holds a lease. Each success is recorded, or its record is sent, before the next handler
starts, so that a crash in the third does not repeat the first two; all of them run even if one
fails; and the last record, which waits for those before, completes the delivery, hands it to the
queues, or leaves it to be retried.
"""

from __future__ import annotations

import time
from asyncio import CancelledError
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from florentin_webhooks.core.log import handler_discarded, handler_failed, handler_postponed
from florentin_webhooks.core.processing.attempt import (
    Attempt,
    AttemptResult,
    FinalStates,
    attempt_handler,
)
from florentin_webhooks.core.processing.idempotency import OnceGuard
from florentin_webhooks.core.processing.records import PendingRecords
from florentin_webhooks.core.processing.runtime import StillRunning
from florentin_webhooks.core.routing.exceptions import Discard, RetryLater
from florentin_webhooks.core.stores.accept import HandlerOutcome
from florentin_webhooks.core.stores.base import State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from florentin_webhooks.core.processing.lease import Lease
    from florentin_webhooks.core.queue import Job
    from florentin_webhooks.core.routing.handler import Handler
    from florentin_webhooks.protocol.delivery import Delivery
    from florentin_webhooks.protocol.event import Event

__all__ = ["Failure", "HandlerRunner", "RunResult", "run_inline"]

RECORDING_MARGIN = 0.2
"""The last seconds of a job's time, reserved for recording: no handler starts in them."""


class Failure(NamedTuple):
    """An error that a handler raised."""

    handler: str
    error: BaseException

    @property
    def reason(self) -> str:
        """The handler and the type of its error, without the text, which may quote a payload."""
        return f"{self.handler}: {type(self.error).__name__}"


class RunResult(NamedTuple):
    """The *state* that a run left its delivery in, and what failed, in order.

    *retry_after* is in seconds, where every failure is a :class:`RetryLater`; else None.
    """

    state: State
    failures: tuple[Failure, ...] = ()
    retry_after: float | None = None


async def run_inline(
    lease: Lease,
    handlers: Sequence[Handler],
    event: Event,
    delivery: Delivery,
    *,
    seconds: float,
    jobs: tuple[Job, ...],
) -> RunResult:
    """Run inline *handlers*, each for *seconds*; their success and the push of *jobs* are one step.

    A cancelled run releases its lease, so that the next attempt need not wait until it expires.
    """
    states = FinalStates(State.QUEUED if jobs else State.DONE, State.FAILED, jobs)
    return await HandlerRunner(lease, seconds, states).run(handlers, event, delivery)


class HandlerRunner:
    """A run of handlers under *lease*, which leaves the delivery in one of *states*.

    *seconds* is the time of each handler; for a queue's part, the time of all of them together,
    *since* a moment of the monotonic clock. *failures* precede those of the run.
    """

    def __init__(
        self, lease: Lease, seconds: float, states: FinalStates, *, since: float | None = None
    ) -> None:
        self._lease = lease
        self._seconds = seconds
        self._states = states
        self._deadline = float("inf") if since is None else since + seconds
        self._failures: list[Failure] = []
        self._records: PendingRecords | None = None

    async def run(
        self,
        handlers: Sequence[Handler],
        event: Event,
        delivery: Delivery,
        failures: Sequence[Failure] = (),
    ) -> RunResult:
        """Run *handlers* in order; *failures* are known already."""
        self._failures += failures
        if any(handler.takes_delivery for handler in handlers):
            delivery = replace(delivery, fingerprint=self._lease.key, once_factory=self._once)
        if not handlers:
            return self._result(await self._record(None, HandlerOutcome.DONE, last=True))
        if len(handlers) > 1:
            self._records = PendingRecords.of(self._lease)
        state = State.LOST
        for remaining, handler in zip(range(len(handlers) - 1, -1, -1), handlers, strict=True):
            if self._time_left() <= RECORDING_MARGIN:
                return await self.abort(handler.name, TimeoutError("No time was left for it."))
            # Each handler has an event of its own: payloads contain dicts, which can be changed.
            copy = event.model_copy(deep=True) if remaining else event
            state = await self._run_one(handler, copy, delivery, last=not remaining)
            if state is State.LOST:
                break
        return self._result(state)

    async def abort(self, handler: str, error: BaseException) -> RunResult:
        """Record that *handler* and those after it have not run, because of *error*."""
        self._failures.append(Failure(handler, error))
        return self._result(await self._record(None, HandlerOutcome.DONE, last=True))

    async def _run_one(
        self, handler: Handler, event: Event, delivery: Delivery, *, last: bool
    ) -> State:
        attempt = self._attempt(handler, event, delivery, last=last)
        result = self._judge(handler, await attempt_handler(self._lease, attempt))
        if result.state is not None:
            return result.state
        if result.error is not None:
            self._failures.append(Failure(handler.name, result.error))
        if isinstance(result.error, StillRunning):
            return State.LOST
        name = handler.name if result.error is None else None
        try:
            return await self._record(name, result.outcome, last=last)
        except CancelledError:
            if not last:  # The last record releases the lease by itself.
                await self._lease.runtime.run_shielded(self._lease.release(name))
            raise

    def _attempt(
        self, handler: Handler, event: Event, delivery: Delivery, *, last: bool
    ) -> Attempt:
        seconds = min(self._seconds, self._time_left() - RECORDING_MARGIN)
        late = self._states
        if self._failures or not last:  # Its success is then not all that was missing.
            late = late._replace(succeeded=late.failed)
        success = None
        if handler.options.atomic:
            state, jobs = self._next_state(last=last), self._states.jobs
            success = self._lease.finish(state, handler.name, reason=self._reason(), jobs=jobs)
        return Attempt(handler, event, delivery, seconds, late, success)

    def _judge(self, handler: Handler, result: AttemptResult) -> AttemptResult:
        """Log *result* and return what counts: a discarded event needs no other attempt."""
        error = result.error
        if result.state is not None:
            return result
        if isinstance(error, Discard):
            handler_discarded(handler.name, self._lease.key)
            result, error = AttemptResult(outcome=HandlerOutcome.DISCARDED), None
        if error is None and self._time_left() <= 0:
            # The alarm rings once: a handler that returned after it has swallowed it.
            error = TimeoutError("The handler's time was over before it returned.")
            result = AttemptResult(error)
        if isinstance(error, RetryLater):
            handler_postponed(handler.name, self._lease.key, error.seconds)
        elif error is not None:
            handler_failed(handler.name, self._lease.key, error)
        return result

    def _once(self, label: str) -> OnceGuard:
        lease, part = self._lease, self._lease.part
        key, queue = bytes.fromhex(lease.key), part.queue if part else ""
        return OnceGuard(lease.store, key, label, lease.token, lease.seconds, queue)

    def _time_left(self) -> float:
        return self._deadline - time.monotonic()

    def _retry_after(self) -> float | None:
        waits = [f.error.seconds for f in self._failures if isinstance(f.error, RetryLater)]
        return max(waits) if waits and len(waits) == len(self._failures) else None

    def _result(self, state: State) -> RunResult:
        if not self._failures:
            return RunResult(state)
        return RunResult(state, tuple(self._failures), self._retry_after())

    def _next_state(self, *, last: bool) -> State:
        if not last:
            return State.RUNNING
        if not self._failures:
            return self._states.succeeded
        is_postponed = self._lease.part and self._retry_after() is not None
        return State.QUEUED if is_postponed else self._states.failed

    async def _record(self, handler: str | None, outcome: HandlerOutcome, *, last: bool) -> State:
        state, jobs, reason = self._next_state(last=last), self._states.jobs, self._reason()
        if self._records is not None:
            if not last:
                finish = self._lease.finish(state, handler, outcome, reason=reason)
                return await self._records.add(finish, self._seconds)
            if await self._records.settle() is State.LOST:
                return State.LOST
        return await self._lease.record(state, handler, outcome, reason=reason, jobs=jobs)

    def _reason(self) -> str:
        return "; ".join(failure.reason for failure in self._failures)
