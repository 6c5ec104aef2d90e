"""A misspelt name, and a model that another name has."""

from florentin_webhooks import Receiver, Router, events

hooks = Receiver("a-secret-of-some-length")
router = Router()

hooks.on("invoice.create")  # error
router.on("Invoice.Created")  # error
hooks.on(b"invoice.created")  # error
hooks.on(42)  # error
hooks.on("invoice.created", "user.login")  # error


@hooks.on("account.created")  # error
def account(event: events.UserLogin) -> None: ...


@hooks.on("user.login")  # error
def login(event: events.AccountCreated) -> None: ...


@hooks.on("subscription.purchased")  # error
def purchased(event: events.SubscriptionUpgraded) -> None: ...


@hooks.on("subscription.upgraded")  # error
def upgraded(event: events.SubscriptionDowngraded) -> None: ...


@hooks.on("subscription.downgraded")  # error
def downgraded(event: events.SubscriptionCancelled) -> None: ...


@router.on("subscription.cancelled")  # error
def cancelled(event: events.SubscriptionPurchased) -> None: ...


@router.on("invoice.created")  # error
def invoice(event: events.UnknownEvent) -> None: ...


@router.on("team_member.added")  # error
def member(event: events.TosAccepted) -> None: ...


@router.on("tos.accepted")  # error
async def terms(event: events.TeamMemberAdded) -> None: ...


@router.on("usage.metrics_updated")  # error
def usage(event: events.InvoiceCreated) -> None: ...


@hooks.on("invoice.created")
def fields(event: events.InvoiceCreated) -> None:
    print(event.data.invoice.amount)  # error
    print(event.data.invoices)  # error
    print(event.data.invoice.number + 1)  # error
