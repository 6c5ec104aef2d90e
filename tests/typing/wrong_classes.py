"""Handlers that want less, or something else, than what they are registered for gives."""

from florentin_webhooks import Delivery, Receiver, Reply, Router, events

hooks = Receiver("a-secret-of-some-length")
router = Router()

hooks.on(dict)  # error
hooks.on(Delivery)  # error
hooks.on(events.InvoiceCreated.model_fields)  # error
hooks.include("shop.hooks")  # error
router.include([Router()])  # error
hooks.on("user.login")("not a function")  # error


@hooks.on(events.SubscriptionEvent)  # error
def narrower_than_the_family(event: events.SubscriptionUpgraded) -> None: ...


@hooks.on(events.Event)  # error
def narrower_than_everything(event: events.InvoiceCreated) -> None: ...


@hooks.on(events.InvoiceCreated)  # error
async def another_class(event: events.UserLogin) -> None: ...


@router.on("invoice.created")  # error
def swapped(delivery: Delivery, event: events.InvoiceCreated) -> None: ...


@router.on("invoice.created")  # error
def another_second(event: events.InvoiceCreated, reply: Reply) -> None: ...


@router.on("invoice.created")  # error
def too_many(event: events.InvoiceCreated, delivery: Delivery, retries: int) -> None: ...


@router.on("invoice.created")  # error
def none() -> None: ...


@router.on("invoice.created")  # error
def keyword_only(*, event: events.InvoiceCreated) -> None: ...


@hooks.on_unknown  # error
def known(event: events.InvoiceCreated) -> None: ...


@hooks.on_unknown  # error
async def unknown_and_reply(event: events.UnknownEvent, reply: Reply) -> None: ...


@hooks.on_unknown()  # error
def with_brackets(event: events.UnknownEvent) -> None: ...


class Books:
    def unbound(self, event: events.InvoiceCreated) -> None: ...


hooks.on("invoice.created")(Books.unbound)  # error
