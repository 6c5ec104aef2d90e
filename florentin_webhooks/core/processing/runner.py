"""Run the handlers of one delivery, or of one queue's part of it, and record how each ended.

Whoever comes here holds a lease. Each success is recorded before the next handler starts, so that a
crash in the third does not repeat the first two; all of them run even if one fails; and the last
record closes the delivery, hands it to the queues, or leaves it to be retried.
"""

from __future__ import annotations

import time
from asyncio import CancelledError
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from florentin_webhooks.core.log import handler_discarded, handler_failed, handler_postponed
from florentin_webhooks.core.processing.attempt import AttemptResult, FinalStates, HandlerAttempt
from florentin_webhooks.core.processing.idempotency import OnceGuard
from florentin_webhooks.core.processing.runtime import StillRunning
from florentin_webhooks.core.routing.exceptions import Discard, RetryLater
from florentin_webhooks.core.stores.accept import HandlerOutcome
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from florentin_webhooks.core.processing.lease import Lease
    from florentin_webhooks.core.routing.handler import Handler
    from florentin_webhooks.core.stores.accept import Finish
    from florentin_webhooks.protocol.delivery import Delivery
    from florentin_webhooks.senders.florentin.events import Event

__all__ = ["Failure", "FinalStates", "HandlerRunner"]

RECORDING_MARGIN = 0.2
"""Seconds of a job's time in which no handler runs any more, so that its end can be recorded."""


class Failure(NamedTuple):
    """Hold what a handler raised."""

    handler: str
    error: BaseException

    @property
    def reason(self) -> str:
        """Say which handler failed and how, without the error's text, which may quote a payload."""
        return f"{self.handler}: {type(self.error).__name__}"


class HandlerRunner:
    """Run handlers under *lease*, and close with *close*.

    *seconds* is what each handler has; for a queue's part, what all of them have together, *since*
    a moment of the monotonic clock. *failures* is what was raised, in order.
    """

    def __init__(
        self, lease: Lease, seconds: float, close: FinalStates, *, since: float | None = None
    ) -> None:
        self.failures: list[Failure] = []
        self._lease = lease
        self._seconds = seconds
        self._close = close
        self._deadline = float("inf") if since is None else since + seconds

    async def run(self, handlers: Sequence[Handler], event: Event, delivery: Delivery) -> State:
        """Run *handlers* in order and give the state in which the delivery was left.

        A cancelled run gives its lease back, so that the next attempt need not wait for its end.
        """
        if not handlers:
            return await self.complete()
        if any(handler.takes_delivery for handler in handlers):
            delivery = replace(delivery, fingerprint=self._lease.key, once_factory=self._once)
        state = State.LOST
        for left, handler in zip(range(len(handlers) - 1, -1, -1), handlers, strict=True):
            if self._time_left() <= RECORDING_MARGIN:
                return await self.abort(handler.name, TimeoutError("no time was left for it"))
            # Each handler has an event of its own: payloads hold dicts, which can be changed.
            copy = event.model_copy(deep=True) if left else event
            state = await self._one(handler, copy, delivery, last=not left)
            if state is State.LOST:
                break
        return state

    async def complete(self) -> State:
        """Close without running anything: nothing is left, or nothing can be run."""
        return await self._record(None, HandlerOutcome.DONE, last=True)

    async def abort(self, handler: str, error: BaseException) -> State:
        """Close although *handler* and those after it have not run, because of *error*."""
        self.failures.append(Failure(handler, error))
        return await self.complete()

    @property
    def retry_after(self) -> float | None:
        """Give the seconds to wait where every failure is a :class:`RetryLater`, else None."""
        waits = [f.error.seconds for f in self.failures if isinstance(f.error, RetryLater)]
        return max(waits) if waits and len(waits) == len(self.failures) else None

    async def _one(
        self, handler: Handler, event: Event, delivery: Delivery, *, last: bool
    ) -> State:
        error, ending, state = await self._attempt(handler, event, delivery, last=last)
        if state is not None:
            return state
        if isinstance(error, Discard):
            handler_discarded(handler.name, self._lease.key)
            error, ending = None, HandlerOutcome.DISCARDED
        if error is None and self._time_left() <= 0:
            # The alarm rings once: a handler that returned after it has swallowed it.
            error = TimeoutError("the handler's time was over before it returned")
        if error is not None:
            self._note(handler, error)
            self.failures.append(Failure(handler.name, error))
        if isinstance(error, StillRunning):
            return State.LOST
        name = handler.name if error is None else None
        try:
            return await self._record(name, ending, last=last)
        except CancelledError:
            if not last:  # The last record gives the lease back by itself.
                await self._lease.program.run_shielded(self._lease.release(name))
            raise

    async def _attempt(
        self, handler: Handler, event: Event, delivery: Delivery, *, last: bool
    ) -> AttemptResult:
        seconds = min(self._seconds, self._time_left() - RECORDING_MARGIN)
        finish = partial(self._finish, handler.name, last=last)
        attempt = HandlerAttempt(self._lease, handler, self._close, finish)
        arguments = (event, delivery) if handler.takes_delivery else (event,)
        return await attempt.run(event, arguments, seconds, lambda: last and self._only_late())

    def _only_late(self) -> bool:
        """Tell whether nothing has failed but what was still running when its time was over."""
        return all(isinstance(each.error, StillRunning) for each in self.failures)

    def _note(self, handler: Handler, error: BaseException) -> None:
        if isinstance(error, RetryLater):
            handler_postponed(handler.name, self._lease.key, error.seconds)
        else:
            handler_failed(handler.name, self._lease.key, error)

    def _once(self, label: str) -> OnceGuard:
        lease, part = self._lease, self._lease.part
        key, queue = bytes.fromhex(lease.key), part.queue if part else ""
        return OnceGuard(lease.store, key, label, lease.token, lease.seconds, queue)

    def _time_left(self) -> float:
        return self._deadline - time.monotonic()

    def _finish(
        self, handler: str | None, ending: HandlerOutcome = HandlerOutcome.DONE, *, last: bool
    ) -> Finish:
        state = State.RUNNING
        if last:
            state = self._close.failed if self.failures else self._close.succeeded
        if last and self._lease.part and self.retry_after is not None:
            state = State.QUEUED
        reason = "; ".join(failure.reason for failure in self.failures)
        return self._lease.finish(state, handler, ending, reason=reason, jobs=self._close.jobs)

    async def _record(self, handler: str | None, ending: HandlerOutcome, *, last: bool) -> State:
        finish = self._finish(handler, ending, last=last)
        try:
            return await self._lease.execute(finish)
        except Unavailable:
            raise
        except Exception:
            # A worker's alarm may ring here. It rings once, and a finish counts once.
            if self._lease.part is None:
                raise
            return await self._lease.execute(finish)
