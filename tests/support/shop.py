"""A receiver with one handler that counts its runs, and a provider that sends to it."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Protocol

import pytest

from florentin_webhooks import Delivery, MemoryStore, Receiver, Reply
from florentin_webhooks.core.stores.base import Store
from florentin_webhooks.events import Event, InvoiceCreated, UserLogin
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.testing import Provider, SignedDelivery
from tests.support.receivers import Clock

SECRET = "b2e0c8f4-4d0f-4f6e-9a51-made-up"


class Shop:
    """A receiver on *store*; *asynchronous*: its handler is a coroutine function."""

    def __init__(
        self,
        store: Store | None = None,
        *,
        asynchronous: bool = False,
        timeout: timedelta = timedelta(seconds=8),
        on_run: Callable[[], object] = lambda: None,
    ) -> None:
        self.receiver = Receiver(SECRET, store=store, timeout=timeout)
        self.ran: Counter[str] = Counter()
        self._provider = Provider(SECRET)
        self._on_run = on_run
        self.receiver.on(InvoiceCreated)(self._abill if asynchronous else self._bill)

    def make(self) -> SignedDelivery:
        return self._provider.make("invoice.created")

    def receive(self, made: SignedDelivery | None = None) -> Reply:
        return self.receiver.receive(*(made or self.make()))

    async def areceive(self, made: SignedDelivery | None = None) -> Reply:
        return await self.receiver.areceive(*(made or self.make()))

    def _bill(self, _: Event, delivery: Delivery) -> None:
        self.ran[delivery.fingerprint] += 1
        self._on_run()

    async def _abill(self, _: Event, delivery: Delivery) -> None:
        self._bill(_, delivery)


def retry_after(reply: Reply) -> int:
    """Return the seconds that the sender is asked to wait."""
    return int(dict(reply.headers)["Retry-After"])


def assert_unavailable(reply: Reply) -> None:
    """Check that the sender is asked to come back."""
    assert (reply.status, reply.outcome) == (503, Outcome.UNAVAILABLE)
    assert retry_after(reply) > 0


class Receive(Protocol):
    """A way to receive a delivery, by default a new one."""

    def __call__(self, shop: Shop, made: SignedDelivery | None = None, /) -> Reply:
        """Return the reply."""
        ...


def blocking(shop: Shop, made: SignedDelivery | None = None, /) -> Reply:
    return shop.receive(made)


def asynchronous(shop: Shop, made: SignedDelivery | None = None, /) -> Reply:
    async def program() -> Reply:
        try:
            return await shop.areceive(made)
        finally:
            await shop.receiver.aclose()

    return asyncio.run(program())


both_ways = pytest.mark.parametrize("receive", [blocking, asynchronous])


class Scene:
    """A receiver for invoices and logins and its sender, with one clock."""

    def __init__(self, store: type[MemoryStore] = MemoryStore) -> None:
        self.clock = Clock()
        self.store = store(clock=self.clock.monotonic)
        self.receiver = Receiver(SECRET, store=self.store, clock=self.clock)
        self.provider = Provider(SECRET, clock=self.clock)
        self.failing = False
        self.ran: list[str] = []
        self.receiver.on(InvoiceCreated)(self._handle)
        self.receiver.on(UserLogin)(self._handle)

    def _handle(self, event: Event) -> None:
        self.ran.append(event.event)
        if self.failing:
            raise ValueError

    def send(self, made: SignedDelivery) -> Reply:
        return self.receiver.receive(*made)

    def invoice(self) -> SignedDelivery:
        return self.provider.make("invoice.created")

    def signed(
        self, body: str | dict[str, object], event: str = "invoice.created"
    ) -> SignedDelivery:
        text = body if isinstance(body, str) else json.dumps(body)
        return self.provider.sign(event, text.encode(), delivery_id="d-1")

    def invalid(self) -> SignedDelivery:
        return self.provider.make("invoice.created", invoice={"amount_due": "much"})
