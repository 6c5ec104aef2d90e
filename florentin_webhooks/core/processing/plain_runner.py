"""Run handlers that need nothing but a call, as nearly all, one after the other.

For a delivery's inline handlers, the way of :class:`HandlerRunner` would take 6 of its 30 us, and
2 for each further one; for a job of a batch, 9 of 50.
"""

from __future__ import annotations

import logging
from asyncio import CancelledError
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Final, cast

from florentin_webhooks.core.defaults import On_co
from florentin_webhooks.core.log import logger
from florentin_webhooks.core.processing import outcomes
from florentin_webhooks.core.processing.attempt import (
    INLINE_STATES,
    SUCCEEDED,
    AttemptResult,
    FinalStates,
)
from florentin_webhooks.core.processing.handler_calls import call_handler
from florentin_webhooks.core.processing.handler_scope import TRACKING
from florentin_webhooks.core.processing.idempotency import open_guard
from florentin_webhooks.core.processing.run_log import RunResult
from florentin_webhooks.core.processing.runner import RECORDING_MARGIN, HandlerRunner
from florentin_webhooks.core.processing.runtime import run_sync
from florentin_webhooks.core.routing.items import own_delivery
from florentin_webhooks.core.routing.registry import HandlerRegistry
from florentin_webhooks.core.stores.accept import Finish, HandlerOutcome
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.errors import InvalidEvent, Unavailable
from florentin_webhooks.protocol import replies
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.protocol.event import EventCopies

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
    from typing import Any

    from florentin_webhooks.core.processing.handler_calls import HandlerError
    from florentin_webhooks.core.processing.lease import Lease
    from florentin_webhooks.core.processing.report import Reporter
    from florentin_webhooks.core.routing.dispatch import DispatchPlan
    from florentin_webhooks.core.routing.handler import Handler
    from florentin_webhooks.core.stores.accept import Claim
    from florentin_webhooks.protocol.delivery import Delivery, Reply
    from florentin_webhooks.protocol.event import Event

__all__ = ["DONE_RESULT", "InlineRuns", "PartRunner"]

# Constants, since the look-up of an enum's member takes 60 ns: ten are 1.5 % of a delivery.
_QUEUED: Final = State.QUEUED
_RUNNING: Final = State.RUNNING
_LOST: Final = State.LOST
_DONE: Final = State.DONE
_PROCESSED: Final = Outcome.PROCESSED
_SUCCESS: Final = HandlerOutcome.DONE

DONE_RESULT = RunResult(State.DONE)
"""The result of a delivery whose handlers have all succeeded."""


class InlineRuns(HandlerRegistry[On_co]):
    """The runs of inline handlers, each under the lease of its delivery."""

    reporter: Reporter
    _seconds: float

    def _run(
        self,
        plan: DispatchPlan,
        event: Event,
        delivery: Delivery,
        envelope: Mapping[str, object],
        lease: Lease,
        claim: Claim,
    ) -> Coroutine[Any, Any, Reply]:
        """Return what runs the handlers of *plan* that *claim* does not name as done."""
        _, key, attempt, _, done, _, _ = claim  # As a tuple: an attribute takes thrice the time.
        if done:
            plan = plan.excluding(done)
        if self._is_plain(plan, lease):
            return self._call_each(plan, event, delivery, envelope, lease, key, attempt)
        runner = self._build_runner(plan, delivery, lease, attempt)
        again = EventCopies(delivery.event, envelope, plan.model)
        return self._reply(runner.run(plan.inline, event, delivery, again), lease)

    def _is_plain(self, plan: DispatchPlan, lease: Lease) -> bool:
        """Return whether the inline handlers of *plan* only have to be called."""
        if not plan.is_plain or TRACKING.is_enabled:
            return False
        if not (plan.is_async or lease.runtime.is_blocking):
            return False  # They run in threads, which may outlive their time.
        if (notifier := self.reporter.notifier) is not None and notifier.tracer is not None:
            return False
        return len(plan.inline) == 1 or (lease.store_is_immediate and bool(plan.inline))

    async def _call_each(  # noqa: C901 - parts as functions would take more time.
        self,
        plan: DispatchPlan,
        event: Event,
        delivery: Delivery,
        envelope: Mapping[str, object],
        lease: Lease,
        key: bytes,
        attempt: int,
    ) -> Reply:
        token, state, remaining = lease.token, _LOST, len(plan.inline)
        again = EventCopies(delivery.event, envelope, plan.model) if remaining > 1 else None
        for handler in plan.inline:
            remaining -= 1
            began = monotonic()
            try:
                own = again() if again is not None and remaining else event
                arguments = _both(own, delivery, lease) if handler.takes_delivery else (own,)
                error = await lease.runtime.attempt(handler, arguments, self._seconds)
            except InvalidEvent as invalid:
                runner = self._build_runner(plan, delivery, lease, attempt)
                return await self._reply(runner.abort(handler.name, invalid), lease)
            except CancelledError:
                await lease.runtime.run_shielded(lease.release())
                raise
            if error is not None:
                runner = self._build_runner(plan, delivery, lease, attempt)
                rest = plan.inline[len(plan.inline) - remaining :]
                resuming = runner.resume(handler, error, began, rest, event, again)
                return await self._reply(resuming, lease)
            if (notifier := self.reporter.notifier) is not None:
                ended = handler.name, delivery.event, lease.key, attempt, _SUCCESS, began
                notifier.succeeded(*ended)
            if remaining:
                finish = Finish(key, token, _RUNNING, handler.name)
            elif plan.queued:
                states = _final_states(plan, lease)
                finish = Finish(key, token, states.succeeded, handler.name, jobs=states.jobs)
            else:
                finish = Finish(key, token, _DONE, handler.name)
            store = lease.store
            try:
                state = (
                    store.execute(finish) if lease.is_immediate else await store.aexecute(finish)
                )
            except Unavailable as lost:
                state = await lease.repeat(finish, lost)
            if remaining and (state is _LOST or state is _DONE):
                break
        if state is _DONE:
            return replies.success(_PROCESSED, lease.key)
        return outcomes.reply_for_run(RunResult(state), lease)

    def _build_runner(
        self, plan: DispatchPlan, delivery: Delivery, lease: Lease, attempt: int
    ) -> _Runner:
        states = _final_states(plan, lease)
        return _Runner(lease, self._seconds, states, self.reporter, attempt, delivery)

    async def _reply(self, running: Awaitable[RunResult], lease: Lease) -> Reply:
        result = await running
        if result.state is _DONE and not result.failures:
            return replies.success(_PROCESSED, lease.key)
        if result.failures:
            await self.reporter.failed(lease.runtime, result.failures)
        return outcomes.reply_for_run(result, lease)


