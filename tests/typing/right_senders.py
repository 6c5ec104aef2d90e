"""Receivers of other senders: any name, a pattern, classes of your own, and every mount."""

from typing import Literal, assert_type

from pydantic import BaseModel

from florentin_webhooks import Delivery, Receiver, Router
from florentin_webhooks.asgi import WebhookApp, WebhookMiddleware
from florentin_webhooks.events import Event
from florentin_webhooks.senders import (
    SNS,
    Discord,
    GitHub,
    HMACSender,
    Linear,
    Mailgun,
    Slack,
    StandardWebhooks,
    Stripe,
    Zoom,
)
from florentin_webhooks.senders.services.discord_events import EntitlementEvent
from florentin_webhooks.senders.services.mailgun_events import Failed
from florentin_webhooks.senders.services.sns_events import (
    Notification,
    UnsubscribeConfirmation,
)

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


alarms = Receiver("arn:aws:sns:eu-west-1:123456789012:alarms", sender=SNS(confirm=True))
discord = Receiver("ab" * 32, sender=Discord())
mail = Receiver("a-secret-of-some-length", sender=Mailgun(accept_unsigned_payload=True))
Receiver("a-secret-of-some-length", sender=Linear())
Receiver("a-secret-of-some-length", sender=Slack())
Receiver("a-secret-of-some-length", sender=Zoom())


@alarms.on(Notification)
def alarm(event: Notification) -> None:
    assert_type(event.data.subject, str | None)


@alarms.on("UnsubscribeConfirmation")
def deleted(event: UnsubscribeConfirmation) -> None: ...


topics = Router(SNS())


@topics.on("Notification", inline=True)
async def note(event: Notification, delivery: Delivery) -> None: ...


@discord.on(EntitlementEvent)
def entitle(event: EntitlementEvent) -> None:
    assert_type(event.data.sku_id, str)


@mail.on(Failed)
def failed(event: Failed) -> None:
    assert_type(event.data.recipient, str | None)


own = HMACSender(name="Own", signature_header="X-Own", signed="{body}", encoding="base64")
Receiver({"new": "whsec_a", "old": "whsec_b"}, sender=StandardWebhooks())
Receiver("a-secret-of-some-length", sender=own)
