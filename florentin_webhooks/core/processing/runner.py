"""Run the handlers of one delivery, or of one queue's part of it, and record how each ended.

The caller holds a lease. Each success is recorded, or its record is sent, before the next handler
starts, so that a crash in the third does not repeat the first two; all of them run even if one
fails; and the last record, which waits for those before, completes the delivery, hands it to the
queues, or leaves it to be retried.
"""

from __future__ import annotations

import logging
import time
from asyncio import CancelledError
from typing import TYPE_CHECKING, Final

from florentin_webhooks.core.log import discard_reason, logger
from florentin_webhooks.core.processing.attempt import (
    SUCCEEDED,
    Attempt,
    AttemptResult,
    FinalStates,
    attempt_handler,
)
from florentin_webhooks.core.processing.handler_calls import StillRunning
from florentin_webhooks.core.processing.handler_scope import TRACKING, run_in_scope
from florentin_webhooks.core.processing.records import PendingRecords
from florentin_webhooks.core.processing.run_log import RunLog, RunResult, describe_result
from florentin_webhooks.core.routing.exceptions import Discard
from florentin_webhooks.core.routing.items import own_delivery
from florentin_webhooks.core.stores.accept import Finish, HandlerOutcome
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.timeouts import TimeIsOver
from florentin_webhooks.errors import InvalidEvent, MissingHandler
from florentin_webhooks.protocol.frozen import new_tuple

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from florentin_webhooks.core.processing.lease import Lease
    from florentin_webhooks.core.processing.report import Reporter
    from florentin_webhooks.core.routing.handler import Handler
    from florentin_webhooks.protocol.delivery import Delivery
    from florentin_webhooks.protocol.event import Event

__all__ = ["RECORDING_MARGIN", "HandlerRunner"]

RECORDING_MARGIN = 0.2
"""The last seconds of a job's time, reserved for recording: no handler starts in them."""


# Constants, since the look-up of an enum's member takes 60 ns: ten are 1.5 % of a delivery.
_LOST: Final = State.LOST
_DONE: Final = State.DONE
_RUNNING: Final = State.RUNNING
_QUEUED: Final = State.QUEUED