class _Runner(HandlerRunner):
    """A run of inline handlers, which may go on where :meth:`InlineRuns._call_each` ends."""

    async def resume(
        self,
        handler: Handler,
        error: BaseException,
        began: float,
        rest: Sequence[Handler],
        event: Event,
        copy_event: Callable[[], Event] | None,
    ) -> RunResult:
        """Record that *handler*, which *began* then, has raised *error*, and run the *rest*."""
        delivery, result = cast("Delivery", self._delivery), AttemptResult(error)
        state = await self._conclude(handler, delivery, result, began, last=not rest)
        if copy_event is None or not rest or state is _LOST or state is _DONE:
            return self._result(state)
        return await self.run(rest, event, delivery, copy_event)


class PartRunner(HandlerRunner):
    """A run of the handlers of a queue's part, in a worker."""

    def run_one(self, handler: Handler, event: Event, delivery: Delivery) -> RunResult | None:
        """Run *handler*, the only one that is left; None where it needs more than a call.

        Written without seven coroutines: 9 of the 50 us that a job of a batch takes.
        """
        reporter, lease, began = self._reporter, self._lease, monotonic()
        deadline = float("inf") if self._deadline is None else self._deadline
        is_plain = handler.options.is_plain and not handler.is_async and handler.item is None
        is_watched = reporter.notifier is not None or TRACKING.is_enabled
        if not is_plain or is_watched or deadline - began <= RECORDING_MARGIN:
            return None
        error = call_handler(handler, self._arguments(handler, event, delivery))
        if error is not None or monotonic() >= deadline or logger.isEnabledFor(logging.INFO):
            return run_sync(self.conclude(handler, delivery, error, began))
        state = run_sync(lease.record(self._finish(handler.name, SUCCEEDED, last=True)))
        return DONE_RESULT if state is _DONE else RunResult(state)

    async def conclude(
        self, handler: Handler, delivery: Delivery, error: HandlerError, began: float
    ) -> RunResult:
        """Report and record how the only *handler* has ended, and return the result."""
        self._delivery = delivery
        result = AttemptResult(error)
        return self._result(await self._conclude(handler, delivery, result, began, last=True))


def _final_states(plan: DispatchPlan, lease: Lease) -> FinalStates:
    jobs = plan.jobs(lease.key) if plan.queued else ()
    return FinalStates(_QUEUED, jobs=jobs) if jobs else INLINE_STATES


def _both(event: Event, delivery: Delivery, lease: Lease) -> tuple[Event, Delivery]:
    """Return the arguments of a handler that takes a delivery, too."""
    return event, own_delivery(delivery, lease.key, partial(open_guard, lease))
