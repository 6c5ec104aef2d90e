"""Acquire the lease of a delivery, or of one queue's part of it, and always release it.

The holder of a lease may run handlers. Every later change needs the token that was drawn here, so
that a late holder, a second process, or a command that was sent twice never counts.
"""

from __future__ import annotations

import os
import time
from asyncio import CancelledError
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, TypeVar

from florentin_webhooks.core.log import log_id_anomaly, log_lost_record, logger
from florentin_webhooks.core.stores.accept import (
    Accept,
    AcceptDecision,
    Claim,
    Finish,
    HandlerOutcome,
)
from florentin_webhooks.core.stores.base import State, aexecute_again, execute_again
from florentin_webhooks.core.stores.jobs import ClaimJob, JobClaim, JobDecision
from florentin_webhooks.errors import Unavailable
from florentin_webhooks.protocol.fingerprint import NO_IDENTITY
from florentin_webhooks.protocol.frozen import new_object

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from florentin_webhooks.core.processing.runtime import Runtime
    from florentin_webhooks.core.queue import Job
    from florentin_webhooks.core.routing.dispatch import DispatchPlan
    from florentin_webhooks.core.stores.base import Operation, Store
    from florentin_webhooks.protocol.delivery import Delivery
    from florentin_webhooks.protocol.fingerprint import Identity

__all__ = ["Lease"]

A = TypeVar("A")

# Tokens must differ, and are not secret: a fifth of the time of the system's generator. A program
# may seed the shared generator of the module random in every process, and a fork copies ours.
_random = Random()  # noqa: S311
_draw = _random.getrandbits
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_random.seed)