class HandlerRunner(RunLog):
    """A run of handlers under *lease*, which leaves the delivery in one of *states*.

    *seconds* is the time of each handler; for a queue's part, that of all of them together, *since*
    a moment of the monotonic clock. For the others see :class:`RunLog`. The last success and the
    push of the jobs of *states* are one step. A cancelled run releases its lease at once.
    """

    def __init__(
        self,
        lease: Lease,
        seconds: float,
        states: FinalStates,
        reporter: Reporter,
        attempt: int = 1,
        delivery: Delivery | None = None,
        *,
        since: float | None = None,
        retry_in: float | None = None,
        alarm: type[BaseException] = TimeIsOver,
    ) -> None:
        self._lease = lease
        self._seconds = seconds
        self._states = states
        self._deadline = None if since is None else since + seconds
        self._reporter = reporter
        self.attempt = attempt
        self._retry_in = retry_in
        self._alarm = alarm
        self._delivery = delivery
        self._failures = []
        self._records: PendingRecords | None = None

    async def run(
        self,
        handlers: Sequence[Handler],
        event: Event,
        delivery: Delivery,
        copy_event: Callable[[], Event],
        missing: Sequence[str] = (),
    ) -> RunResult:
        """Run *handlers* in order, the last one with *event*; those named in *missing* fail.

        The others get one of their own from *copy_event*: a payload's dicts can be changed.
        """
        self._delivery = delivery
        for name in missing:
            self._fail(name, MissingHandler())
        remaining = len(handlers)
        if not remaining:
            return self._result(await self._record(None, AttemptResult(), last=True))
        if len(handlers) > 1:
            self._records = PendingRecords.of(self._lease)
        state = _LOST
        try:
            for handler in handlers:
                remaining -= 1
                if self._deadline is not None and self._time_left() <= RECORDING_MARGIN:
                    return await self.abort(handler.name, TimeIsOver())
                item = handler.item
                try:
                    own = (copy_event() if remaining else event) if item is None else item.event()
                except InvalidEvent as error:
                    if item is None or not remaining:
                        return await self.abort(handler.name, error)
                    self._fail(handler.name, error)  # The other items may be valid.
                    continue
                state = await self._run_one(handler, own, delivery, last=not remaining)
                # Done before its last handler: by another run, after the lease had expired.
                if state is _LOST or (remaining and state is _DONE):
                    break
        finally:
            if self._records is not None:
                self._records.close()
        return self._result(state) if self._failures else new_tuple(RunResult, (state, (), None))

    async def abort(self, handler: str, error: BaseException) -> RunResult:
        """Record that *handler* and those after it have not run, because of *error*."""
        self._fail(handler, error)
        return self._result(await self._record(None, AttemptResult(), last=True))

    async def _run_one(
        self, handler: Handler, event: Event, delivery: Delivery, *, last: bool
    ) -> State:
        attempt = self._attempt(handler, event, delivery, last=last)
        lease, began, notifier = self._lease, time.monotonic(), self._reporter.notifier
        trying = attempt_handler(lease, attempt)
        if TRACKING.is_enabled:
            trying = run_in_scope(attempt, delivery, lease.key, trying)
        if notifier is not None and notifier.tracer is not None:
            trace = notifier.tracer.trace_attempt
            trying = trace(handler.name, self.queue, trying, describe_result)
        return await self._conclude(handler, delivery, await trying, began, last=last)

    async def _conclude(
        self,
        handler: Handler,
        delivery: Delivery,
        result: AttemptResult,
        began: float,
        *,
        last: bool,
    ) -> State:
        lease, notifier = self._lease, self._reporter.notifier
        if result.error is not None or self._deadline is not None:
            result = self._judge(handler.name, result, began)
        elif notifier is not None:
            run = handler.name, delivery.event, lease.key, self.attempt
            notifier.succeeded(*run, result.outcome, began)
        if result.state is not None:
            return result.state
        if isinstance(result.error, StillRunning):
            return _LOST
        name = handler.name if result.error is None else None
        try:
            return await self._record(name, result, last=last)
        except CancelledError:
            if not last:  # The last record releases the lease by itself.
                await lease.runtime.run_shielded(lease.release(name))
            raise

    def _attempt(
        self, handler: Handler, event: Event, delivery: Delivery, *, last: bool
    ) -> Attempt:
        arguments = self._arguments(handler, event, delivery)
        seconds, late = self._seconds, self._states
        if self._deadline is not None:
            seconds = min(seconds, self._time_left() - RECORDING_MARGIN)
        if self._failures or not last:  # A late success is then not all that was missing.
            late = new_tuple(FinalStates, (late.failed, late.failed, late.jobs))
        atomic = handler.options.atomic
        success = self._finish(handler.name, SUCCEEDED, last=last) if atomic else None
        fields = (handler, event, arguments, delivery.key_id, seconds, late, success)
        return new_tuple(Attempt, fields)

    def _arguments(self, handler: Handler, event: Event, delivery: Delivery) -> tuple[object, ...]:
        if not handler.takes_delivery:
            return (event,)
        item, key, once = handler.item, self._lease.key, self._once
        if item is not None:
            return event, item.delivery(delivery, key, once)
        return event, own_delivery(delivery, key, once)

    def _judge(self, handler: str, result: AttemptResult, began: float) -> AttemptResult:
        """Report *result* and return what counts: a discarded event needs no other attempt."""
        error = result.error
        if isinstance(error, Discard):
            why, attempt = discard_reason(error), self._describe(handler, began)
            self._reporter.discarded(attempt, why)
            return AttemptResult(outcome=HandlerOutcome.DISCARDED, note=why)
        if error is None and result.state is None and self._time_left() <= 0:
            # The alarm rings once: a handler that returned after it has swallowed it.
            error = TimeIsOver()
            result = AttemptResult(error)
        if error is not None:
            self._fail(handler, error, began)
        elif self._reporter.notifier or (self._lease.part and logger.isEnabledFor(logging.INFO)):
            self._reporter.ended(self._describe(handler, began), result.outcome.value)
        return result

    def _time_left(self) -> float:
        """Return the seconds until the deadline, infinite without one."""
        return float("inf") if self._deadline is None else self._deadline - time.monotonic()

    def _record(
        self, handler: str | None, result: AttemptResult, *, last: bool
    ) -> Awaitable[State]:
        finish = self._finish(handler, result, last=last)
        if self._records is None:
            return self._lease.record(finish)
        return self._send(self._records, finish, last=last)

    def _finish(self, handler: str | None, result: AttemptResult, *, last: bool) -> Finish:
        """Return the operation that records how *handler* ended."""
        state, reason, wait = self._states.succeeded if last else _RUNNING, "", None
        if self._failures:
            state, reason = self._next_state(last=last), self._reason()
            wait = self._wait() if last else None
        lease, jobs = self._lease, self._states.jobs if state is _QUEUED else ()
        key, outcome, note = bytes.fromhex(lease.key), result.outcome, result.note
        return Finish(
            key, lease.token, state, handler, outcome, reason, lease.part, jobs, note, wait
        )

    async def _send(self, records: PendingRecords, finish: Finish, *, last: bool) -> State:
        if not last:
            return await records.add(finish, self._seconds)
        if await records.settle() is _LOST:
            return _LOST
        return await self._lease.record(finish)
