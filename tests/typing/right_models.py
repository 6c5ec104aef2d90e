"""Users' own models: stricter data for a known event, and a type the catalogue does not have."""

from typing import Literal, assert_type

from pydantic import BaseModel, Field

from florentin_webhooks import Receiver, events
from florentin_webhooks.senders.florentin.payloads import Invoice, InvoiceData, User, UserData

hooks = Receiver("a-secret-of-some-length")


class PaidInvoice(Invoice):
    tax: int
    currency: Literal["eur", "usd"]


class PaidInvoiceData(InvoiceData):
    invoice: PaidInvoice


class StrictInvoiceCreated(events.InvoiceCreated):
    data: PaidInvoiceData


class KnownUser(User):
    email: str = Field()


class KnownUserData(UserData):
    user: KnownUser = Field()


class StrictUserLogin(events.UserLogin):
    data: KnownUserData


class Failure(BaseModel):
    reason: str


class PaymentFailed(events.UnknownEvent):
    event: Literal["payment.failed"]
    data: Failure


@hooks.on(StrictInvoiceCreated)
def strict(event: StrictInvoiceCreated) -> int:
    assert_type(event.data.invoice.currency, Literal["eur", "usd"])
    return event.data.invoice.tax


@hooks.on("invoice.created")
def still_by_name(event: events.InvoiceCreated) -> int:
    return event.data.invoice.amount_due


@hooks.on(StrictUserLogin)
def login(event: StrictUserLogin) -> str:
    return event.data.user.email


@hooks.on(PaymentFailed)
def failed(event: PaymentFailed) -> str:
    return event.data.reason
