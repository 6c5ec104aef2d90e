"""Handlers for workers: where they run, what they raise, and what they do once."""

from collections.abc import Callable
from typing import assert_type

from florentin_webhooks import (
    Delivery,
    Discard,
    Receiver,
    RedisStore,
    RetryLater,
    Router,
    RQQueue,
    events,
)
from florentin_webhooks.events import (
    Event,
    InvoiceCreated,
    SubscriptionCancelled,
    SubscriptionDowngraded,
    SubscriptionEvent,
    SubscriptionPurchased,
    SubscriptionUpgraded,
    UsageMetricsUpdated,
)

queue = RQQueue()
RQQueue("billing", retries=(5, 30), timeout=90, receiver="shop.hooks:hooks", error_text=True)
RQQueue(retries=[5])
assert_type(queue.name, str)
hooks = Receiver("a-secret-of-some-length", store=RedisStore("redis://localhost"), queue=queue)
Receiver("a-secret-of-some-length", queue=None)
router = Router()


@hooks.on("invoice.created", latest=lambda e: e.data.invoice.id)
def bill(event: InvoiceCreated, delivery: Delivery) -> int:
    with delivery.once("mail") as first:
        assert_type(first, bool)
        if first:
            assert_type(delivery.idempotency_key("charge"), str)
    if event.data.invoice.amount_due == 0:
        raise Discard("nothing to pay")
    raise RetryLater(1.5)


@hooks.on("invoice.created", inline=True)
async def check(event: InvoiceCreated, delivery: Delivery) -> None:
    async with delivery.once("mail") as first:
        assert_type(first, bool)


assert_type(bill, Callable[[InvoiceCreated, Delivery], int])


@hooks.on(SubscriptionEvent, queue="quota", latest=lambda e: e.data.subscription.id)
def resize(event: SubscriptionEvent) -> None: ...


@hooks.on(Event, queue=None, inline=False, latest=None)
def count(event: Event) -> None: ...


@router.on("subscription.purchased", queue="quota", latest=lambda e: e.data.subscription.id)
def purchased(event: SubscriptionPurchased) -> None: ...


@router.on("subscription.upgraded", inline=True, latest=lambda e: e.data.subscription.id)
def upgraded(event: SubscriptionUpgraded) -> None: ...


@router.on("subscription.downgraded", queue="quota", latest=lambda e: e.data.subscription.id)
def downgraded(event: SubscriptionDowngraded) -> None: ...


@router.on("subscription.cancelled", queue="quota", latest=lambda e: e.data.subscription.id)
def cancelled(event: SubscriptionCancelled) -> None: ...


@router.on("usage.metrics_updated", inline=True)
def metered(event: UsageMetricsUpdated) -> None: ...


def by_invoice(event: events.InvoiceCreated) -> tuple[str, int]:
    return event.data.invoice.id, event.data.invoice.amount_due


@hooks.on(InvoiceCreated, latest=by_invoice)
def by_pair(event: Event) -> None: ...


def by_anything(event: Event) -> str | None:
    return event.event or None


@hooks.on("user.login", latest=by_anything)
def seen(event: events.UserLogin) -> None: ...


hooks.include(router)
