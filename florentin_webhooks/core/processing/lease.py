"""Take the lease of a delivery, or of one queue's part of it, and give it back in any event.

Whoever holds it may run handlers. What is recorded needs the token that was drawn here, so a late
owner, a second process, or a command that was sent twice never counts.
"""

from __future__ import annotations

from asyncio import CancelledError
from dataclasses import replace
from secrets import token_bytes
from typing import TYPE_CHECKING, TypeVar

from florentin_webhooks.core.log import log_id_anomaly, logger
from florentin_webhooks.core.stores.accept import (
    Accept,
    AcceptDecision,
    Claim,
    Finish,
    HandlerOutcome,
)
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.jobs import ClaimJob, JobClaim
from florentin_webhooks.errors import Unavailable
from florentin_webhooks.protocol.fingerprint import retry_key

if TYPE_CHECKING:
    from florentin_webhooks.core.processing.runtime import Runtime
    from florentin_webhooks.core.queue import Job
    from florentin_webhooks.core.routing.dispatch import DispatchPlan
    from florentin_webhooks.core.stores.base import Operation, Store
    from florentin_webhooks.protocol.delivery import Delivery

__all__ = ["Lease"]

A = TypeVar("A")


class Lease:
    """Hold a token, and with it the lease of what *key*, a fingerprint, stands for.

    *part* is the queue's part that is leased, None for what runs inline; *seconds* how long.
    """

    def __init__(self, program: Runtime, store: Store, part: Job | None = None) -> None:
        self.program = program
        self.store = store
        self.part = part
        self.token = token_bytes(8)
        self.key = ""
        self.seconds = store.lease.total_seconds()

    async def claim(
        self, delivery: Delivery, wanted: DispatchPlan, *, fresh: bool, valid: bool = True
    ) -> Claim:
        """Ask the store what is to be done; RUN comes with the lease.

        A program that is cancelled while it waits gives back the lease that it may have got.
        """
        self.key = delivery.fingerprint
        accept = Accept(
            bytes.fromhex(delivery.fingerprint),
            retry_key(delivery.delivery_id, delivery.body),
            self.token,
            delivery,
            fresh=fresh,
            valid=valid,
            inline=bool(wanted.inline),
            jobs=wanted.jobs(delivery.fingerprint),
        )
        try:
            claim = await self.execute(accept)
        except CancelledError:
            await self.program.run_shielded(self._release_unanswered(accept))
            raise
        self.key = claim.key.hex()
        if claim.verdict is AcceptDecision.ELSEWHERE:
            first = replace(delivery, fingerprint=self.key)
            return await self.claim(first, wanted, fresh=fresh, valid=valid)
        log_id_anomaly(claim, delivery)
        return claim

    async def claim_job(self, part: Job, fingerprint: str, seconds: float) -> JobClaim:
        """Ask the store for the lease of *part*, for *seconds*."""
        self.key, self.seconds = fingerprint, seconds
        return await self.execute(ClaimJob(bytes.fromhex(fingerprint), self.token, part, seconds))

    async def execute(self, operation: Operation[A]) -> A:
        """Have the store carry out *operation*."""
        return await self.program.ask(self.store, operation)

    def finish(
        self,
        state: State,
        handler: str | None = None,
        ending: HandlerOutcome = HandlerOutcome.DONE,
        *,
        reason: str = "",
        jobs: tuple[Job, ...] = (),
    ) -> Finish:
        """Give what records that *handler* has ended, and moves the delivery on."""
        key = bytes.fromhex(self.key)
        pushed = jobs if state is State.QUEUED else ()
        return Finish(key, self.token, state, handler, ending, reason, self.part, pushed)

    async def release(self, handler: str | None = None) -> None:
        """Give the lease back, so that the next attempt need not wait for its end."""
        await self.finish_best_effort(State.QUEUED if self.part else State.FAILED, handler)

    async def finish_best_effort(
        self, state: State, handler: str | None = None, jobs: tuple[Job, ...] = ()
    ) -> None:
        """Finish where nobody is left who could be told that it did not work."""
        try:
            await self.execute(self.finish(state, handler, jobs=jobs))
        except Unavailable as error:
            logger.warning("a lease was not given back and runs until its end: %s", error)
        except CancelledError:
            pass  # The event loop ends. What was asked is on its way.

    async def _release_unanswered(self, accept: Accept) -> None:
        """Ask again, which tells whether there is a lease and of which delivery; give it back."""
        try:
            claim = await self.execute(accept)
        except Unavailable as error:
            logger.warning("a lease may not have been given back: %s", error)
            return
        if claim.verdict is AcceptDecision.RUN:
            self.key = claim.key.hex()
            await self.release()
