"""Record a genuine delivery, run its handlers, and decide the reply."""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Final

from florentin_webhooks.core.defaults import On_co
from florentin_webhooks.core.log import log_missing_store
from florentin_webhooks.core.processing import outcomes
from florentin_webhooks.core.processing.lease import Lease
from florentin_webhooks.core.processing.loops import do_work
from florentin_webhooks.core.processing.plain_runner import InlineRuns
from florentin_webhooks.core.processing.restore import restore_delivery
from florentin_webhooks.core.processing.runtime import returning
from florentin_webhooks.core.routing.dispatch import EMPTY_PLAN
from florentin_webhooks.core.spool import restore_identity, spool_entry
from florentin_webhooks.core.stores.accept import AcceptDecision
from florentin_webhooks.errors import InvalidEvent, Unavailable
from florentin_webhooks.protocol import replies
from florentin_webhooks.protocol.event import PROBE_EVENT, parse_event
from florentin_webhooks.protocol.fingerprint import fingerprint

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping
    from typing import Any

    from florentin_webhooks.core.log import DeliveryLog
    from florentin_webhooks.core.processing.runtime import Runtime
    from florentin_webhooks.core.routing.dispatch import DispatchPlan
    from florentin_webhooks.core.spool import DeliverySpool, SpooledDelivery
    from florentin_webhooks.core.stores.accept import Accept, Claim
    from florentin_webhooks.core.stores.base import Store
    from florentin_webhooks.errors import StaleDelivery
    from florentin_webhooks.protocol.delivery import Delivery, Reply
    from florentin_webhooks.protocol.event import Event
    from florentin_webhooks.protocol.fingerprint import Identity
    from florentin_webhooks.senders.base import Sender

__all__ = ["DeliveryProcessor"]

# Constants, since the look-up of an enum's member takes 60 ns: ten are 1.5 % of a delivery.
_RUN: Final = AcceptDecision.RUN


