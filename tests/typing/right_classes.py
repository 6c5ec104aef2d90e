"""Classes, families, wider annotations, (event, delivery), async; a handler keeps its type."""

from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any, assert_type

from florentin_webhooks import Delivery, Receiver, Router, events

hooks = Receiver("a-secret-of-some-length")
router = Router()


@hooks.on(events.InvoiceCreated)
def one(event: events.InvoiceCreated) -> int:
    return event.data.invoice.amount_due


@hooks.on(events.SubscriptionEvent)
def family(event: events.SubscriptionEvent) -> None:
    assert_type(event.data.subscription.plan, str | None)
    assert_type(event.event, str)


@hooks.on(events.Event)
def everything(event: events.Event) -> None:
    assert_type(event.timestamp, datetime)
    if isinstance(event, events.InvoiceCreated):
        assert_type(event.data.invoice.amount_due, int)


@hooks.on("invoice.created")
def wider(event: events.Event) -> str:
    return event.event


@hooks.on("subscription.upgraded")
def wider_family(event: events.SubscriptionEvent) -> str | None:
    return event.data.subscription.plan


@hooks.on("invoice.created")
def with_delivery(event: events.InvoiceCreated, delivery: Delivery) -> bytes:
    assert_type(delivery.delivery_id, str | None)
    assert_type(delivery.received_at, datetime)
    return delivery.body


@hooks.on(events.SubscriptionEvent)
async def asynchronous(event: events.SubscriptionEvent, delivery: Delivery) -> str:
    return delivery.fingerprint


@hooks.on("tos.accepted")
async def asynchronous_short(event: events.TosAccepted) -> None: ...


@hooks.on("tos.accepted")
def with_option(event: events.TosAccepted, delivery: Delivery, retries: int = 3) -> None: ...


class Bookkeeper:
    def book(self, event: events.InvoiceCreated) -> int:
        return event.data.invoice.amount_due

    async def __call__(self, event: events.Event, delivery: Delivery) -> None: ...


bookkeeper = Bookkeeper()
booked = hooks.on("invoice.created")(bookkeeper.book)
hooks.on(events.Event)(bookkeeper)
hooks.on("user.login")(lambda event: print(event.data.user.id))
hooks.on("user.login")(print)

seen: list[events.Event] = []
hooks.on(events.Event)(seen.append)

assert_type(one, Callable[[events.InvoiceCreated], int])
assert_type(booked, Callable[[events.InvoiceCreated], int])
assert_type(with_delivery, Callable[[events.InvoiceCreated, Delivery], bytes])
kept: Callable[[events.SubscriptionEvent, Delivery], Coroutine[Any, Any, str]] = asynchronous
kept_short: Callable[[events.TosAccepted], Coroutine[Any, Any, None]] = asynchronous_short


@router.on_unknown
def unknown(event: events.UnknownEvent) -> str:
    return event.event


@router.on_unknown
async def unknown_with_delivery(event: events.UnknownEvent, delivery: Delivery) -> None: ...


@router.on_unknown
def unknown_wider(event: events.Event) -> int:
    return 1


@router.on(events.UnknownEvent)
def unknown_by_class(event: events.UnknownEvent) -> None: ...


async def calls(
    event: events.UnknownEvent, changed: events.SubscriptionEvent, delivery: Delivery
) -> None:
    assert_type(unknown(event=event), str)
    assert_type(unknown_wider(event), int)
    assert_type(await unknown_with_delivery(event, delivery), None)
    assert_type(await asynchronous(changed, delivery), str)


hooks.include(router)
router.include(Router())
