"""What handlers for workers, and queues, do not take."""

from florentin_webhooks import Delivery, MemoryStore, Receiver, RetryLater, Router, RQQueue
from florentin_webhooks.events import InvoiceCreated, SubscriptionEvent, UserLogin

hooks = Router()

RQQueue(7)  # error
RQQueue("billing", (5, 30))  # error
RQQueue(retries=5)  # error
RQQueue(retries=(0.5,))  # error
RQQueue(timeout="60")  # error
RQQueue(receiver=hooks)  # error
Receiver("a-secret-of-some-length", queue=7)  # error
Receiver("a-secret-of-some-length", MemoryStore(), RQQueue())  # error
RetryLater()  # error
RetryLater("5")  # error


@hooks.on("invoice.created", inline="yes")  # error
def a(event: InvoiceCreated) -> None: ...


@hooks.on("invoice.created", queue=7)  # error
def b(event: InvoiceCreated) -> None: ...


@hooks.on("invoice.created", latest="data.invoice.id")  # error
def c(event: InvoiceCreated) -> None: ...


@hooks.on("invoice.created", latest=lambda e: e.data.subscription.id)  # error
def d(event: InvoiceCreated) -> None: ...


@hooks.on(SubscriptionEvent, latest=lambda e: e.data.invoice)  # error
def e(event: SubscriptionEvent) -> None: ...


def by_invoice(event: InvoiceCreated) -> str:
    return event.data.invoice.id


def by_list(event: UserLogin) -> list[str]:
    return [event.event]


@hooks.on("user.login", latest=by_invoice)  # error
def f(event: UserLogin) -> None: ...


@hooks.on("user.login", latest=by_list)  # error
def g(event: UserLogin) -> None: ...


@hooks.on("invoice.created", inlined=True)  # error
def h(event: InvoiceCreated) -> None: ...


def once(delivery: Delivery) -> None:
    delivery.once()  # error
    with delivery.once("mail") as first:
        print(first.label)  # error
    delivery.idempotency_key(7)  # error
