"""Handlers that cannot take their events, and senders that are none."""

from typing import Literal

from florentin_webhooks import Receiver
from florentin_webhooks.events import Event
from florentin_webhooks.senders import SNS, HMACSender, Mailgun, Stripe
from florentin_webhooks.senders.services.sns_events import SubscriptionConfirmation

hooks = Receiver("whsec_0123456789abcdef", sender=Stripe())


class InvoicePaid(Event):
    event: Literal["invoice.paid"]


@hooks.on("invoice.paid")  # error
def paid(event: InvoicePaid) -> None: ...


@hooks.on(InvoicePaid)  # error
def amount(event: int) -> None: ...


alarms = Receiver("arn:aws:sns:eu-west-1:123456789012:alarms", sender=SNS())
alarms.on("Notificaton")  # error


@alarms.on("Notification")  # error
def confirm(event: SubscriptionConfirmation) -> None: ...


hooks.on(42)  # error
Receiver("a-secret-of-some-length", sender="stripe")  # error
Receiver("a-secret-of-some-length", sender=Stripe)  # error
Receiver("a-secret-of-some-length", sender=Stripe(), toleranz=5)  # error
HMACSender(name="Own", signature_header="X-Own", encoding="base58")  # error
HMACSender(signature_header="X-Own")  # error
Mailgun(accept_unsigned_payload="yes")  # error
SNS(signature_versions=("3",))  # error
SNS(fetch=len)  # error
