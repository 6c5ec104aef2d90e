"""The one flow from headers and bytes to the reply.

Verify, then parse, then record, then reply. The flow does no I/O of its own: the store records, the
runtime runs the handlers, a mount reads bytes and writes the reply.
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

from florentin_webhooks.core.defaults import On_co
from florentin_webhooks.core.drain import SpoolOwner
from florentin_webhooks.core.processing import outcomes
from florentin_webhooks.core.processing.loops import do_work, ensure_asyncio
from florentin_webhooks.core.processing.runtime import ensure_no_running_loop, returning, run_sync
from florentin_webhooks.core.tenants.verifier import Arrival, TenantVerifier
from florentin_webhooks.core.verifier import Verifier
from florentin_webhooks.errors import DeliveryTooLarge, Rejected, Unavailable
from florentin_webhooks.protocol import replies
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.protocol.event import parse_event
from florentin_webhooks.protocol.preconditions import screen
from florentin_webhooks.senders.base import Acknowledged

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping
    from datetime import timedelta
    from typing import Any

    from florentin_webhooks.core.config.model import ReceiverConfig
    from florentin_webhooks.core.processing.runtime import Runtime
    from florentin_webhooks.core.verifier import VerifiedDelivery
    from florentin_webhooks.protocol.delivery import Delivery, Reply
    from florentin_webhooks.protocol.event import Event
    from florentin_webhooks.protocol.fingerprint import Identity
    from florentin_webhooks.protocol.headers import Headers
    from florentin_webhooks.senders.base import Answer

    PathParams = Mapping[str, object] | None
    Receiving = Coroutine[Any, Any, Reply]  # Any: a coroutine's parts that no caller sees.

__all__ = ["DeliveryFlow"]


class DeliveryFlow(SpoolOwner[On_co]):
    """The flow of deliveries through a verifier, a store and the handlers."""

    max_body: int
    _success_status: int | None
    _tenants: TenantVerifier | None
    _verifier: Verifier
    """Set unless secrets are looked up for each request."""
    _waits_to_verify: bool
    """Whether secrets, or a key, may have to be fetched first."""
    reads_request: bool
    """Whether mounts pass the URL and the parameters of its path."""
    overrides_receive = overrides_areceive = False
    """Whether a subclass has a method of its own, which mounts then call."""

    def __init_subclass__(cls) -> None:
        """Find out what *cls* overrides."""
        super().__init_subclass__()
        cls.overrides_receive = cls.receive is not DeliveryFlow.receive
        cls.overrides_areceive = cls.areceive is not DeliveryFlow.areceive

    def receive(
        self,
        headers: Headers,
        body: bytes,
        url: str | None = None,
        path_params: PathParams = None,
    ) -> Reply:
        """Process a delivery in a blocking program and return the reply; WSGI mounts call it.

        *headers* is any mapping or list of pairs; *body* the bytes as they arrived; *url* the one
        that the sender called, for senders that sign it; *path_params* what its path has, for a
        function that looks secrets up. Every outcome is a reply; no request raises. Raises
        :class:`ConfigurationError` inside a running event loop: use ``areceive`` there. Override
        it, and ``areceive`` for ASGI mounts, to change what happens to each request.
        """
        ensure_no_running_loop()
        return self.receive_blocking(headers, body, url, path_params)

    def receive_blocking(
        self,
        headers: Headers,
        body: bytes,
        url: str | None = None,
        path_params: PathParams = None,
    ) -> Reply:
        """Process a delivery for a WSGI mount, also where that blocks an event loop."""
        return run_sync(self.receive_in(headers, body, self.blocking, url, path_params))

    async def areceive(
        self,
        headers: Headers,
        body: bytes,
        url: str | None = None,
        path_params: PathParams = None,
    ) -> Reply:
        """Process a delivery in asyncio, as :meth:`receive` does; plain handlers run in threads."""
        if not self._has_started:
            ensure_asyncio()
        return await self.receive_in(headers, body, self.asyncio, url, path_params)

    def screen(self, method: str, headers: Headers) -> Reply | None:
        """Return the reply to a request that need not be read, or None; mounts call it first."""
        rejected = screen(method, headers, self.max_body)
        return rejected and self.reject(*rejected)

    def reject(self, outcome: Outcome, reason: str) -> Reply:
        """Return the reply for *outcome* and log the *reason*: for errors that a mount finds."""
        return self._log_rejection(replies.error(outcome), reason)

    def receive_in(
        self,
        headers: Headers,
        body: bytes,
        runtime: Runtime,
        url: str | None = None,
        path_params: PathParams = None,
    ) -> Receiving:
        """Process a delivery in the program of *runtime*: for mounts, which have checked its loop.

        Verifies at once where that need not wait, and returns what does the rest: a coroutine
        around both would take 0.5 of a delivery's 30 us.
        """
        notifier = self.reporter.notifier
        tracer = None if notifier is None else notifier.tracer
        if self._waits_to_verify or tracer is not None:
            receiving = self._receive_later(headers, body, runtime, url, path_params)
            if notifier is None or tracer is None:
                return receiving
            return tracer.trace_request(notifier.receiver, self.sender.name, receiving)
        began = None if notifier is None else perf_counter()
        try:
            if len(body) > self.max_body:
                self._ensure_size(body)
            found = self._verifier.verify(headers, body, self._clock(), url)
        except (Rejected, Unavailable) as error:
            return returning(self._refuse(error, headers, body, began))
        delivery, envelope, stale, answer = found
        if answer is None and self._success_status is None:  # As _proceed, for nearly all.
            return self.process(delivery, envelope, runtime, stale, None, began)
        return self._proceed(found, runtime, None, began)

    async def _receive_later(
        self, headers: Headers, body: bytes, runtime: Runtime, url: str | None, params: PathParams
    ) -> Reply:
        """Verify as soon as what that needs is there, and do the rest."""
        began = None if self.reporter.notifier is None else perf_counter()
        identity = None
        try:
            self._ensure_size(body)
            if (tenants := self._tenants) is not None:
                arrival = Arrival(headers, body, url, params)
                found, identity = await tenants.verify(arrival, self._clock(), runtime)
            else:
                if (preparing := self._verifier.preparing) is not None:
                    work = preparing.prepare(body, self._clock())
                    await do_work(work, is_blocking=runtime.is_blocking)
                found = self._verifier.verify(headers, body, self._clock(), url)
        except (Rejected, Unavailable) as error:
            return self._refuse(error, headers, body, began)
        return await self._proceed(found, runtime, identity, began)

    def _proceed(
        self,
        found: VerifiedDelivery,
        runtime: Runtime,
        identity: Identity | None,
        began: float | None,
    ) -> Receiving:
        delivery, envelope, stale, answer = found
        if answer is not None and stale is None:
            return self._answer(answer, delivery, runtime, began)
        processing = self.process(delivery, envelope, runtime, stale, identity, began)
        if self._success_status is None:
            return processing
        return outcomes.acknowledge(processing, self._success_status)

    async def _answer(
        self, answer: Answer, delivery: Delivery, runtime: Runtime, began: float | None
    ) -> Reply:
        """Return the reply with *answer*, after its work is done."""
        try:
            await do_work(answer.work, is_blocking=runtime.is_blocking)
        except Unavailable as error:
            reply = outcomes.reply_for_error(error)
        else:
            reply = outcomes.reply_with_answer(answer)
        self._log.delivery(reply, delivery, delivery.fingerprint)
        if self.reporter.notifier:
            self.reporter.notifier.answered(reply, delivery, delivery.fingerprint, began)
        return reply

    def verify(
        self,
        headers: Headers,
        body: bytes,
        url: str | None = None,
        path_params: PathParams = None,
    ) -> tuple[Delivery, Event]:
        """Return the genuine delivery and its typed event; record and run nothing.

        Raises the subclasses of :class:`~florentin_webhooks.errors.Rejected`, and
        :class:`Unavailable` where a function that looks secrets up cannot.
        """
        self._ensure_size(body)
        if (tenants := self._tenants) is not None:
            arrival = Arrival(headers, body, url, path_params)
            found, _ = run_sync(tenants.verify(arrival, self._clock(), self.blocking))
        else:
            found = self._verifier.verify(headers, body, self._clock(), url)
        delivery, envelope, stale, _ = found
        if stale:
            raise stale
        return delivery, parse_event(delivery.event, envelope, self.router.model(delivery.event))

    def _ensure_size(self, body: bytes) -> None:
        if len(body) > self.max_body:
            raise DeliveryTooLarge(self.max_body)

    def _refuse(
        self, error: Rejected | Unavailable, headers: Headers, body: bytes, began: float | None
    ) -> Reply:
        reason = outcomes.rejection_reason(error, headers, body)
        return self._log_rejection(outcomes.reply_for_error(error), reason, began)

    def _log_rejection(self, reply: Reply, reason: str, began: float | None = None) -> Reply:
        self._log.rejection(reply, reason, self._clock())
        if self.reporter.notifier:
            self.reporter.notifier.rejected(reply, reason, began)
        return reply

    def _set_verifier(self, config: ReceiverConfig, tolerance: timedelta) -> None:
        sender, leeway = self.sender, config.leeway
        self._success_status = sender.success_status if isinstance(sender, Acknowledged) else None
        self._tenants = None
        self.reads_request = sender.signs_url
        if source := config.secrets_source:
            self._tenants = TenantVerifier(
                source, sender, tolerance, leeway, name=config.name, owner=self
            )
            self.reads_request = self._waits_to_verify = True
        else:
            scheme = sender.scheme(config.plain_secrets())
            self._verifier = Verifier(sender, scheme, tolerance, leeway, self.identity)
            self._waits_to_verify = self._verifier.preparing is not None
