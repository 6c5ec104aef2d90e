"""A receiver with a spool, on a store that can be away."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from florentin_webhooks import Delivery, MemoryStore, Receiver, Reply, Spool
from florentin_webhooks.core.drain import DrainReport, drain
from florentin_webhooks.core.processing.runtime import run_sync
from florentin_webhooks.core.spool import SpooledDelivery
from florentin_webhooks.core.stores.accept import Accept
from florentin_webhooks.core.stores.base import Operation
from florentin_webhooks.errors import Unavailable
from florentin_webhooks.events import Event, InvoiceCreated
from florentin_webhooks.testing import Provider, SignedDelivery
from tests.support.receivers import Clock

A = TypeVar("A")
SECRET = "b2e0c8f4-4d0f-4f6e-9a51-made-up"


T0 = datetime(2026, 11, 29, 12, 0, 0, 123000, UTC)


def waiting(name: str = "1", body: bytes = b'{"a":\n1}') -> SpooledDelivery:
    key_ids = ("00ff", "11ee")
    return SpooledDelivery(name, "- 00ff", "user.login", None, "secret", "00ff", key_ids, T0, body)


def names(spool: Spool, after: int = 0, limit: int = 100) -> list[str]:
    return [entry.fingerprint for entry in spool.read(after, limit)]


class AwayStore(MemoryStore):
    """A store that is *away* when a test says so; with *unsure* after it has done its work."""

    away = False
    unsure: type[Operation[Any]] | None = None  # Any: of any answer.
    refused: tuple[bytes, ...] = ()
    """The bodies that it does not accept."""

    def execute(self, operation: Operation[A]) -> A:
        is_refused = isinstance(operation, Accept) and operation.delivery.body in self.refused
        if self.away or is_refused:
            raise Unavailable("The store is away.")
        answer = super().execute(operation)
        if self.unsure is not None and isinstance(operation, self.unsure):
            raise Unavailable("The answer is lost.")
        return answer


class SpooledShop:
    """A receiver with one inline handler and a spool at *path*.

    Unless it drains in the *background*, a test drains when it wants to.
    """

    def __init__(
        self, path: Path | Spool, *, background: bool = False, **options: Any
    ) -> None:  # Any: of Receiver.
        self.clock = Clock()
        memory = options.pop("memory", {"retention": timedelta(days=1)})
        self.store = AwayStore(clock=self.clock.monotonic, **memory)
        self.store.is_immediate = False
        self.store.keep_history(100)
        secrets = options.pop("secrets", SECRET)
        self.receiver = Receiver(secrets, store=self.store, spool=path, clock=self.clock, **options)
        self.provider = Provider(SECRET, clock=self.clock)
        self.ran: list[str] = []
        self.failing = False
        self.receiver.on(InvoiceCreated)(self._handle)
        if not background:
            self.receiver._start_drain = None

    @property
    def spool(self) -> Spool:
        assert isinstance(self.receiver.spool, Spool)
        return self.receiver.spool

    def make(self) -> SignedDelivery:
        return self.provider.make("invoice.created")

    def send(self, made: SignedDelivery | None = None) -> Reply:
        return self.receiver.receive(*(made or self.make()))

    def send_away(self, made: SignedDelivery | None = None) -> Reply:
        """Send while the store is away."""
        self.store.away = True
        try:
            return self.send(made)
        finally:
            self.store.away = False

    def drain(self, **options: Any) -> DrainReport:  # Any: of drain.
        terms = self.receiver.drain_terms()
        assert terms is not None
        return run_sync(drain(terms, **options))

    def _handle(self, _: Event, delivery: Delivery) -> None:
        self.ran.append(delivery.fingerprint)
        if self.failing:
            raise ValueError
