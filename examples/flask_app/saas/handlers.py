"""The event handlers. They run in RQ workers, inside the application context.

Events arrive in any order, and a handler may run again: its worker may die after the commit and
before the result is recorded. Each handler therefore changes the database in one transaction of its
own, because the handlers of a delivery share the session, and running it twice has the same effect
as running it once. Duplicate deliveries never reach a handler.
"""

from __future__ import annotations

from pydantic import Field

from florentin_webhooks import Delivery, Discard, events
from florentin_webhooks.flask import FlorentinWebhooks
from florentin_webhooks.senders.florentin.payloads import Account, InvoiceData
from saas import crm
from saas.models import Customer, Invoice, Login, Subscription, Usage, db
from saas.provider import provider_api

florentin = FlorentinWebhooks()


@florentin.on("account.created")
def welcome(event: events.AccountCreated) -> None:
    with db.session.begin():
        _customer(event.data.account)


@florentin.on(events.SubscriptionEvent)  # one handler for all four, because their order matters
def change_access(event: events.SubscriptionEvent) -> None:
    facts = event.data.subscription
    if facts.id is None:
        raise LookupError("The event has no subscription id.")
    with db.session.begin():
        existing = db.session.get(Subscription, facts.id)
        if _is_older(event, existing):
            return
        subscription = existing or Subscription(id=facts.id)
        subscription.customer_id = _customer(event.data.account).id
        subscription.plan = facts.plan or subscription.plan
        subscription.active = not isinstance(event, events.SubscriptionCancelled)
        subscription.as_of = event.timestamp
        db.session.add(subscription)


# The CRM does not store timestamps, so `latest` keeps the order: Redis stores the time of the
# newest event that was handled for each subscription, and older events are skipped. If this
# handler fails, RQ retries it alone, because change_access has finished.
@florentin.on(events.SubscriptionEvent, latest=lambda event: event.data.subscription.id)
def notify_crm(event: events.SubscriptionEvent, delivery: Delivery) -> None:
    crm.note(
        event.data.account.id,
        f"{event.event}: {event.data.subscription.plan}",
        key=delivery.idempotency_key("crm"),
    )


class InvoiceOfAccount(InvoiceData):
    """Invoice data with an optional account, which Florentin does not document."""

    account: Account = Field(default_factory=Account)


class InvoiceCreated(events.InvoiceCreated):
    data: InvoiceOfAccount


@florentin.on(InvoiceCreated)
def mirror(event: InvoiceCreated) -> None:
    facts, account = event.data.invoice, event.data.account
    with db.session.begin():
        existing = db.session.get(Invoice, facts.number)
        if _is_older(event, existing):
            return
        invoice = existing or Invoice(number=facts.number)
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
        # merge() inserts or updates the row with this key.
        db.session.merge(
            Login(fingerprint=delivery.fingerprint, customer_id=customer.id, at=event.timestamp)
        )


# The client derives the request's id from the delivery: if the answer is lost, the retry of this
# handler sends the same id again, and the provider consumes one credit.
@florentin.on("user.login")
def charge_login(event: events.UserLogin) -> None:
    api, account = provider_api(), event.data.account
    if api is None or account.id is None:
        raise Discard("no API is configured, or the event names no account")
    api.credits.consume(customer=account.id, amount=1, reason="login")


@florentin.on("usage.metrics_updated")
def add_usage(event: events.UsageMetricsUpdated, delivery: Delivery) -> None:
    # Florentin does not document whether figures are totals or increments. We assume increments.
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


def _is_older(event: events.Event, existing: Subscription | Invoice | None) -> bool:
    """Return whether the row is newer than the event, for example after an early cancellation.

    The row holds its own timestamp, written in the same transaction. An older event therefore
    changes nothing, even if it is very late and Redis has already deleted its record.
    """
    return existing is not None and event.timestamp < existing.as_of


def _customer(account: Account) -> Customer:
    """Return the row of the account, created if this is its first event.

    An event without an account fails until it is a dead letter, which the operator can inspect: a
    purchase without a customer must not go unnoticed. If two workers add the same customer at the
    same time, one of them fails, and its retry finds the row.
    """
    if account.id is None:
        raise LookupError("The event has no account id.")
    customer = db.session.get(Customer, account.id) or Customer(id=account.id)
    customer.name = customer.name or account.name
    customer.email = customer.email or account.email
    db.session.add(customer)
    return customer
