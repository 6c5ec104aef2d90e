"""Record a genuine delivery, run its handlers, and decide the reply."""

from __future__ import annotations

from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING

from florentin_webhooks.core.defaults import On_co
from florentin_webhooks.core.log import log_missing_store
from florentin_webhooks.core.processing import outcomes
from florentin_webhooks.core.processing.attempt import INLINE_STATES, FinalStates
from florentin_webhooks.core.processing.lease import Lease
from florentin_webhooks.core.processing.runner import HandlerRunner
from florentin_webhooks.core.routing.dispatch import EMPTY_PLAN
from florentin_webhooks.core.routing.registry import HandlerRegistry
from florentin_webhooks.core.stores.accept import AcceptDecision
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.errors import InvalidEvent, Unavailable
from florentin_webhooks.protocol import replies
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.protocol.event import PROBE_EVENT, copy_event, parse_event

if TYPE_CHECKING:
    from collections.abc import Mapping

    from florentin_webhooks.core.log import DeliveryLog
    from florentin_webhooks.core.processing.report import Reporter
    from florentin_webhooks.core.processing.runtime import Runtime
    from florentin_webhooks.core.stores.base import Store
    from florentin_webhooks.errors import StaleDelivery
    from florentin_webhooks.protocol.delivery import Delivery, Reply
    from florentin_webhooks.protocol.fingerprint import Identity
    from florentin_webhooks.senders.base import Sender

__all__ = ["DeliveryProcessor"]


class DeliveryProcessor(HandlerRegistry[On_co]):
    """The way of a genuine delivery through the store and the handlers."""

    store: Store
    sender: Sender
    identity: Identity
    reporter: Reporter
    _log: DeliveryLog
    _seconds: float
    _has_started: bool
    _is_store_missing: bool

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
            self._start()
        lease = Lease(runtime, self.store, identity=identity or self.identity)
        try:
            reply = await self._process(delivery, envelope, lease, stale)
        except Unavailable as error:
            reply = outcomes.reply_for_error(error)
        self._log.delivery(reply, delivery, lease.key or delivery.fingerprint)
        if notifier:
            notifier.answered(reply, delivery, lease.key or delivery.fingerprint, began)
        return reply

    async def _process(
        self,
        delivery: Delivery,
        envelope: Mapping[str, object],
        lease: Lease,
        stale: StaleDelivery | None,
    ) -> Reply:
        fresh, plan = stale is None, self.dispatcher.plan(delivery.event)
        if self.dispatcher.batching is not None:
            plan = self.dispatcher.plan_delivery(delivery.event, envelope)
        # Also without an id, which may be unsigned: a cluster finds the same bytes under any.
        content = self.sender.retry_content(delivery.delivery_id or "", delivery.body)
        try:
            event = parse_event(delivery.event, envelope, plan.model)
        except InvalidEvent as error:
            reason = (stale or error).message
            claim = await lease.claim(
                delivery, content, EMPTY_PLAN, fresh=fresh, valid=False, reason=reason
            )
            return outcomes.reply_for_claim(claim, stale, error)
        if fresh and not (plan.inline or plan.queued):
            return outcomes.reply_without_handlers(delivery)
        if stale is not None and delivery.event == PROBE_EVENT:
            return outcomes.reply_for_error(stale)
        reason = stale.message if stale else ""
        claim = await lease.claim(delivery, content, plan, fresh=fresh, reason=reason)
        if claim.decision is not AcceptDecision.RUN:
            return outcomes.reply_for_claim(claim, stale)
        remaining = plan.excluding(claim.done) if claim.done else plan
        jobs = remaining.jobs(lease.key) if remaining.queued else ()
        again = partial(copy_event, delivery.event, envelope, plan.model)
        states = FinalStates(State.QUEUED, jobs=jobs) if jobs else INLINE_STATES
        runner = HandlerRunner(lease, self._seconds, states, self.reporter, claim.attempt)
        result = await runner.run(remaining.inline, event, delivery, again)
        if result.state is State.DONE and not result.failures:
            return replies.success(Outcome.PROCESSED, lease.key)
        if result.failures:
            await self.reporter.failed(lease.runtime, result.failures)
        return outcomes.reply_for_run(result, lease)

    def _start(self) -> None:
        self._has_started = True
        self.router.freeze(
            "The first delivery has arrived.", "Register handlers when modules are imported."
        )
        if self._is_store_missing:
            log_missing_store()
