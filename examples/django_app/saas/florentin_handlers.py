"""The handlers of Florentin's events.

Events arrive in any order, deliveries arrive twice, and a process may die between a handler's
change and its record. So every handler writes rows under a key of the event, with the event's time:
an older event, or the same one again, changes nothing.
"""

from __future__ import annotations

from django.conf import settings
from django.db import transaction
from pydantic import Field

from florentin_webhooks import Delivery, Discard, events
from florentin_webhooks.django import hooks
from florentin_webhooks.senders.florentin import payloads
from saas import crm, monitoring
from saas.models import Customer, Invoice, Login, Subscription, Usage
from saas.provider import provider_api

# With the store in this program's database, a handler's changes and the record of its end are one
# transaction: its changes happen exactly once, and a failed handler leaves none. Redis cannot be
# part of such a transaction. There a handler may run again after a crash; it finds its own rows and
# adds nothing. The result is the same, so these handlers work with both.
ATOMIC = hooks.store.supports_transactions

__all__ = ["monitoring"]  # Imported with the handlers, so that workers count, too.


@hooks.on("account.created", atomic=ATOMIC)
def keep_customer(event: events.AccountCreated) -> None:
    customer_of(event, event.data.account)


@hooks.on(events.SubscriptionEvent, atomic=ATOMIC)
def keep_access(event: events.SubscriptionEvent) -> None:
    """Grant, change or revoke access by the newest event of each subscription.

    A cancellation that arrives first leaves a row without access, and the earlier purchase does not
    restore it. Of two events with the same timestamp, the cancellation wins. `latest=` would skip
    older events, too, but its high-water mark expires with the store's records and does not move to
    another store. Access must not depend on that, so the row holds the time of its newest event.
    """
    subscription, account = event.data.subscription, event.data.account
    if subscription.id is None or account.id is None:
        # Not Discard: a customer has paid. The delivery fails, is kept, and can be replayed.
        raise ValueError("a subscription event must name its subscription and its account")
    cancelled = isinstance(event, events.SubscriptionCancelled)
    Subscription.objects.learn(
        event.timestamp,
        {"customer": customer_of(event, account), "active": not cancelled}
        | known(plan=subscription.plan),
        wins_ties=cancelled,
        florentin_id=subscription.id,
    )


@hooks.on(events.SubscriptionEvent, latest=lambda event: event.data.subscription.id)
def notify_crm(event: events.SubscriptionEvent, delivery: Delivery) -> None:
    """Notify the CRM, which may be down.

    Not atomic, because no transaction of ours includes the CRM. If it fails, only this handler
    runs again. By then the event may be old: `latest=` skips it if a newer one was sent. After a
    crash it may be sent twice, with one idempotency key.
    """
    if not settings.CRM_URL:
        raise Discard("no CRM_URL is set")
    crm.notify(
        settings.CRM_URL,
        {
            "subscription": event.data.subscription.id,
            "plan": event.data.subscription.plan,
            "event": event.event,
        },
        idempotency_key=delivery.idempotency_key("crm"),
    )


class InvoiceData(payloads.InvoiceData):
    # Florentin documents no account in invoices; this field is set if yours have one.
    account: payloads.Account = Field(default_factory=payloads.Account)


class InvoiceCreated(events.InvoiceCreated):
    data: InvoiceData


@hooks.on(InvoiceCreated, atomic=ATOMIC)
def mirror_invoice(event: InvoiceCreated) -> None:
    invoice, account = event.data.invoice, event.data.account
    facts = {
        "status": invoice.status,
        "amount_due": invoice.amount_due,
        "currency": invoice.currency,
        "customer": customer_of(event, account) if account.id else None,
    }
    Invoice.objects.learn(event.timestamp, facts, number=invoice.number)


@hooks.on("user.login", atomic=ATOMIC)
def count_login(event: events.UserLogin, delivery: Delivery) -> None:
    facts = {
        "customer": customer_of(event, event.data.account),
        "user": event.data.user.email or event.data.user.id or "",
        "at": event.timestamp,
    }
    Login.objects.get_or_create(fingerprint=delivery.fingerprint, defaults=facts)


@hooks.on("user.login")
def charge_login(event: events.UserLogin) -> None:
    """Consume a credit of the customer, once, however often this handler runs.

    Not atomic, because no transaction of ours includes the provider. The client derives the id of
    the request from the delivery, so a retry after a lost answer sends the same id again.
    """
    api, account = provider_api(), event.data.account
    if api is None or account.id is None:
        raise Discard("no API is configured, or the event names no account")
    api.credits.consume(customer=account.id, amount=1, reason="login")


@hooks.on("usage.metrics_updated", atomic=ATOMIC)
@transaction.atomic  # All rows or none, also with a store without transactions.
def add_usage(event: events.UsageMetricsUpdated, delivery: Delivery) -> None:
    """Store the figures as usage since the last event; the page sums them up.

    Florentin does not document whether they are increments or totals. If yours are totals, keep
    the newest of each metric, as `keep_access` does.
    """
    customer = customer_of(event, event.data.account)
    for metric, amount in event.data.metrics.items():
        Usage.objects.get_or_create(
            fingerprint=delivery.fingerprint,
            metric=metric,
            defaults={"customer": customer, "amount": amount, "at": event.timestamp},
        )


def customer_of(event: events.Event, account: payloads.Account) -> Customer:
    """Return the customer of *account*; create it with the account's first event."""
    if account.id is None:
        raise Discard(f"{event.event} names no account")
    facts = known(name=account.name, email=account.email)
    customer: Customer = Customer.objects.learn(event.timestamp, facts, florentin_id=account.id)
    return customer


def known(**facts: str | None) -> dict[str, object]:
    """Return *facts* without None, so that missing values do not overwrite known ones."""
    return {name: fact for name, fact in facts.items() if fact is not None}
