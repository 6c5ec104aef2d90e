"""Receivers of other senders: any name, a pattern, classes of your own, and every mount."""

from typing import Literal, assert_type

from pydantic import BaseModel

from florentin_webhooks import Delivery, Receiver, Router
from florentin_webhooks.asgi import WebhookApp, WebhookMiddleware
from florentin_webhooks.events import Event
from florentin_webhooks.senders import GitHub, HMACSender, StandardWebhooks, Stripe

hooks = Receiver("whsec_0123456789abcdef", sender=Stripe(), tolerance="5m")
router = Router(GitHub())


class Invoice(BaseModel):
    amount: int


class InvoicePaid(Event):
    event: Literal["invoice.paid"]
    data: Invoice


@hooks.on("charge.failed")
def charge(event: Event) -> None:
    print(event.event, event.timestamp, event.data)


@hooks.on("invoice.*", inline=True)
async def invoices(event: Event, delivery: Delivery) -> None: ...


@hooks.on(InvoicePaid, latest=lambda event: event.data.amount)
def paid(event: InvoicePaid) -> None:
    assert_type(event.data.amount, int)


@router.on("pull_request.*")
def pulls(event: Event) -> None: ...


hooks.include(router)
WebhookApp(hooks)
WebhookMiddleware(WebhookApp(hooks), receiver=hooks)
delivery, event = hooks.verify({}, b"", url="https://shop.example/webhooks")
assert_type(delivery, Delivery)
assert_type(event, Event)

own = HMACSender(name="Own", signature_header="X-Own", signed="{body}", encoding="base64")
Receiver({"new": "whsec_a", "old": "whsec_b"}, sender=StandardWebhooks())
Receiver("a-secret-of-some-length", sender=own)
