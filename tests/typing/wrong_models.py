"""Models whose handlers expect more than was registered."""

from typing import Literal

from pydantic import BaseModel

from florentin_webhooks import Receiver, events

hooks = Receiver("a-secret-of-some-length")


class Failure(BaseModel):
    reason: str


class PaymentFailed(events.UnknownEvent):
    event: Literal["payment.failed"]
    data: Failure


@hooks.on("invoice.created")  # error
def stricter_than_the_name(event: PaymentFailed) -> None: ...


@hooks.on_unknown  # error
def one_of_the_unknown(event: PaymentFailed) -> None: ...


@hooks.on(PaymentFailed)
def misspelt(event: PaymentFailed) -> None:
    print(event.data.reasons)  # error
    event.event = "payment.failed"  # error


hooks.on("payment.failed")  # error
hooks.on(Failure)  # error