class DeliveryProcessor(InlineRuns[On_co]):
    """The way of a genuine delivery through the store and the handlers."""

    store: Store
    sender: Sender
    identity: Identity
    _log: DeliveryLog
    _has_started: bool
    _is_store_missing: bool
    spool: DeliverySpool | None = None
    """Where deliveries wait while the store does not answer."""
    _start_drain: Callable[[Runtime], None] | None = None
    """Drains the spool in the background, once for all calls. Set if there is a spool."""

    async def process(
        self,
        delivery: Delivery,
        envelope: Mapping[str, object],
        runtime: Runtime,
        stale: StaleDelivery | None = None,
        identity: Identity | None = None,
        began: float | None = None,
    ) -> Reply:
        """Record a genuine delivery and run its handlers, unless it is unknown and *stale*.

        *identity* is that of its tenant, by default the receiver's. *began* is when the flow began,
        of the performance counter, by default now.
        """
        notifier = self.reporter.notifier
        if notifier and began is None:
            began = perf_counter()
        if not self._has_started:
            self._start(runtime)
        lease = Lease(runtime, self.store, identity=identity or self.identity)
        try:
            reply = await self._process(delivery, envelope, lease, stale)
        except Unavailable as error:
            # One that was restored, for a replay, has no digest: its operator sees the error.
            may_wait = stale is None and bool(delivery.digest)
            reply = await self._answer_without_store(error, delivery, lease, may_wait=may_wait)
        else:
            self._log.delivery(reply, delivery, lease.key or delivery.fingerprint)
        if notifier:
            notifier.answered(reply, delivery, lease.key or delivery.fingerprint, began)
        return reply

    async def process_spooled(
        self, waiting: SpooledDelivery, runtime: Runtime, stale: StaleDelivery | None
    ) -> Reply:
        """Process a delivery that waited in the spool, as if it had just arrived.

        It is recorded without running, unless its record says otherwise, if it is *stale*. Raises
        :class:`Unavailable` if the store does not answer, and :class:`MalformedDelivery` if it is
        not what arrived.
        """
        delivery, envelope = restore_delivery(self.sender, waiting.fingerprint, waiting)
        signed_id = delivery.delivery_id if self.sender.signs_delivery_id else None
        delivery = replace(delivery, digest=fingerprint(delivery.body, signed_id))
        lease = Lease(runtime, self.store, identity=restore_identity(waiting, self.identity))
        reply = await self._process(delivery, envelope, lease, stale)
        self._log.delivery(reply, delivery, lease.key or delivery.fingerprint)
        return reply

    async def _answer_without_store(
        self, error: Unavailable, delivery: Delivery, lease: Lease, *, may_wait: bool
    ) -> Reply:
        """Return the reply where the store has raised *error*: the delivery waits, or is refused.

        One whose handlers have run already may wait, too: its record decides what is left to do.
        """
        if self.spool is not None and may_wait:
            entry = spool_entry(delivery, lease.identity, self.identity)
            try:
                append = partial(self.spool.append, entry)
                await do_work(append, is_blocking=lease.runtime.is_blocking)
            except Unavailable as refusal:
                message = f"{error.message} {refusal.message}"
                error = Unavailable(message, refusal.hint, retry_after=error.retry_after)
            else:
                self._log.spooled(delivery, error)
                self.drain_in_background(lease.runtime)
                return replies.spooled(delivery.fingerprint)
        reply = outcomes.reply_for_error(error)
        self._log.delivery(reply, delivery, lease.key or delivery.fingerprint)
        return reply

    def _process(
        self,
        delivery: Delivery,
        envelope: Mapping[str, object],
        lease: Lease,
        stale: StaleDelivery | None,
    ) -> Coroutine[Any, Any, Reply]:
        """Record the delivery, at once where the store does not wait, and return what runs it.

        A coroutine around both would take 0.5 of a delivery's 30 us.
        """
        fresh, plan = stale is None, self.dispatcher.plan(delivery.event)
        if self.dispatcher.batching is not None:
            plan = self.dispatcher.plan_delivery(delivery.event, envelope)
        try:
            event = parse_event(delivery.event, envelope, plan.model)
        except InvalidEvent as error:
            return self._record_invalid(delivery, lease, stale, error)
        is_recorded = delivery.event != PROBE_EVENT if stale else plan.inline or plan.queued
        if not is_recorded:
            return returning(outcomes.reply_without_handlers(delivery, stale))
        # Also without an id, which may be unsigned: a cluster finds the same bytes under any.
        content = self.sender.retry_content(delivery.delivery_id or "", delivery.body)
        reason = stale.message if stale else ""
        accept = lease.accept(delivery, content, plan, fresh, True, reason)
        claim: Claim | None = None
        if lease.is_immediate:
            claim = lease.store.execute(accept)
            decision, key, attempt, _, done, id_reused, id_changed = claim
            if decision is _RUN and key == accept.key and not (id_reused or id_changed):
                # As _run, for nearly all: its call takes 3 % of a delivery in process.
                is_stepped = plan.is_async or lease.runtime.is_blocking
                if is_stepped and not done and self._is_plain(plan, lease):
                    return self._call_each(plan, event, delivery, envelope, lease, key, attempt)
                return self._run(plan, event, delivery, envelope, lease, claim)
        return self._run_claimed(claim, accept, plan, event, envelope, lease, stale)

    async def _run_claimed(
        self,
        claim: Claim | None,
        accept: Accept,
        plan: DispatchPlan,
        event: Event,
        envelope: Mapping[str, object],
        lease: Lease,
        stale: StaleDelivery | None,
    ) -> Reply:
        """Run the handlers if *claim* is the lease; without one, ask the store."""
        if claim is None:
            try:  # As Lease.ask, without its coroutine.
                claim = await lease.store.aexecute(accept)
            except CancelledError:
                await lease.withdraw(accept)
                raise
        decision, key, _, _, _, id_reused, id_changed = claim
        if id_reused or id_changed or key != accept.key:
            claim = await lease.follow(claim, accept, plan)
            decision = claim.decision
        if decision is not _RUN:
            return outcomes.reply_for_claim(claim, stale)
        return await self._run(plan, event, accept.delivery, envelope, lease, claim)

    async def _record_invalid(
        self, delivery: Delivery, lease: Lease, stale: StaleDelivery | None, error: InvalidEvent
    ) -> Reply:
        content = self.sender.retry_content(delivery.delivery_id or "", delivery.body)
        reason = (stale or error).message
        accept = lease.accept(delivery, content, EMPTY_PLAN, stale is None, False, reason)
        claim = await lease.claim(accept, EMPTY_PLAN)
        return outcomes.reply_for_claim(claim, stale, error)

    def _start(self, runtime: Runtime) -> None:
        self._has_started = True
        self.router.freeze(
            "The first delivery has arrived.", "Register handlers when modules are imported."
        )
        if self._is_store_missing:
            log_missing_store()
        self.drain_in_background(runtime)

    def drain_in_background(self, runtime: Runtime) -> None:
        """Drain the spool, if there is one, in the program of *runtime* from now on.

        Mounts call it when they start, if their framework reports that; else the first delivery
        does.
        """
        if self._start_drain is not None:
            self._start_drain(runtime)
