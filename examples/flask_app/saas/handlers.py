"""What becomes of each event. These functions run in RQ workers, inside the application context.

Events come in any order, and a handler may run again: its worker may have died after the commit and
before that was recorded. So each one changes the database in one transaction, which ends with it,
since the handlers of a delivery share the session; and it is written so that running twice leaves
what running once does. Duplicates never come as far as this.
"""

from __future__ import annotations

from pydantic import Field

from florentin_webhooks import Delivery, events
from florentin_webhooks.flask import FlorentinWebhooks
from florentin_webhooks.senders.florentin.payloads import Account, InvoiceData
from saas import crm
from saas.models import Customer, Invoice, Login, Subscription, Usage, db

florentin = FlorentinWebhooks()


@florentin.on("account.created")
def welcome(event: events.AccountCreated) -> None:
    with db.session.begin():
        _customer(event.data.account)


@florentin.on(events.SubscriptionEvent)  # one handler for all four, since their order matters
def change_access(event: events.SubscriptionEvent) -> None:
    facts = event.data.subscription
    if facts.id is None:
        raise LookupError("the event names no subscription")
    with db.session.begin():
        known = db.session.get(Subscription, facts.id)
        if _is_old(event, known):
            return
        subscription = known or Subscription(id=facts.id)
        subscription.customer_id = _customer(event.data.account).id
        subscription.plan = facts.plan or subscription.plan
        subscription.active = not isinstance(event, events.SubscriptionCancelled)
        subscription.as_of = event.timestamp
        db.session.add(subscription)


# The CRM keeps no time with what it is told, so `latest` sees to the order: Redis remembers the
# newest event that was handled for each subscription, and older ones are skipped. A failure here
# is retried by RQ, without change_access: that one has finished.
@florentin.on(events.SubscriptionEvent, latest=lambda event: event.data.subscription.id)
def tell_crm(event: events.SubscriptionEvent, delivery: Delivery) -> None:
    crm.note(
        event.data.account.id,
        f"{event.event}: {event.data.subscription.plan}",
        key=delivery.idempotency_key("crm"),
    )


class InvoiceOfAccount(InvoiceData):
    """Florentin documents no customer of an invoice; where one is sent, the invoice is theirs."""

    account: Account = Field(default_factory=Account)


class InvoiceCreated(events.InvoiceCreated):
    data: InvoiceOfAccount


@florentin.on(InvoiceCreated)
def mirror(event: InvoiceCreated) -> None:
    facts, account = event.data.invoice, event.data.account
    with db.session.begin():
        known = db.session.get(Invoice, facts.number)
        if _is_old(event, known):
            return
        invoice = known or Invoice(number=facts.number)
        if account.id is not None:
            invoice.customer_id = _customer(account).id
        invoice.status = facts.status
        invoice.amount_due = facts.amount_due
        invoice.currency = facts.currency
        invoice.as_of = event.timestamp
        db.session.add(invoice)


@florentin.on("user.login")
def count_login(event: events.UserLogin, delivery: Delivery) -> None:
    with db.session.begin():
        customer = _customer(event.data.account)
        # merge() writes the row with this key, whether it is there or not.
        db.session.merge(
            Login(fingerprint=delivery.fingerprint, customer_id=customer.id, at=event.timestamp)
        )


@florentin.on("usage.metrics_updated")
def add_usage(event: events.UsageMetricsUpdated, delivery: Delivery) -> None:
    # Florentin does not document whether figures are totals or what was added; we add them up.
    with db.session.begin():
        customer = _customer(event.data.account)
        for metric, amount in event.data.metrics.items():
            db.session.merge(
                Usage(
                    fingerprint=delivery.fingerprint,
                    metric=metric,
                    customer_id=customer.id,
                    amount=amount,
                    at=event.timestamp,
                )
            )


def _is_old(event: events.Event, known: Subscription | Invoice | None) -> bool:
    """Tell whether what we know is from after the event, as of a cancellation that came first.

    The time of what we know stands in the row that it is about, and so in the same transaction: an
    older event changes nothing, however late it comes and whatever Redis has forgotten by then.
    """
    return known is not None and event.timestamp < known.as_of


def _customer(account: Account) -> Customer:
    """Give the row of the account; any event may be the first to name it.

    An event that names none fails until it is dead, where the operator finds it with its body: a
    purchase that nobody can be given must not go unnoticed. Where two workers add the same customer
    at once, one of them fails, too, and its retry finds the row.
    """
    if account.id is None:
        raise LookupError("the event names no account")
    customer = db.session.get(Customer, account.id) or Customer(id=account.id)
    customer.name = customer.name or account.name
    customer.email = customer.email or account.email
    db.session.add(customer)
    return customer
