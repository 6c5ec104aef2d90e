"""A receiver on SQLite whose handlers have effects in the database of its store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar
from uuid import uuid4

from florentin_webhooks import Delivery, Receiver, Reply
from florentin_webhooks.core.stores.accept import Accept
from florentin_webhooks.core.stores.base import Operation, State
from florentin_webhooks.core.stores.queries import GetRecord, Record
from florentin_webhooks.django.connections import fresh_connections
from florentin_webhooks.events import InvoiceCreated
from florentin_webhooks.testing import Provider, SignedDelivery
from tests.support.django_settings import SQLITE
from tests.support.django_stores import in_threads, passed, store_on
from tests.support.handling import named
from tests.support.receivers import SpiedStore
from tests.support.shop import SECRET
from tests.support.stores import Span

A = TypeVar("A")
Does = Callable[[Delivery], object]
LEASE = 3600
MARK = 77


class AtomicShop:
    """A receiver of invoices whose handlers run in transactions by default."""

    def __init__(self, *, timeout: float = 8) -> None:
        self.store = SpiedStore(store_on(SQLITE, Span(lease=LEASE, history=10)))
        self.receiver = Receiver(SECRET, store=self.store, timeout=timedelta(seconds=timeout))
        self.receiver.handler_context = (
            fresh_connections  # As mounts have it: threads end with their loop.
        )
        self.made = Provider(SECRET).make("invoice.created")
        self.ran: list[str] = []

    def on(self, name: str, does: Does = lambda _: None, **how: Any) -> None:
        """Register a handler that has an effect and then calls *does*."""

        def handler(_: InvoiceCreated, delivery: Delivery) -> None:
            self.ran.append(name)
            effects().create(key=uuid4(), watermark=MARK)
            does(delivery)

        self.receiver.on(InvoiceCreated, **{"atomic": True, **how})(named(name, handler))

    def receive(self, made: SignedDelivery | None = None) -> Reply:
        return self.receiver.receive(*(made or self.made))

    async def areceive(self, made: SignedDelivery | None = None) -> Reply:
        return await self.receiver.areceive(*(made or self.made))

    def run(self, made: SignedDelivery | None = None) -> Reply:
        """Receive in an event loop of its own."""

        async def flow() -> Reply:
            reply = await self.areceive(made)
            await self.receiver.aclose()
            return reply

        return asyncio.run(flow())

    def effects(self) -> int:
        return _elsewhere(lambda: int(effects().filter(watermark=MARK).count()))

    def asked(self, kind: type[Operation[A]]) -> list[Any]:
        """Return the operations of that *kind* that the store has carried out."""
        return [each for each in self.store.asked if isinstance(each, kind)]

    def state(self) -> State:
        return self._record().state

    def endings(self) -> dict[str, str]:
        """Return the outcome of each handler that need not run again."""
        return {name.rpartition(":")[2]: how for name, how in self._record().handlers.items()}

    def _record(self) -> Record:
        (key,) = {each.key for each in self.asked(Accept)}
        record = _elsewhere(lambda: self.store.execute(GetRecord(key)))
        assert record is not None
        return record

    def loses_its_lease(self) -> None:
        """Expire the lease and take it as another owner."""
        first = self.asked(Accept)[0]
        again = Accept(first.key, None, b"other", first.delivery, fresh=True, valid=True)

        def take() -> None:
            passed(SQLITE, LEASE)
            self.store.execute(again)

        _elsewhere(take)


def _elsewhere(ask: Callable[[], A]) -> A:
    """Ask in another thread, since Django refuses to block an event loop."""
    return in_threads(1, lambda _: ask())[0]


def effects() -> Any:  # Any: what Django makes of a model.
    from florentin_webhooks.django.models import Guard

    return Guard.objects