class Lease:
    """A token, and with it the lease of the delivery *key*, which is a fingerprint.

    *part* is the queue's part that is leased, None for inline handlers; *seconds* its duration,
    from *claimed_at* of the monotonic clock. *identity* is the receiver's.
    """

    __slots__ = (
        *("claimed_at", "identity", "is_immediate", "key", "part", "runtime", "seconds", "store"),
        *("store_is_immediate", "token"),
    )

    def __init__(
        self,
        runtime: Runtime,
        store: Store,
        part: Job | None = None,
        identity: Identity = NO_IDENTITY,
    ) -> None:
        self.runtime = runtime
        self.store = store
        self.part = part
        self.identity = identity
        self.token = _draw(64).to_bytes(8, "little")
        self.store_is_immediate = getattr(store, "is_immediate", False)
        self.is_immediate = self.store_is_immediate or runtime.is_blocking
        self.key = ""
        self.seconds = store.lease.total_seconds()
        self.claimed_at = 0.0

    def accept(
        self,
        delivery: Delivery,
        content: bytes | None,
        plan: DispatchPlan,
        fresh: bool,
        valid: bool,
        reason: str,
    ) -> Accept:
        """Return the operation that asks for the lease of *delivery*; pass it to :meth:`claim`.

        *content* is what its retries have in common, as the sender says; *reason* is why it is not
        *fresh* or not *valid*.
        """
        self.key = delivery.fingerprint
        key = bytes.fromhex(delivery.fingerprint)
        identity = self.identity
        trace = identity.retry_key(delivery.key_id, delivery.delivery_id, content)
        accept = new_object(Accept)  # As Accept(...), without a call of its __init__ from C.
        accept.key = key
        accept.trace = trace
        accept.token = self.token
        accept.delivery = delivery
        accept.fresh = fresh
        accept.valid = valid
        accept.inline = bool(plan.inline)
        accept.jobs = plan.jobs(delivery.fingerprint) if plan.queued else ()
        accept.identity = identity
        accept.reason = reason
        accept.content = content
        self.claimed_at = time.monotonic()
        return accept

    async def claim(self, accept: Accept, plan: DispatchPlan) -> Claim:
        """Ask the store what to do with a delivery; the decision RUN comes with the lease."""
        claim = await self.ask(accept)
        return await self.follow(claim, accept, plan)

    async def follow(self, claim: Claim, accept: Accept, plan: DispatchPlan) -> Claim:
        """Return the *claim* that counts, where a delivery has come under another key or id."""
        if claim.key != accept.key:
            self.key = claim.key.hex()
        if claim.decision is AcceptDecision.ELSEWHERE:
            first = replace(accept.delivery, fingerprint=self.key)
            state = accept.content, plan, accept.fresh, accept.valid, accept.reason
            return await self.claim(self.accept(first, *state), plan)
        if claim.id_reused or claim.id_changed:
            log_id_anomaly(claim, accept.delivery)
        return claim

    async def ask(self, accept: Accept) -> Claim:
        """Execute *accept*; a cancelled caller releases the lease that it may have acquired."""
        if self.is_immediate:
            return self.store.execute(accept)
        try:
            return await self.store.aexecute(accept)
        except CancelledError:
            await self.withdraw(accept)
            raise

    def withdraw(self, accept: Accept) -> Awaitable[None]:
        """Release the lease that *accept*, whose caller was cancelled, may have acquired."""
        return self.runtime.run_shielded(self._release_unanswered(accept))

    async def claim_job(
        self, part: Job, fingerprint: str, seconds: float, *, is_path_ours: bool
    ) -> JobClaim:
        """Ask the store for the lease of *part*, for *seconds*."""
        self.key, self.seconds = fingerprint, seconds
        key, key_ids = bytes.fromhex(fingerprint), self.identity.all_key_ids
        claim = await self.execute(ClaimJob(key, self.token, part, seconds, key_ids, is_path_ours))
        if claim.decision is JobDecision.GONE:
            log_lost_record(fingerprint, part.queue)
        return claim

    async def execute(self, operation: Operation[A]) -> A:
        """Execute *operation* in the store."""
        if self.is_immediate:
            return self.store.execute(operation)
        return await self.store.aexecute(operation)

    async def repeat(self, operation: Operation[A], error: Unavailable) -> A:
        """Execute *operation*, which has met *error*, again; raises it after some seconds."""
        if self.part is not None:  # The client of a worker has waited.
            raise error
        if self.is_immediate:
            return execute_again(self.store, operation, error)
        return await aexecute_again(self.store, operation, error)

    def finish(
        self,
        state: State,
        handler: str | None = None,
        outcome: HandlerOutcome = HandlerOutcome.DONE,
        *,
        reason: str = "",
        jobs: tuple[Job, ...] = (),
        note: str = "",
        wait: float | None = None,
    ) -> Finish:
        """Return the operation that records how *handler* ended and moves the delivery on."""
        key = bytes.fromhex(self.key)
        pushed = jobs if state is State.QUEUED else ()
        return Finish(
            key, self.token, state, handler, outcome, reason, self.part, pushed, note, wait
        )

    async def record(self, finish: Finish) -> State:
        """Execute *finish*, also where a worker's alarm rings; return the delivery's state.

        The success of a handler is sent again for some seconds while the store does not answer.
        """
        try:
            if self.is_immediate and self.part is None:
                return self.store.execute(finish)
            return await self.execute(finish)
        except Unavailable as error:
            if finish.handler is None:
                raise
            return await self.repeat(finish, error)
        except Exception:
            # A worker's alarm may ring here. It rings once, and a finish counts once.
            if self.part is None:
                raise
            return await self.execute(finish)

    async def release(self, handler: str | None = None) -> None:
        """Release the lease, so that the next attempt need not wait until it expires."""
        await self.finish_best_effort(State.QUEUED if self.part else State.FAILED, handler)

    async def finish_best_effort(
        self, state: State, handler: str | None = None, jobs: tuple[Job, ...] = ()
    ) -> None:
        """Record *state*, best effort: log a failure, never raise."""
        try:
            await self.execute(self.finish(state, handler, jobs=jobs))
        except Unavailable as error:
            logger.warning("A lease could not be released and runs until it expires: %s", error)
        except CancelledError:
            pass  # The event loop ends. The operation is on its way.

    async def _release_unanswered(self, accept: Accept) -> None:
        """Send *accept* again to learn of which delivery the lease is; release it."""
        try:
            claim = await self.execute(accept)
        except Unavailable as error:
            logger.warning("A lease may not have been released: %s", error)
            return
        if claim.decision is AcceptDecision.RUN:
            self.key = claim.key.hex()
            await self.release()
