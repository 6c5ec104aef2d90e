"""A receiver with one handler that counts what it runs, and somebody who sends to it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Protocol

import pytest

from florentin_webhooks import Delivery, Receiver, Reply
from florentin_webhooks.core.stores.base import Store
from florentin_webhooks.events import Event, InvoiceCreated
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.testing import Provider, SignedDelivery

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
        """A new delivery that the handler wants."""
        return self._provider.make("invoice.created")

    def receive(self, made: SignedDelivery | None = None) -> Reply:
        """What is answered to *made*, or to a new delivery, in a blocking program."""
        return self.receiver.receive(*(made or self.make()))

    async def areceive(self, made: SignedDelivery | None = None) -> Reply:
        """What is answered to *made*, or to a new delivery, in an asyncio program."""
        return await self.receiver.areceive(*(made or self.make()))

    def _bill(self, _: Event, delivery: Delivery) -> None:
        self.ran[delivery.fingerprint] += 1
        self._on_run()

    async def _abill(self, _: Event, delivery: Delivery) -> None:
        self._bill(_, delivery)


def retry_after(reply: Reply) -> int:
    """How many seconds the sender is asked to wait."""
    return int(dict(reply.headers)["Retry-After"])


def assert_unavailable(reply: Reply) -> None:
    """Nothing was promised, and the sender is asked to come back."""
    assert (reply.status, reply.outcome) == (503, Outcome.UNAVAILABLE)
    assert retry_after(reply) > 0


class Receive(Protocol):
    """Have a shop receive a delivery, a new one where none is given."""

    def __call__(self, shop: Shop, made: SignedDelivery | None = None, /) -> Reply:
        """Give the reply."""
        ...


def blocking(shop: Shop, made: SignedDelivery | None = None, /) -> Reply:
    """In a blocking program."""
    return shop.receive(made)


def asynchronous(shop: Shop, made: SignedDelivery | None = None, /) -> Reply:
    """In an asyncio program of its own."""

    async def program() -> Reply:
        try:
            return await shop.areceive(made)
        finally:
            await shop.receiver.aclose()

    return asyncio.run(program())


both_ways = pytest.mark.parametrize("receive", [blocking, asynchronous])
