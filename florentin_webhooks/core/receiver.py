"""The receiver: what a program configures, calls and mounts; the flow does the work."""

from __future__ import annotations

import os
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal, TypeVar, cast, overload

from florentin_webhooks.core.clock import utc_now
from florentin_webhooks.core.config.environment import load_environment
from florentin_webhooks.core.config.keys import ARGUMENTS, load_config
from florentin_webhooks.core.defaults import DEFAULT_SENDER, On_co
from florentin_webhooks.core.flow import DeliveryFlow
from florentin_webhooks.core.live_receivers import ensure_distinct, forget
from florentin_webhooks.core.log import DeliveryLog
from florentin_webhooks.core.processing.report import Reporter
from florentin_webhooks.core.processing.runtime import AsyncioRuntime, SyncRuntime
from florentin_webhooks.core.routing.requirements import require_transactions
from florentin_webhooks.core.stores.retention import extend_retention
from florentin_webhooks.core.tenants.verifier import owner_identity
from florentin_webhooks.core.validation import validate_store
from florentin_webhooks.protocol.deprecation import RenamedAttribute
from florentin_webhooks.protocol.fingerprint import Identity
from florentin_webhooks.protocol.registration import OnAnyEvent
from florentin_webhooks.senders.key_material import key_materials

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from typing import Self, Unpack

    from florentin_webhooks.core.config.model import ReceiverConfig
    from florentin_webhooks.core.config.options import ReceiverOptions
    from florentin_webhooks.core.defaults import OnEvent
    from florentin_webhooks.core.durations import Duration
    from florentin_webhooks.core.observer import Observer
    from florentin_webhooks.core.queue import Queue
    from florentin_webhooks.core.routing.handler import Handler
    from florentin_webhooks.core.spool import DeliverySpool
    from florentin_webhooks.core.stores.base import Store
    from florentin_webhooks.core.tenants.sources import SecretsSource
    from florentin_webhooks.protocol.delivery import Delivery, Reply
    from florentin_webhooks.senders.base import Sender
    from florentin_webhooks.senders.documented import Catalogued
    from florentin_webhooks.senders.secrets import Secrets

    On = TypeVar("On")

__all__ = ["Receiver"]


class Receiver(DeliveryFlow[On_co]):
    """A receiver of signed deliveries, which runs the handlers that are registered here.

    Durations are seconds, a text such as ``"15m"``, or a timedelta.

    Args:
        secrets: One secret, a sequence, or a mapping of names to secrets while you rotate. Or a
            function that returns one of these, or a :class:`Tenant`, for each :class:`Request`.
        store: Where deliveries are recorded: ``"memory"`` (the default, in this process only),
            ``"database"`` (Django's), a Redis URL, or a store.
        queue: A queue, or its name. Handlers then run in workers, unless they are registered with
            ``inline=True``.
        sender: The sender of the deliveries, by default Florentin.
        tolerance: How old an event may be. By default twice the time in which the sender retries
            under one signed time: 15 minutes for Florentin, at least 5 for others.
        leeway: How far ahead of the clock an event may be.
        max_body: The largest body, in bytes.
        timeout: The time of each inline handler. The docs say what it means without ``async``.
        clock: A function that returns an aware UTC datetime.
        name: Part of the identity of deliveries, for two receivers of one secret in one store.
        tracebacks: With ``"full"`` the log has the texts of exceptions and the values in their
            frames, which may quote a payload.
        spool: The path of a local file, or a ``Spool``, in which deliveries wait while the store
            does not answer.

    Raises :class:`ConfigurationError` for an invalid argument, and for a configuration that would
    fail later, such as a weak secret, or a lease that expires before a handler must end.
    """

    @overload
    def __init__(
        self: Receiver[OnEvent],
        secrets: Secrets | SecretsSource,
        **options: Unpack[ReceiverOptions],
    ) -> None: ...
    @overload
    def __init__(
        self: Receiver[On],
        secrets: Secrets | SecretsSource,
        *,
        sender: Catalogued[On],
        **options: Unpack[ReceiverOptions],
    ) -> None: ...
    @overload
    def __init__(
        self: Receiver[OnAnyEvent],
        secrets: Secrets | SecretsSource,
        *,
        sender: Sender,
        **options: Unpack[ReceiverOptions],
    ) -> None: ...

    def __init__(
        self,
        secrets: Secrets | SecretsSource,
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
        spool: DeliverySpool | str | os.PathLike[str] | None = None,
        **unknown: object,
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
                "spool": spool,
                **unknown,
            },
        )
        self.store: Store = config.build_store()
        self.sender: Sender = config.sender
        self.secrets = config.known_secrets  # Wrapped: a repr does not show them.
        secrets_by_name = config.plain_secrets()
        self.identity = (
            owner_identity(self.sender, config.name)
            if config.secrets_source
            else Identity.of(key_materials(self.sender, secrets_by_name), config.name)
        )
        super().__init__(self.sender, config.build_queue(), self.identity.all_key_ids)
        tolerance = self.sender.tolerance if config.tolerance is None else config.tolerance
        extend_retention(self.store, self.sender.retention)
        validate_store(self.store, self.queue, tolerance + config.leeway, config.timeout)
        self.max_body = config.max_body
        self._seconds = config.timeout.total_seconds()
        self._clock = config.clock
        self._set_verifier(config, tolerance)
        self._set_spool(config, tolerance + config.leeway)
        self._log = DeliveryLog()
        self.reporter = Reporter(self, config.name, error_text=config.tracebacks == "full")
        self.blocking = SyncRuntime(self)
        self.asyncio = AsyncioRuntime(self)
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

    async def aprocess(self, delivery: Delivery, envelope: Mapping[str, object]) -> Reply:
        """Process a delivery that is stored, in this event loop; see :meth:`process`."""
        return await self.process(delivery, envelope, self.asyncio)

    def observe(self, observer: Observer) -> None:
        """Report each delivery and each attempt of a handler to *observer*, in workers too.

        There may be several. Raises :class:`ConfigurationError` for any other object.
        """
        notifier = self.reporter.observe(observer, self.sender.name)
        if notifier.tracer is not None:
            self.dispatcher.carry_trace(notifier.tracer.carry)

    def close(self) -> None:
        """Close the store's connections of a blocking program."""
        forget(self)
        self._close_spool()
        self.store.close()

    async def aclose(self) -> None:
        """Close the store's connections of this event loop."""
        forget(self)
        await self._aclose_spool()
        await self.store.aclose()

    @contextmanager
    def rehearsing(self, store: Store, clock: Callable[[], datetime]) -> Generator[None]:
        """Use *store* and *clock* within the block; for tests.

        Afterwards, this receiver is as it was before: it accepts handlers if it did so.
        """
        changed = ("store", "_clock", "_is_store_missing", "_has_started", "spool", "_start_drain")
        before = {name: getattr(self, name) for name in changed}
        frozen_because = self.router.frozen_because
        self.store, self._clock, self._is_store_missing = store, clock, False
        self.spool, self._start_drain = None, None
        try:
            yield
        finally:
            for name, value in before.items():
                setattr(self, name, value)
            self.router.frozen_because = frozen_because

    around = RenamedAttribute("handler_context")
    refuse = RenamedAttribute("reject")

    def _check_handler(self, handler: Handler) -> None:
        super()._check_handler(handler)
        require_transactions(handler, self.store)
