"""The one flow from headers and bytes to the reply.

Verify, then parse, then record, then reply. The flow does no I/O of its own: the store records, the
runtime runs the handlers, a mount reads bytes and writes the reply.
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING
from weakref import WeakMethod

from florentin_webhooks.core.defaults import On_co
from florentin_webhooks.core.drain import BackgroundDrain, Terms, validate_spool
from florentin_webhooks.core.processing import outcomes
from florentin_webhooks.core.processing.loops import do_work, ensure_asyncio
from florentin_webhooks.core.processing.processor import DeliveryProcessor
from florentin_webhooks.core.processing.runtime import ensure_no_running_loop, run_sync
from florentin_webhooks.core.tenants.verifier import Arrival, TenantVerifier
from florentin_webhooks.core.verifier import Verifier
from florentin_webhooks.errors import DeliveryTooLarge, Rejected, Unavailable
from florentin_webhooks.protocol import replies
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.protocol.event import parse_event
from florentin_webhooks.protocol.preconditions import screen
from florentin_webhooks.senders.base import Acknowledged

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime, timedelta

    from florentin_webhooks.core.config.model import ReceiverConfig
    from florentin_webhooks.core.processing.runtime import AsyncioRuntime, Runtime, SyncRuntime
    from florentin_webhooks.protocol.delivery import Delivery, Reply
    from florentin_webhooks.protocol.event import Event
    from florentin_webhooks.protocol.headers import Headers
    from florentin_webhooks.senders.base import Answer

    PathParams = Mapping[str, object] | None

__all__ = ["DeliveryFlow"]


class DeliveryFlow(DeliveryProcessor[On_co]):
    """The flow of deliveries through a verifier, a store and the handlers."""

    max_body: int
    _clock: Callable[[], datetime]
    blocking: SyncRuntime
    asyncio: AsyncioRuntime
    _success_status: int | None
    _tenants: TenantVerifier | None
    _verifier: Verifier
    """Set unless secrets are looked up for each request."""
    _window: timedelta
    _drain: BackgroundDrain | None = None
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
        """Do the same for a WSGI mount, whose caller has decided to block any event loop."""
        return run_sync(self.receive_in(headers, body, self.blocking, url, path_params))

    async def areceive(
        self,
        headers: Headers,
        body: bytes,
        url: str | None = None,
        path_params: PathParams = None,
    ) -> Reply:
        """Do the same in an asyncio program; handlers without ``async`` run in a thread."""
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

    async def receive_in(
        self,
        headers: Headers,
        body: bytes,
        runtime: Runtime,
        url: str | None = None,
        path_params: PathParams = None,
        *,
        is_traced: bool = False,
    ) -> Reply:
        """Do the same in the program of *runtime*: for mounts, which have checked its loop.

        *is_traced*: it runs within a span of its own.
        """
        identity, began = None, None
        if (notifier := self.reporter.notifier) is not None:
            if (tracer := notifier.tracer) is not None and not is_traced:
                request = headers, body, runtime, url, path_params
                receiving = self.receive_in(*request, is_traced=True)
                return await tracer.trace_request(notifier.receiver, self.sender.name, receiving)
            began = perf_counter()
        try:
            if len(body) > self.max_body:
                self._ensure_size(body)
            if (tenants := self._tenants) is not None:
                arrival = Arrival(headers, body, url, path_params)
                found, identity = await tenants.verify(arrival, self._clock(), runtime)
                delivery, envelope, stale, answer = found
            else:
                verifier = self._verifier
                if verifier.preparing is not None:
                    work = verifier.preparing.prepare(body, self._clock())
                    await do_work(work, is_blocking=runtime.is_blocking)
                found = verifier.verify(headers, body, self._clock(), url)
                delivery, envelope, stale, answer = found
        except (Rejected, Unavailable) as error:
            reason = outcomes.rejection_reason(error, headers, body)
            return self._log_rejection(outcomes.reply_for_error(error), reason, began)
        if answer is not None and stale is None:
            reply = await _do_answer(answer, runtime)
            self._log.delivery(reply, delivery, delivery.fingerprint)
            if self.reporter.notifier:
                self.reporter.notifier.answered(reply, delivery, delivery.fingerprint, began)
            return reply
        reply = await self.process(delivery, envelope, runtime, stale, identity, began)
        if self._success_status is None:
            return reply
        return outcomes.acknowledge(reply, self._success_status)

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

    def drain_terms(self, *, is_blocking: bool = True) -> Terms | None:
        """Return what a pass over the spool needs, None without a spool."""
        if (spool := self.spool) is None:
            return None
        runtime = self.blocking if is_blocking else self.asyncio
        return Terms(self, spool, runtime, self._clock, self._window)

    def _ensure_size(self, body: bytes) -> None:
        if len(body) > self.max_body:
            raise DeliveryTooLarge(self.max_body)

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
            self.reads_request = True
        else:
            scheme = sender.scheme(config.plain_secrets())
            self._verifier = Verifier(sender, scheme, tolerance, leeway, self.identity)

    def _set_spool(self, config: ReceiverConfig, window: timedelta) -> None:
        spool = config.build_spool()
        if spool is not None:
            validate_spool(self.store, self.sender, window)
            self.spool, self._window = spool, window
            self._drain = BackgroundDrain(WeakMethod(self.drain_terms))
            self._start_drain = self._drain.start

    def _close_spool(self) -> None:
        if self._drain is not None and self.spool is not None:
            self._drain.stop()
            self.spool.close()

    async def _aclose_spool(self) -> None:
        if self._drain is not None:
            await self._drain.astop()
            await do_work(self._close_spool, is_blocking=False)


async def _do_answer(answer: Answer, runtime: Runtime) -> Reply:
    """Return the reply with *answer*, after its work is done."""
    try:
        await do_work(answer.work, is_blocking=runtime.is_blocking)
    except Unavailable as error:
        return outcomes.reply_for_error(error)
    return outcomes.reply_with_answer(answer)
