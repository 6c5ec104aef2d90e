"""Receive a delivery: the one flow from headers and bytes to the reply, for every mount.

Verify, then parse, then record, then reply. The flow does no I/O of its own: the store records, the
runtime runs the handlers, a mount reads bytes and writes the reply.
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Literal, cast, overload

from florentin_webhooks.core.clock import utc_now
from florentin_webhooks.core.config.environment import load_environment
from florentin_webhooks.core.config.keys import ARGUMENTS, load_config
from florentin_webhooks.core.defaults import DEFAULT_SENDER, On_co
from florentin_webhooks.core.live_receivers import ensure_distinct, forget
from florentin_webhooks.core.log import DeliveryLog, log_missing_store
from florentin_webhooks.core.processing import outcomes
from florentin_webhooks.core.processing.attempt import INLINE_STATES, FinalStates
from florentin_webhooks.core.processing.lease import Lease
from florentin_webhooks.core.processing.loops import ensure_asyncio
from florentin_webhooks.core.processing.report import Reporter
from florentin_webhooks.core.processing.runner import HandlerRunner
from florentin_webhooks.core.processing.runtime import (
    AsyncioRuntime,
    Runtime,
    SyncRuntime,
    ensure_no_running_loop,
    run_sync,
)
from florentin_webhooks.core.processing.sender_work import do_answer, do_work
from florentin_webhooks.core.routing.dispatch import EMPTY_PLAN
from florentin_webhooks.core.routing.handler import require_transactions
from florentin_webhooks.core.routing.registry import HandlerRegistry
from florentin_webhooks.core.stores.accept import AcceptDecision
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.retention import extend_retention
from florentin_webhooks.core.validation import validate_store
from florentin_webhooks.core.verifier import VerifiedDelivery, Verifier
from florentin_webhooks.errors import DeliveryTooLarge, InvalidEvent, Rejected, Unavailable
from florentin_webhooks.protocol import replies
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.protocol.deprecation import RenamedAttribute
from florentin_webhooks.protocol.event import copy_event, parse_event
from florentin_webhooks.protocol.fingerprint import Identity
from florentin_webhooks.protocol.preconditions import screen
from florentin_webhooks.protocol.registration import OnAnyEvent
from florentin_webhooks.senders.base import Acknowledged

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Self, Unpack

    from florentin_webhooks.core.config.model import ReceiverConfig
    from florentin_webhooks.core.config.options import ReceiverOptions
    from florentin_webhooks.core.defaults import OnEvent
    from florentin_webhooks.core.durations import Duration
    from florentin_webhooks.core.queue import Queue
    from florentin_webhooks.core.routing.handler import Handler
    from florentin_webhooks.core.stores.base import Store
    from florentin_webhooks.errors import StaleDelivery
    from florentin_webhooks.protocol.delivery import Delivery, Reply
    from florentin_webhooks.protocol.event import Event
    from florentin_webhooks.protocol.headers import Headers
    from florentin_webhooks.senders.base import Sender
    from florentin_webhooks.senders.secrets import Secrets

__all__ = ["Receiver"]


class Receiver(HandlerRegistry[On_co]):
    """A receiver of signed deliveries, which runs the handlers that are registered here.

    *secrets* is one secret, a sequence, or a mapping of names to secrets while you rotate. The
    *store* records deliveries: ``"memory"`` (the default, in this process only), ``"database"``,
    a Redis URL, or a store. With a *queue*, or the name of one, handlers run in workers unless
    they are registered with ``inline=True``. *sender* is Florentin by default. An event may be
    *tolerance* old (by default twice the time in which the sender retries under one signed time:
    15 minutes for Florentin, else at least 5) and *leeway* ahead of our *clock*, a function that
    returns an aware UTC datetime. A body may have *max_body* bytes. An inline handler has
    *timeout*; see the docs for its meaning for functions without ``async``. Two receivers with the
    same secret in one store need different *name* arguments, which are part of the identity of a
    delivery. Full *tracebacks* in the log have the texts of exceptions and the values in their
    frames, which may quote a payload. Durations are seconds, a text such as ``"15m"``, or a
    timedelta.

    Raises :class:`ConfigurationError` for an invalid argument, and for a configuration that would
    fail later, such as a weak secret, or a lease that expires before a handler must end.
    """

    @overload
    def __init__(
        self: Receiver[OnEvent], secrets: Secrets, **options: Unpack[ReceiverOptions]
    ) -> None: ...
    @overload
    def __init__(
        self: Receiver[OnAnyEvent],
        secrets: Secrets,
        *,
        sender: Sender,
        **options: Unpack[ReceiverOptions],
    ) -> None: ...

    def __init__(
        self,
        secrets: Secrets,
        *,
        store: Store | str | None = None,
        queue: Queue | str | None = None,
        tolerance: Duration | None = None,
        leeway: Duration = timedelta(minutes=5),
        max_body: int = 1_048_576,
        timeout: Duration = timedelta(seconds=8),
        clock: Callable[[], datetime] = utc_now,
        sender: Sender = DEFAULT_SENDER,
        name: str = "",
        tracebacks: Literal["redacted", "full"] = "redacted",
    ) -> None:
        config = load_config(
            ARGUMENTS,
            {
                "secrets": secrets,
                "store": store,
                "queue": queue,
                "tolerance": tolerance,
                "leeway": leeway,
                "max_body": max_body,
                "timeout": timeout,
                "clock": clock,
                "sender": sender,
                "name": name,
                "tracebacks": tracebacks,
            },
        )
        self.store: Store = config.build_store()
        self.sender: Sender = config.sender
        self.secrets = config.secrets  # Wrapped: a repr does not show them.
        secrets_by_name = config.plain_secrets()
        self.identity = Identity.of(secrets_by_name, config.name)
        super().__init__(self.sender, config.build_queue(), self.identity.all_key_ids)
        tolerance = self.sender.tolerance if config.tolerance is None else config.tolerance
        extend_retention(self.store, self.sender.retention)
        validate_store(self.store, self.queue, tolerance + config.leeway, config.timeout)
        self.max_body = config.max_body
        self._seconds = config.timeout.total_seconds()
        self._clock = config.clock
        self._verifier = Verifier(
            self.sender,
            self.sender.scheme(secrets_by_name),
            tolerance,
            config.leeway,
            self.identity,
        )
        one = config.sender if isinstance(config.sender, Acknowledged) else None
        self._success_status = one.success_status if one else None
        self._log = DeliveryLog()
        self.reporter = Reporter(self, config.name, error_text=config.tracebacks == "full")
        self.blocking = SyncRuntime(self)
        self._asyncio = AsyncioRuntime(self)
        self._has_started = False
        ensure_distinct(self, self.identity, self.store)
        self._is_store_missing = config.store is None

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Create the receiver that the ``FLORENTIN_`` variables in *environ* describe.

        ``FLORENTIN_WEBHOOK_SECRET`` is required. Each argument of the receiver, its store and its
        queue has a variable; docs/configuration.md lists them. Raises
        :class:`ConfigurationError`.
        """
        return cls.from_config(load_environment(os.environ if environ is None else environ))

    @classmethod
    def from_config(cls, config: ReceiverConfig) -> Self:
        """Create the receiver that *config* describes. Raises :class:`ConfigurationError`."""
        build = cast("Callable[..., Self]", cls)  # The overloads need a sender's type.
        receiver = build(
            store=config.build_store(), queue=config.build_queue(), **config.receiver_options()
        )
        receiver._is_store_missing = config.store is None  # noqa: SLF001 - one of this class.
        return receiver

    def receive(self, headers: Headers, body: bytes, url: str | None = None) -> Reply:
        """Process a delivery in a blocking program and return the reply.

        *headers* is any mapping or list of pairs; *body* the bytes as they arrived; *url* the one
        that the sender called, for senders that sign it. Every outcome is a reply; no request
        raises. Raises :class:`ConfigurationError` inside a running event
        loop: use ``areceive`` there.
        """
        ensure_no_running_loop()
        return self.receive_blocking(headers, body, url)

    def receive_blocking(self, headers: Headers, body: bytes, url: str | None = None) -> Reply:
        """Do the same for a WSGI mount, whose caller has decided to block any event loop."""
        return run_sync(self._receive(headers, body, self.blocking, url))

    async def areceive(self, headers: Headers, body: bytes, url: str | None = None) -> Reply:
        """Do the same in an asyncio program; handlers without ``async`` run in a thread."""
        if not self._has_started:
            ensure_asyncio()
        return await self._receive(headers, body, self._asyncio, url)

    def verify(
        self, headers: Headers, body: bytes, url: str | None = None
    ) -> tuple[Delivery, Event]:
        """Return the genuine delivery and its typed event; record and run nothing.

        Raises the subclasses of :class:`~florentin_webhooks.errors.Rejected`.
        """
        delivery, envelope, stale, _ = self._verify(headers, body, url)
        if stale:
            raise stale
        return delivery, parse_event(delivery.event, envelope, self.router.model(delivery.event))

    def screen(self, method: str, headers: Headers) -> Reply | None:
        """Return the reply to a request that need not be read, or None; mounts call it first."""
        rejected = screen(method, headers, self.max_body)
        return rejected and self.reject(*rejected)

    def reject(self, outcome: Outcome, reason: str) -> Reply:
        """Return the reply for *outcome* and log the *reason*: for errors that a mount finds."""
        return self._log_rejection(replies.error(outcome), reason)

    async def process(
        self,
        delivery: Delivery,
        envelope: Mapping[str, object],
        runtime: Runtime,
        stale: StaleDelivery | None = None,
    ) -> Reply:
        """Record a genuine delivery and run its handlers, unless it is unknown and *stale*."""
        if not self._has_started:
            self._start()
        lease = Lease(runtime, self.store, identity=self.identity)
        try:
            reply = await self._process(delivery, envelope, lease, stale)
        except Unavailable as error:
            reply = outcomes.reply_for_error(error)
        self._log.delivery(reply, delivery, lease.key or delivery.fingerprint)
        return reply

    async def _receive(
        self, headers: Headers, body: bytes, runtime: Runtime, url: str | None
    ) -> Reply:
        try:
            if self._verifier.preparing and len(body) <= self.max_body:
                await do_work(self._verifier.preparing.prepare(body, self._clock()), runtime)
            delivery, envelope, stale, answer = self._verify(headers, body, url)
        except (Rejected, Unavailable) as error:
            reason = outcomes.rejection_reason(error, headers, body)
            return self._log_rejection(outcomes.reply_for_error(error), reason)
        if answer is not None and stale is None:
            reply = await do_answer(answer, runtime)
            self._log.delivery(reply, delivery, delivery.fingerprint)
            return reply
        reply = await self.process(delivery, envelope, runtime, stale)
        if self._success_status is None:
            return reply
        return outcomes.acknowledge(reply, self._success_status)

    async def _process(
        self,
        delivery: Delivery,
        envelope: Mapping[str, object],
        lease: Lease,
        stale: StaleDelivery | None,
    ) -> Reply:
        fresh, plan = stale is None, self.dispatcher.plan(delivery.event)
        content = self.sender.retry_content(delivery.delivery_id, delivery.body)
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

    def _verify(self, headers: Headers, body: bytes, url: str | None) -> VerifiedDelivery:
        if len(body) > self.max_body:
            raise DeliveryTooLarge(self.max_body)
        return self._verifier.verify(headers, body, self._clock(), url)

    def _log_rejection(self, reply: Reply, reason: str) -> Reply:
        self._log.rejection(reply, reason, self._clock())
        return reply

    def _start(self) -> None:
        self._has_started = True
        self.router.freeze(
            "The first delivery has arrived.", "Register handlers when modules are imported."
        )
        if self._is_store_missing:
            log_missing_store()

    def close(self) -> None:
        """Close the store's connections of a blocking program."""
        forget(self)
        self.store.close()

    async def aclose(self) -> None:
        """Close the store's connections of this event loop."""
        forget(self)
        await self.store.aclose()

    around = RenamedAttribute("handler_context")
    refuse = RenamedAttribute("reject")

    def _check_handler(self, handler: Handler) -> None:
        super()._check_handler(handler)
        require_transactions(handler, self.store)
