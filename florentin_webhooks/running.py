"""Run the handlers of one accepted delivery and record how each of them ended.

Whoever comes here holds the delivery's lease. Each success is recorded before the next handler
starts, so that a crash in the third does not repeat the first two; all of them run even if one
fails; and the last record closes the delivery or leaves it to be retried.
"""

from __future__ import annotations

from asyncio import CancelledError
from secrets import token_bytes
from typing import TYPE_CHECKING

from florentin_webhooks._run import Attempt, Program, StillRunning
from florentin_webhooks.errors import HandlerFailed, Unavailable
from florentin_webhooks.identity import trace
from florentin_webhooks.journal import handler_failed, logger, note_delivery_id
from florentin_webhooks.stores import Accept, Claim, Finish, State, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from florentin_webhooks.deliveries import Delivery
    from florentin_webhooks.events import Event
    from florentin_webhooks.handlers import Handler
    from florentin_webhooks.stores import Store

__all__ = ["Run"]

_KEPT = "a lease was not given back and runs until its end: %s"


class Run:
    """Take a delivery's lease, run its handlers and give the lease back.

    *seconds* is what each handler has. *key* is the fingerprint under which the delivery counts.
    """

    __slots__ = ("_failures", "_program", "_seconds", "_store", "_token", "key")

    def __init__(self, program: Program, store: Store, seconds: float) -> None:
        self._program = program
        self._store = store
        self._seconds = seconds
        self._token = token_bytes(8)
        self._failures: list[BaseException] = []
        self.key = ""

    async def claim(self, delivery: Delivery, *, fresh: bool, valid: bool) -> Claim:
        """Ask the store what is to be done; RUN comes with the lease.

        A program that is cancelled while it waits gives back the lease that it may have got.
        """
        self.key = delivery.fingerprint
        seen = trace(delivery.delivery_id, delivery.body)
        key = bytes.fromhex(delivery.fingerprint)
        accept = Accept(key, seen, self._token, delivery, fresh=fresh, valid=valid)
        try:
            claim = await self._program.ask(self._store, accept)
        except CancelledError:
            await self._program.later(self._decline(accept))
            raise
        self.key = claim.key.hex()
        note_delivery_id(claim, delivery)
        return claim

    async def all(self, handlers: Sequence[Handler], event: Event, delivery: Delivery) -> State:
        """Run *handlers* in order and give the state in which the delivery was left.

        Raises :class:`HandlerFailed` with everything that was raised. A cancelled run gives its
        lease back, so that the next attempt need not wait for its end.
        """
        state = State.RUNNING if handlers else await self._record(State.DONE)
        for left, handler in zip(range(len(handlers) - 1, -1, -1), handlers, strict=True):
            # Each handler has an event of its own: payloads hold dicts, which can be changed.
            own = event.model_copy(deep=True) if left else event
            state = await self._one(handler, (own, delivery), last=not left)
            if state is State.LOST:
                break
        if self._failures:
            raise HandlerFailed(BaseExceptionGroup("handlers failed", self._failures))
        return state

    async def _one(
        self, handler: Handler, arguments: tuple[Event, Delivery], *, last: bool
    ) -> State:
        error = await self._attempt(handler, arguments, last=last)
        if error is not None:
            handler_failed(handler.name, self.key, error)
            self._failures.append(error)
        if isinstance(error, StillRunning):
            self._program.later(self._when_ended(handler, error, last=last))
            return State.LOST
        done = None if error else handler.name
        try:
            return await self._record(self._after(last=last), done)
        except CancelledError:
            if not last:  # The last record gives the lease back by itself.
                await self._program.later(self._close(State.FAILED, done))
            raise

    async def _attempt(
        self, handler: Handler, arguments: tuple[Event, Delivery], *, last: bool
    ) -> Attempt:
        given = arguments if handler.takes_delivery else arguments[:1]
        try:
            return await self._program.attempt(handler, given, self._seconds)
        except CancelledError as cancelled:
            if isinstance(still := cancelled.__cause__, StillRunning):
                self._program.later(self._when_ended(handler, still, last=last))
            else:
                await self._program.later(self._close(State.FAILED, None))
            raise

    def _after(self, *, last: bool) -> State:
        if not last:
            return State.RUNNING
        return State.FAILED if self._failures else State.DONE

    async def _record(self, state: State, handler: str | None = None) -> State:
        finish = Finish(bytes.fromhex(self.key), self._token, state, handler)
        return await self._program.ask(self._store, finish)

    async def _decline(self, accept: Accept) -> None:
        """Ask again, which tells whether there is a lease and of which delivery; give it back."""
        try:
            claim = await self._program.ask(self._store, accept)
        except Unavailable as error:
            logger.warning(_KEPT, error)
            return
        if claim.verdict is Verdict.RUN:
            self.key = claim.key.hex()
            await self._close(State.FAILED, None)

    async def _when_ended(self, handler: Handler, still: StillRunning, *, last: bool) -> None:
        """Keep the lease while the thread runs, so that nobody runs the handler beside it."""
        while not await still.ended_within(self._store.lease.total_seconds() / 3):
            await self._close(State.RUNNING, None)
        if still.thread.result() is None:
            clean = last and all(isinstance(each, StillRunning) for each in self._failures)
            await self._close(State.DONE if clean else State.FAILED, handler.name)
        else:
            await self._close(State.FAILED, None)

    async def _close(self, state: State, handler: str | None) -> None:
        try:
            await self._record(state, handler)
        except Unavailable as error:
            logger.warning(_KEPT, error)
        except CancelledError:
            pass  # The event loop ends. What was asked is on its way.
