"""A receiver whose sender, store and self share one clock that a test moves by hand."""

from __future__ import annotations

import json

from florentin_webhooks import MemoryStore, Receiver, Reply
from florentin_webhooks.events import Event, InvoiceCreated, UserLogin
from florentin_webhooks.testing import Provider, SignedDelivery
from tests.support.receivers import Clock
from tests.support.shop import SECRET


class Scene:
    """A receiver for invoices and logins, its sender, and one clock for both and the store."""

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
        """Exactly this body, signed."""
        text = body if isinstance(body, str) else json.dumps(body)
        return self.provider.sign(event, text.encode(), delivery_id="d-1")

    def invalid(self) -> SignedDelivery:
        return self.provider.make("invoice.created", invoice={"amount_due": "much"})
