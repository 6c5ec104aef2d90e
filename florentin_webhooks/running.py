"""Run the handlers of one delivery, or of one queue's part of it, and record how each ended.

Whoever comes here holds a lease. Each success is recorded before the next handler starts, so that a
crash in the third does not repeat the first two; all of them run even if one fails; and the last
record closes the delivery, hands it to the queues, or leaves it to be retried.
"""

from __future__ import annotations

import time
from asyncio import CancelledError
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from florentin_webhooks._run import Attempt, StillRunning
from florentin_webhooks.guards import OnceGuard, Watermark
from florentin_webhooks.journal import handler_discarded, handler_failed
from florentin_webhooks.signals import Discard, RetryLater
from florentin_webhooks.stores import Ending, State
from florentin_webhooks.stores.working import Permission, Step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from florentin_webhooks.deliveries import Delivery
    from florentin_webhooks.events import Event
    from florentin_webhooks.handlers import Handler
    from florentin_webhooks.leases import Lease
    from florentin_webhooks.queues import Job

__all__ = ["Close", "Failure", "Run"]


class Failure(NamedTuple):
    """Hold what a handler raised."""

    handler: str
    error: BaseException

    @property
    def reason(self) -> str:
        """Say which handler failed and how, without the error's text, which may quote a payload."""
        return f"{self.handler}: {type(self.error).__name__}"


class Close(NamedTuple):
    """Say what becomes of a delivery when its handlers have *succeeded*, and when not."""

    succeeded: State = State.DONE
    failed: State = State.FAILED
    jobs: tuple[Job, ...] = ()

    @classmethod
    def inline(cls, jobs: tuple[Job, ...]) -> Close:
        """Give the close of inline handlers: their success and the push of *jobs* are one step."""
        return cls(succeeded=State.QUEUED if jobs else State.DONE, jobs=jobs)


class Run:
    """Run handlers under *lease*, and close with *close*.

    *seconds* is what each handler has; for a queue's part, what all of them have together.
    *failures* is what was raised, in order.
    """

    def __init__(self, lease: Lease, seconds: float, close: Close) -> None:
        self.failures: list[Failure] = []
        self._lease = lease
        self._seconds = seconds
        self._close = close
        self._deadline = time.monotonic() + seconds if lease.part else float("inf")

    async def all(self, handlers: Sequence[Handler], event: Event, delivery: Delivery) -> State:
        """Run *handlers* in order and give the state in which the delivery was left.

        A cancelled run gives its lease back, so that the next attempt need not wait for its end.
        """
        if not handlers:
            return await self.nothing()
        own = replace(delivery, fingerprint=self._lease.key, guard=self._once)
        state = State.LOST
        for left, handler in zip(range(len(handlers) - 1, -1, -1), handlers, strict=True):
            # Each handler has an event of its own: payloads hold dicts, which can be changed.
            copy = event.model_copy(deep=True) if left else event
            state = await self._one(handler, copy, own, last=not left)
            if state is State.LOST or self._is_over():
                break
        return state

    async def nothing(self) -> State:
        """Close without running anything: nothing is left, or nothing can be run."""
        return await self._record(None, Ending.DONE, last=True)

    @property
    def postponed(self) -> float | None:
        """Give the seconds to wait where every failure is a :class:`RetryLater`, else None."""
        waits = [f.error.seconds for f in self.failures if isinstance(f.error, RetryLater)]
        return max(waits) if waits and len(waits) == len(self.failures) else None

    async def _one(
        self, handler: Handler, event: Event, delivery: Delivery, *, last: bool
    ) -> State:
        error, ending = await self._guarded(handler, event, delivery, last=last)
        if isinstance(error, Discard):
            handler_discarded(handler.name, self._lease.key)
            error, ending = None, Ending.DISCARDED
        if error is None and self._is_over():
            # The alarm rings once: a handler that returned after it has swallowed it.
            error = TimeoutError("the handler's time was over before it returned")
        if error is not None:
            handler_failed(handler.name, self._lease.key, error)
            self.failures.append(Failure(handler.name, error))
        if isinstance(error, StillRunning):
            self._lease.program.later(self._when_ended(handler, error, last=last))
            return State.LOST
        name = handler.name if error is None else None
        try:
            return await self._record(name, ending, last=last or self._is_over())
        except CancelledError:
            if not last:  # The last record gives the lease back by itself.
                await self._lease.program.later(self._lease.release(name))
            raise

    async def _guarded(
        self, handler: Handler, event: Event, delivery: Delivery, *, last: bool
    ) -> tuple[Attempt, Ending]:
        try:
            watermark = Watermark.of(handler, event, self._lease.token)
        except Exception as raised:  # noqa: BLE001 - the user's own function: it fails its handler.
            return raised, Ending.DONE
        if watermark is None:
            return await self._attempt(handler, event, delivery, last=last), Ending.DONE
        permit = await self._lease.ask(watermark.step(Step.BEGIN))
        if permit.permission is Permission.SUPERSEDED:
            return None, Ending.SUPERSEDED
        if permit.permission is Permission.BUSY:
            return RetryLater(permit.wait), Ending.DONE
        error = await self._attempt(handler, event, delivery, last=last)
        await self._lease.ask(watermark.step(Step.RELEASE if error else Step.DONE))
        return error, Ending.DONE

    async def _attempt(
        self, handler: Handler, event: Event, delivery: Delivery, *, last: bool
    ) -> Attempt:
        arguments = (event, delivery) if handler.takes_delivery else (event,)
        program = self._lease.program
        try:
            return await program.attempt(handler, arguments, self._seconds)
        except CancelledError as cancelled:
            if isinstance(still := cancelled.__cause__, StillRunning):
                program.later(self._when_ended(handler, still, last=last))
            else:
                await program.later(self._lease.release())
            raise

    def _once(self, label: str) -> OnceGuard:
        lease = self._lease
        return OnceGuard(lease.store, bytes.fromhex(lease.key), label, lease.token)

    def _is_over(self) -> bool:
        return time.monotonic() >= self._deadline

    async def _record(self, handler: str | None, ending: Ending, *, last: bool) -> State:
        state = State.RUNNING
        if last:
            state = self._close.failed if self.failures else self._close.succeeded
        if last and self._lease.part and self.postponed is not None:
            state = State.QUEUED
        reason = "; ".join(failure.reason for failure in self.failures)
        jobs = self._close.jobs
        return await self._lease.finish(state, handler, ending, reason=reason, jobs=jobs)

    async def _when_ended(self, handler: Handler, still: StillRunning, *, last: bool) -> None:
        """Keep the lease while the thread runs, so that nobody runs the handler beside it."""
        lease, close = self._lease, self._close
        while not await still.ended_within(lease.store.lease.total_seconds() / 3):
            await lease.settle(State.RUNNING)
        if still.thread.result() is not None:
            await lease.settle(close.failed)
            return
        clean = last and all(isinstance(each.error, StillRunning) for each in self.failures)
        await lease.settle(close.succeeded if clean else close.failed, handler.name, close.jobs)
