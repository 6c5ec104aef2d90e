"""Attempt one handler: behind its high-water mark, and in a transaction where it is atomic.

Data in, data out: what the handler raises is returned. A thread that outlives its handler's time
keeps the lease until it has ended.
"""

from __future__ import annotations

from asyncio import CancelledError
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from florentin_webhooks.core.processing.handler_calls import StillRunning, call_handler
from florentin_webhooks.core.processing.idempotency import HighWaterMark
from florentin_webhooks.core.routing.exceptions import Discard, RetryLater
from florentin_webhooks.core.stores.accept import HandlerOutcome
from florentin_webhooks.core.stores.atomic import RunInTransaction
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.guards import GuardDecision, GuardStep
from florentin_webhooks.errors import Unavailable

if TYPE_CHECKING:
    from florentin_webhooks.core.processing.lease import Lease
    from florentin_webhooks.core.queue import Job
    from florentin_webhooks.core.routing.handler import Handler
    from florentin_webhooks.core.stores.accept import Finish
    from florentin_webhooks.protocol.event import Event

__all__ = [
    "INLINE_STATES",
    "SUCCEEDED",
    "Attempt",
    "AttemptResult",
    "FinalStates",
    "GuardedAttempt",
    "attempt_handler",
]


class FinalStates(NamedTuple):
    """The state of a delivery whose handlers have *succeeded*, and of one where some *failed*.

    *jobs* are pushed where that state is QUEUED.
    """

    succeeded: State = State.DONE
    failed: State = State.FAILED
    jobs: tuple[Job, ...] = ()


INLINE_STATES = FinalStates()
"""The states of a delivery without queued handlers."""


class Attempt(NamedTuple):
    """One call of a handler with its *arguments*, of which *event* is one, for *seconds*.

    *key_id* is that of the secret that signed. *success* records the success of an atomic handler
    in its transaction, None for all others. *late* are the states for a thread that ends after its
    time.
    """

    handler: Handler
    event: Event
    arguments: tuple[object, ...]
    key_id: str
    seconds: float
    late: FinalStates
    success: Finish | None = None


class AttemptResult(NamedTuple):
    """How an attempt ended: the *error* raised, and the *state* where it is recorded already.

    *note* is why the handler has discarded the event.
    """

    error: BaseException | None = None
    outcome: HandlerOutcome = HandlerOutcome.DONE
    state: State | None = None
    note: str = ""


SUCCEEDED = AttemptResult()
"""The result of a handler that returned."""


async def attempt_handler(lease: Lease, attempt: Attempt) -> AttemptResult:
    """Run the handler under *lease*, unless a newer event was handled for its entity.

    Raises CancelledError where the program was cancelled, after the lease was taken care of.
    """
    handler = attempt.handler
    if handler.options.is_plain:
        # As GuardedAttempt.run, without it: 0.5 of a delivery's 40 us.
        try:
            error = await lease.runtime.attempt(handler, attempt.arguments, attempt.seconds)
        except CancelledError as cancelled:
            await GuardedAttempt(lease, attempt).hand_over(cancelled, None)
            raise
        if isinstance(error, StillRunning):
            lease.runtime.run_shielded(GuardedAttempt(lease, attempt).watch_thread(error))
        return SUCCEEDED if error is None else AttemptResult(error)
    try:
        watermark = HighWaterMark.of(handler, attempt.event, attempt.key_id, lease)
    except Exception as raised:  # noqa: BLE001 - the user's own function: it fails its handler.
        return AttemptResult(raised)
    return await GuardedAttempt(lease, attempt, watermark).run()


class GuardedAttempt(NamedTuple):
    """An attempt behind *watermark*, None where the handler wants every event."""

    lease: Lease
    attempt: Attempt
    watermark: HighWaterMark | None = None

    async def run(self) -> AttemptResult:
        """Return how the attempt ended; it starts only if the watermark of its handler lets it."""
        lease, attempt, watermark = self
        result = None
        try:
            if watermark is not None:
                result = await self._check_watermark(watermark)
            if result is None:
                if attempt.success is None:
                    error = await lease.runtime.attempt(
                        attempt.handler, attempt.arguments, attempt.seconds
                    )
                    result = SUCCEEDED if error is None else AttemptResult(error)
                else:
                    result = await self._transact(attempt.success)
                if watermark is not None:
                    await self._release_watermark(result)
        except CancelledError as cancelled:
            await self.hand_over(cancelled, result)
            raise
        if isinstance(result.error, StillRunning):
            lease.runtime.run_shielded(self.watch_thread(result.error))
        return result

    async def hand_over(self, cancelled: CancelledError, result: AttemptResult | None) -> None:
        """Release the lease of a cancelled run, or pass it to a thread that still runs."""
        if isinstance(still := cancelled.__cause__, StillRunning):
            self.lease.runtime.run_shielded(self.watch_thread(still))
        else:
            await self.lease.runtime.run_shielded(self._release_lease(result))

    async def _check_watermark(self, watermark: HighWaterMark) -> AttemptResult | None:
        """Return the result where *watermark* does not permit the handler to run."""
        grant = await self.lease.execute(watermark.step(GuardStep.BEGIN))
        if grant.decision is GuardDecision.SUPERSEDED:
            return AttemptResult(outcome=HandlerOutcome.SUPERSEDED)
        if grant.decision is GuardDecision.BUSY:
            return AttemptResult(RetryLater(grant.wait))
        return None

    async def _transact(self, success: Finish) -> AttemptResult:
        lease, attempt, watermark = self
        also = () if watermark is None else (watermark.step(GuardStep.DONE),)
        call = partial(call_handler, attempt.handler, attempt.arguments)
        transaction = RunInTransaction(call, success, also)
        error, state = await lease.runtime.transact(lease.store, transaction, attempt.seconds)
        return AttemptResult(error, state=None if error else state)

    async def _release_watermark(self, result: AttemptResult) -> None:
        """Admit the next event of the entity; a discarded event counts as handled."""
        recorded = result.state not in (None, State.LOST)
        if self.watermark is None or recorded or isinstance(result.error, StillRunning):
            return
        handled = result.state is None and isinstance(result.error, Discard | None)
        step = self.watermark.step(GuardStep.DONE if handled else GuardStep.RELEASE)
        try:
            await self.lease.execute(step)
        except Unavailable as error:
            if not handled:
                raise
            await self.lease.repeat(step, error)

    async def _release_lease(self, result: AttemptResult | None) -> None:
        """Release the lease, with the success that is not yet recorded."""
        result = result or AttemptResult(CancelledError())
        with suppress(Unavailable, CancelledError):
            await self._release_watermark(result)
        await self.lease.release(None if result.error else self.attempt.handler.name)

    async def watch_thread(self, still: StillRunning) -> None:
        """Keep the lease while the thread runs, so that no other process runs the handler."""
        lease, late, name = self.lease, self.attempt.late, self.attempt.handler.name
        while not await still.ended_within(lease.store.lease.total_seconds() / 3):
            await lease.finish_best_effort(State.RUNNING)
        error = still.thread.result()
        with suppress(Unavailable, CancelledError):
            await self._release_watermark(AttemptResult(error))
        if error is not None:
            await lease.finish_best_effort(late.failed)
        else:
            await lease.finish_best_effort(late.succeeded, name, late.jobs)
