"""Receive a delivery: the one flow from headers and bytes to the reply, for every mount.

Verify, then parse, then remember, then answer. The flow decides everything and does no I/O of its
own: the store remembers, the program runs the handlers, a mount reads bytes and writes a status.
"""

from __future__ import annotations

import os
from contextlib import nullcontext
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from florentin_webhooks.core.clock import utc_now
from florentin_webhooks.core.config_keys import ARGUMENTS, load_config
from florentin_webhooks.core.environment import load_environment
from florentin_webhooks.core.log import DeliveryLog, logger
from florentin_webhooks.core.processing.lease import Lease
from florentin_webhooks.core.processing.outcomes import (
    rejection_reason,
    reply_for_claim,
    reply_for_run,
)
from florentin_webhooks.core.processing.runner import FinalStates, HandlerRunner
from florentin_webhooks.core.processing.runtime import (
    BLOCKING,
    AsyncioRuntime,
    Runtime,
    ensure_no_running_loop,
    run_sync,
)
from florentin_webhooks.core.routing.dispatch import EMPTY_PLAN, DispatchRouter
from florentin_webhooks.core.routing.handler import refuse_untransactional
from florentin_webhooks.core.validation import (
    validate_job_support,
    validate_lease,
    validate_retention,
)
from florentin_webhooks.core.verifier import Verifier
from florentin_webhooks.errors import (
    DeliveryTooLarge,
    InvalidEvent,
    Rejected,
    StaleDelivery,
    Unavailable,
)
from florentin_webhooks.protocol import replies
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.protocol.headers import Headers
from florentin_webhooks.protocol.preconditions import screen
from florentin_webhooks.senders.florentin.events import parse_event
from florentin_webhooks.senders.florentin.signature import FlorentinSignature

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from typing import Self

    from florentin_webhooks.core.config import ReceiverConfig
    from florentin_webhooks.core.durations import Duration
    from florentin_webhooks.core.queue import Queue
    from florentin_webhooks.core.routing.handler import Handler
    from florentin_webhooks.core.stores.base import Store
    from florentin_webhooks.protocol.delivery import Delivery, Reply
    from florentin_webhooks.senders.florentin.events import Event
    from florentin_webhooks.senders.secrets import Secrets

__all__ = ["Receiver"]


