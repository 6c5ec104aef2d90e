"""Attempt one handler: behind its watermark, and in the store's transaction where it is atomic.

Whatever it raises is given, not raised. A thread that outlives its handler's time keeps the lease.
"""

from __future__ import annotations

from asyncio import CancelledError
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from florentin_webhooks.core.processing.idempotency import HighWaterMark
from florentin_webhooks.core.processing.runtime import StillRunning, call_handler
from florentin_webhooks.core.routing.exceptions import Discard, RetryLater
from florentin_webhooks.core.stores.accept import HandlerOutcome
from florentin_webhooks.core.stores.atomic import RunInTransaction
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.guards import GuardDecision, GuardStep
from florentin_webhooks.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from florentin_webhooks.core.processing.lease import Lease
    from florentin_webhooks.core.queue import Job
    from florentin_webhooks.core.routing.handler import Handler
    from florentin_webhooks.core.stores.accept import Finish
    from florentin_webhooks.senders.florentin.events import Event

__all__ = ["AttemptResult", "FinalStates", "HandlerAttempt"]


class FinalStates(NamedTuple):
    """Say what becomes of a delivery when its handlers have *succeeded*, and when not."""

    succeeded: State = State.DONE
    failed: State = State.FAILED
    jobs: tuple[Job, ...] = ()

    @classmethod
    def inline(cls, jobs: tuple[Job, ...]) -> FinalStates:
        """Give the close of inline handlers: their success and the push of *jobs* are one step."""
        return cls(succeeded=State.QUEUED if jobs else State.DONE, jobs=jobs)


class AttemptResult(NamedTuple):
    """Say how an attempt ended: what was raised, and the *state* where that is recorded already."""

    error: BaseException | None = None
    ending: HandlerOutcome = HandlerOutcome.DONE
    state: State | None = None


@dataclass(frozen=True, slots=True)
class HandlerAttempt:
    """Attempt *handler* under *lease*; *finish* gives what records its success."""

    lease: Lease
    handler: Handler
    close: FinalStates
    finish: Callable[[], Finish]

    async def run(
        self,
        event: Event,
        arguments: tuple[object, ...],
        seconds: float,
        clean: Callable[[], bool],
    ) -> AttemptResult:
        """Run the handler, for *seconds*, unless something newer than *event* was handled.

        Raises CancelledError where the program was cancelled, after the lease was taken care of.
        *clean* says, when a thread ends late, whether it was all that was missing.
        """
        try:
            watermark = HighWaterMark.of(self.handler, event, self.lease.token, self.lease.seconds)
        except Exception as raised:  # noqa: BLE001 - the user's own function: it fails its handler.
            return AttemptResult(raised)
        return await self._behind(watermark, arguments, seconds, clean)

    async def _behind(
        self,
        watermark: HighWaterMark | None,
        arguments: tuple[object, ...],
        seconds: float,
        clean: Callable[[], bool],
    ) -> AttemptResult:
        ended = None
        try:
            ended = await self._check_watermark(watermark)
            if ended is None:
                ended = await self._call(watermark, arguments, seconds)
                await self._release_watermark(watermark, ended)
        except CancelledError as cancelled:
            if isinstance(still := cancelled.__cause__, StillRunning):
                self._watch_thread(still, watermark, clean)
            else:
                await self.lease.program.run_shielded(self._give_back(watermark, ended))
            raise
        if isinstance(ended.error, StillRunning):
            self._watch_thread(ended.error, watermark, clean)
        return ended

    async def _check_watermark(self, watermark: HighWaterMark | None) -> AttemptResult | None:
        """Give how it ends where *watermark* does not let it run."""
        if watermark is None:
            return None
        permit = await self.lease.execute(watermark.step(GuardStep.BEGIN))
        if permit.permission is GuardDecision.SUPERSEDED:
            return AttemptResult(ending=HandlerOutcome.SUPERSEDED)
        return (
            AttemptResult(RetryLater(permit.wait))
            if permit.permission is GuardDecision.BUSY
            else None
        )

    async def _call(
        self, watermark: HighWaterMark | None, arguments: tuple[object, ...], seconds: float
    ) -> AttemptResult:
        program = self.lease.program
        if not self.handler.atomic:
            return AttemptResult(await program.attempt(self.handler, arguments, seconds))
        also = () if watermark is None else (watermark.step(GuardStep.DONE),)
        effect = RunInTransaction(
            partial(call_handler, self.handler, arguments), self.finish(), also
        )
        effected = await program.transact(self.lease.store, effect, seconds)
        return AttemptResult(effected.error, state=None if effected.error else effected.state)

    async def _release_watermark(
        self, watermark: HighWaterMark | None, ended: AttemptResult
    ) -> None:
        """Let the next event of the same entity in; one that was discarded was handled, too."""
        recorded = ended.state not in (None, State.LOST)
        if watermark is None or recorded or isinstance(ended.error, StillRunning):
            return
        handled = ended.state is None and isinstance(ended.error, Discard | None)
        await self.lease.execute(watermark.step(GuardStep.DONE if handled else GuardStep.RELEASE))

    async def _give_back(
        self, watermark: HighWaterMark | None, ended: AttemptResult | None
    ) -> None:
        """Give the lease back, with the success that nobody has recorded yet."""
        ended = ended or AttemptResult(CancelledError())
        with suppress(Unavailable, CancelledError):
            await self._release_watermark(watermark, ended)
        await self.lease.release(None if ended.error else self.handler.name)

    def _watch_thread(
        self, still: StillRunning, watermark: HighWaterMark | None, clean: Callable[[], bool]
    ) -> None:
        self.lease.program.run_shielded(self._when_ended(still, watermark, clean))

    async def _when_ended(
        self, still: StillRunning, watermark: HighWaterMark | None, clean: Callable[[], bool]
    ) -> None:
        """Keep the lease while the thread runs, so that nobody runs the handler beside it."""
        lease, close = self.lease, self.close
        while not await still.ended_within(lease.store.lease.total_seconds() / 3):
            await lease.finish_best_effort(State.RUNNING)
        with suppress(Unavailable, CancelledError):
            await self._release_watermark(watermark, AttemptResult(still.thread.result()))
        if still.thread.result() is not None:
            await lease.finish_best_effort(close.failed)
        elif clean():
            await lease.finish_best_effort(close.succeeded, self.handler.name, close.jobs)
        else:
            await lease.finish_best_effort(close.failed, self.handler.name, close.jobs)
