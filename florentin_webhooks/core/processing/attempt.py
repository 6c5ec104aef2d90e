"""Attempt one handler: behind its watermark, and in the store's transaction where it is atomic.

Whatever it raises is given, not raised. A thread that outlives its handler's time keeps the lease.
"""

from __future__ import annotations

from asyncio import CancelledError
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from florentin_webhooks.core.processing.idempotency import Watermark
from florentin_webhooks.core.processing.runtime import StillRunning, call
from florentin_webhooks.core.routing.exceptions import Discard, RetryLater
from florentin_webhooks.core.stores.accept import Ending
from florentin_webhooks.core.stores.atomic import Effect
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.guards import Permission, Step
from florentin_webhooks.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from florentin_webhooks.core.processing.lease import Lease
    from florentin_webhooks.core.queue import Job
    from florentin_webhooks.core.routing.handler import Handler
    from florentin_webhooks.core.stores.accept import Finish
    from florentin_webhooks.senders.florentin.events import Event

__all__ = ["Attempt", "Close", "Ended"]


class Close(NamedTuple):
    """Say what becomes of a delivery when its handlers have *succeeded*, and when not."""

    succeeded: State = State.DONE
    failed: State = State.FAILED
    jobs: tuple[Job, ...] = ()

    @classmethod
    def inline(cls, jobs: tuple[Job, ...]) -> Close:
        """Give the close of inline handlers: their success and the push of *jobs* are one step."""
        return cls(succeeded=State.QUEUED if jobs else State.DONE, jobs=jobs)


class Ended(NamedTuple):
    """Say how an attempt ended: what was raised, and the *state* where that is recorded already."""

    error: BaseException | None = None
    ending: Ending = Ending.DONE
    state: State | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """Attempt *handler* under *lease*; *finish* gives what records its success."""

    lease: Lease
    handler: Handler
    close: Close
    finish: Callable[[], Finish]

    async def run(
        self,
        event: Event,
        arguments: tuple[object, ...],
        seconds: float,
        clean: Callable[[], bool],
    ) -> Ended:
        """Run the handler, for *seconds*, unless something newer than *event* was handled.

        Raises CancelledError where the program was cancelled, after the lease was taken care of.
        *clean* says, when a thread ends late, whether it was all that was missing.
        """
        try:
            watermark = Watermark.of(self.handler, event, self.lease.token, self.lease.seconds)
        except Exception as raised:  # noqa: BLE001 - the user's own function: it fails its handler.
            return Ended(raised)
        return await self._behind(watermark, arguments, seconds, clean)

    async def _behind(
        self,
        watermark: Watermark | None,
        arguments: tuple[object, ...],
        seconds: float,
        clean: Callable[[], bool],
    ) -> Ended:
        ended = None
        try:
            ended = await self._stopped(watermark)
            if ended is None:
                ended = await self._call(watermark, arguments, seconds)
                await self._leave(watermark, ended)
        except CancelledError as cancelled:
            if isinstance(still := cancelled.__cause__, StillRunning):
                self._go_on(still, watermark, clean)
            else:
                await self.lease.program.later(self._give_back(watermark, ended))
            raise
        if isinstance(ended.error, StillRunning):
            self._go_on(ended.error, watermark, clean)
        return ended

    async def _stopped(self, watermark: Watermark | None) -> Ended | None:
        """Give how it ends where *watermark* does not let it run."""
        if watermark is None:
            return None
        permit = await self.lease.ask(watermark.step(Step.BEGIN))
        if permit.permission is Permission.SUPERSEDED:
            return Ended(ending=Ending.SUPERSEDED)
        return Ended(RetryLater(permit.wait)) if permit.permission is Permission.BUSY else None

    async def _call(
        self, watermark: Watermark | None, arguments: tuple[object, ...], seconds: float
    ) -> Ended:
        program = self.lease.program
        if not self.handler.atomic:
            return Ended(await program.attempt(self.handler, arguments, seconds))
        also = () if watermark is None else (watermark.step(Step.DONE),)
        effect = Effect(partial(call, self.handler, arguments), self.finish(), also)
        effected = await program.transact(self.lease.store, effect, seconds)
        return Ended(effected.error, state=None if effected.error else effected.state)

    async def _leave(self, watermark: Watermark | None, ended: Ended) -> None:
        """Let the next event of the same entity in; one that was discarded was handled, too."""
        recorded = ended.state not in (None, State.LOST)
        if watermark is None or recorded or isinstance(ended.error, StillRunning):
            return
        handled = ended.state is None and isinstance(ended.error, Discard | None)
        await self.lease.ask(watermark.step(Step.DONE if handled else Step.RELEASE))

    async def _give_back(self, watermark: Watermark | None, ended: Ended | None) -> None:
        """Give the lease back, with the success that nobody has recorded yet."""
        ended = ended or Ended(CancelledError())
        with suppress(Unavailable, CancelledError):
            await self._leave(watermark, ended)
        await self.lease.release(None if ended.error else self.handler.name)

    def _go_on(
        self, still: StillRunning, watermark: Watermark | None, clean: Callable[[], bool]
    ) -> None:
        self.lease.program.later(self._when_ended(still, watermark, clean))

    async def _when_ended(
        self, still: StillRunning, watermark: Watermark | None, clean: Callable[[], bool]
    ) -> None:
        """Keep the lease while the thread runs, so that nobody runs the handler beside it."""
        lease, close = self.lease, self.close
        while not await still.ended_within(lease.store.lease.total_seconds() / 3):
            await lease.settle(State.RUNNING)
        with suppress(Unavailable, CancelledError):
            await self._leave(watermark, Ended(still.thread.result()))
        if still.thread.result() is not None:
            await lease.settle(close.failed)
        elif clean():
            await lease.settle(close.succeeded, self.handler.name, close.jobs)
        else:
            await lease.settle(close.failed, self.handler.name, close.jobs)