class Receiver(DispatchRouter):
    """Receiver of deliveries that runs the handlers registered here.

    *secrets* is one secret, a sequence, or a mapping of names to secrets while you rotate. The
    *store* records deliveries: ``"memory"`` (the default, in this process only), ``"database"``,
    a Redis URL, or a store. With a *queue*, or the name of one, handlers run in workers unless
    they are registered with ``inline=True``. An event may be *tolerance* old (the last documented
    retry comes 450 s after the first try) and *leeway* ahead of our *clock*, a function that
    returns an aware UTC datetime. A body may have *max_body* bytes. An inline handler has
    *timeout*; see the docs for what that means for functions without ``async``. Durations are
    seconds, a text such as ``"15m"``, or a timedelta.

    ``around``, which mounts set, returns the context manager that a worker's job runs inside, and
    in asyncio programs the thread of a handler without ``async``.

    Raises :class:`ConfigurationError` for anything that would fail later: an invalid argument, a
    weak secret, a store that forgets before the window closes, a lease that ends before a handler
    must.
    """

    def __init__(
        self,
        secrets: Secrets,
        *,
        store: Store | str | None = None,
        queue: Queue | str | None = None,
        tolerance: Duration = timedelta(minutes=15),
        leeway: Duration = timedelta(minutes=5),
        max_body: int = 1_048_576,
        timeout: Duration = timedelta(seconds=8),
        clock: Callable[[], datetime] = utc_now,
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
            },
        )
        super().__init__(config.build_queue())
        self.store: Store = config.build_store()
        self.around: Callable[[], AbstractContextManager[object]] = nullcontext
        validate_retention(self.store, config.tolerance, config.leeway)
        validate_lease(self.store, config.timeout)
        validate_job_support(self.store, self.queue)
        self.max_body = config.max_body
        self._seconds = config.timeout.total_seconds()
        self._clock = config.clock
        self._verifier = Verifier(
            FlorentinSignature(config.plain_secrets()), config.tolerance, config.leeway
        )
        self._journal = DeliveryLog()
        self._asyncio = AsyncioRuntime(lambda: self.around())  # noqa: PLW0108 - mounts set it later.
        self._warn = config.store is None

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
        receiver = cls(
            store=config.build_store(), queue=config.build_queue(), **config.receiver_options()
        )
        receiver._warn = config.store is None
        return receiver

    def receive(self, headers: Headers, body: bytes) -> Reply:
        """Take a delivery from a blocking program, run its handlers, and say what to answer.

        *headers* is any mapping or list of pairs; *body* the bytes as they arrived. Every outcome
        is a reply; nothing that a sender does raises. Raises :class:`ConfigurationError` inside a
        running event loop, where ``areceive`` belongs.
        """
        ensure_no_running_loop()
        return run_sync(self._receive(headers, body, BLOCKING))

    async def areceive(self, headers: Headers, body: bytes) -> Reply:
        """Take a delivery from an asyncio program; the same in every other respect.

        Handlers without ``async`` run in a thread.
        """
        return await self._receive(headers, body, self._asyncio)

    def verify(self, headers: Headers, body: bytes) -> tuple[Delivery, Event]:
        """Give the genuine delivery and its typed event; remember and run nothing.

        Raises the subclasses of :class:`~florentin_webhooks.errors.Rejected`.
        """
        delivery, envelope = self._authenticate(headers, body)
        if stale := self._verifier.staleness(delivery):
            raise stale
        return delivery, parse_event(envelope, self.model(delivery.event))

    def screen(self, method: str, headers: Headers) -> Reply | None:
        """Give the reply to a request that needs no reading, or None: what a mount asks first."""
        refused = screen(method, headers, self.max_body)
        return refused and self.reject(*refused)

    def reject(self, outcome: Outcome, reason: str) -> Reply:
        """Give the reply for *outcome*, and the *reason* to the log: for what a mount finds."""
        reply = replies.error(outcome)
        self._journal.refusal(reply, reason, self._clock())
        return reply

    def close(self) -> None:
        """Let go of what a blocking program holds open."""
        self.store.close()

    async def aclose(self) -> None:
        """Let go of what this event loop holds open."""
        await self.store.aclose()

    async def _receive(self, headers: Headers, body: bytes, program: Runtime) -> Reply:
        try:
            delivery, envelope = self._authenticate(headers, body)
        except Rejected as error:
            return self._refuse(error, headers, body)
        return await self.process(delivery, envelope, program, self._verifier.staleness(delivery))

    async def process(
        self,
        delivery: Delivery,
        envelope: Mapping[str, object],
        program: Runtime,
        stale: StaleDelivery | None = None,
    ) -> Reply:
        """Remember a genuine delivery and run what wants it, unless it is *stale* and unknown."""
        lease = Lease(program, self.store)
        try:
            reply = await self._process(delivery, envelope, lease, stale)
        except Unavailable as error:
            reply = replies.error(Outcome.UNAVAILABLE, error)
        self._journal.delivery(reply, delivery, lease.key or delivery.fingerprint)
        return reply

    async def _process(
        self,
        delivery: Delivery,
        envelope: Mapping[str, object],
        lease: Lease,
        stale: StaleDelivery | None,
    ) -> Reply:
        event = self._parse_event(delivery, envelope)
        if isinstance(event, InvalidEvent):
            claim = await lease.claim(delivery, EMPTY_PLAN, fresh=stale is None, valid=False)
            return reply_for_claim(claim, stale) or replies.error(Outcome.INVALID_EVENT, event)
        wanted = self.plan(event)
        if not wanted and stale is None:
            return replies.success(Outcome.IGNORED, delivery.fingerprint)
        claim = await lease.claim(delivery, wanted, fresh=stale is None)
        if reply := reply_for_claim(claim, stale):
            return reply
        left = wanted.excluding(claim.done)
        run = HandlerRunner(lease, self._seconds, FinalStates.inline(left.jobs(lease.key)))
        state = await run.run(left.inline, event, delivery)
        return reply_for_run(state, run, lease)

    def _add(self, handlers: Sequence[Handler]) -> None:
        for handler in handlers:
            refuse_untransactional(handler, self.store)
        super()._add(handlers)

    def _authenticate(self, headers: Headers, body: bytes) -> tuple[Delivery, Mapping[str, object]]:
        if len(body) > self.max_body:
            raise DeliveryTooLarge(self.max_body)
        return self._verifier.authenticate(headers, body, self._clock())

    def _parse_event(
        self, delivery: Delivery, envelope: Mapping[str, object]
    ) -> Event | InvalidEvent:
        self._start()
        try:
            return parse_event(envelope, self.model(delivery.event))
        except InvalidEvent as error:
            return error

    def _start(self) -> None:
        self._freeze("the first delivery has arrived; register handlers when modules are imported")
        if self._warn:
            self._warn = False
            logger.warning(
                "no store is configured: deliveries are remembered in this process only, until it "
                "ends; pass store=RedisStore(url) where replays and restarts matter"
            )

    def _refuse(self, error: Rejected, headers: Headers, body: bytes) -> Reply:
        reply = replies.error(Outcome(error.code), error)
        self._journal.refusal(reply, rejection_reason(error, headers, body), self._clock())
        return reply
