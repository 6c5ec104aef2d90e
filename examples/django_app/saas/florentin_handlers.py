"""What happens here when Florentin says that something happened.

Events come in any order, deliveries come again, and a process may die between what a handler did
and the record of it. So every handler writes rows by a key that the event names, and says as of
when: an older event, and the same one once more, change nothing.
"""

from __future__ import annotations

from django.conf import settings
from django.db import transaction
from pydantic import Field

from florentin_webhooks import Delivery, Discard, events
from florentin_webhooks.django import hooks
from florentin_webhooks.senders.florentin import payloads
from saas import crm
from saas.models import Customer, Invoice, Login, Subscription, Usage

# In this program's own database, a handler's changes and the record of its end are one
# transaction: what it does there happens exactly once, and a handler that fails leaves nothing.
# Redis cannot be part of such a transaction. There a handler may run again after a crash, finds its
# own rows, and adds nothing: the same in the end, which is why these handlers fit both.
ATOMIC = hooks.store.supports_transactions


@hooks.on("account.created", atomic=ATOMIC)
def keep_customer(event: events.AccountCreated) -> None:
    customer_of(event, event.data.account)


@hooks.on(events.SubscriptionEvent, atomic=ATOMIC)
def keep_access(event: events.SubscriptionEvent) -> None:
    """Give access, change it, or take it away, by the newest event of each subscription.

    A cancellation that comes first leaves a row without access, and the purchase, stamped earlier,
    does not bring it back. Of two events with one time stamp, the cancellation counts. `latest=`
    would skip older events, too, but by the store's memory: it ends some day, and is another one
    after a change to Redis. Who has access should not depend on that, so the row says as of when.
    """
    subscription, account = event.data.subscription, event.data.account
    if subscription.id is None or account.id is None:
        # No Discard: somebody has paid. It fails, is kept, and can be replayed after a repair here.
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
def tell_crm(event: events.SubscriptionEvent, delivery: Delivery) -> None:
    """Tell a program elsewhere, which may be down.

    Not atomic, since no transaction of ours reaches there. If it fails, only this handler is tried
    again. By then the news may be old: with `latest=` it is skipped if newer news was told. After
    a crash it may be told twice, under one key by which the CRM can recognise it.
    """
    if not settings.CRM_URL:
        raise Discard("no CRM_URL is set")
    crm.tell(
        settings.CRM_URL,
        {
            "subscription": event.data.subscription.id,
            "plan": event.data.subscription.plan,
            "event": event.event,
        },
        idempotency_key=delivery.idempotency_key("crm"),
    )


class InvoiceData(payloads.InvoiceData):
    # Florentin documents no account in its invoices; where yours name one, here it is.
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


@hooks.on("usage.metrics_updated", atomic=ATOMIC)
@transaction.atomic  # All rows or none, also where the store has no transaction for them.
def add_usage(event: events.UsageMetricsUpdated, delivery: Delivery) -> None:
    """Take the figures for what was used since the last event, and have the page sum them up.

    Florentin does not document whether they are that, or totals. If yours are totals, keep the
    newest of each metric, as `keep_access` does.
    """
    customer = customer_of(event, event.data.account)
    for metric, amount in event.data.metrics.items():
        Usage.objects.get_or_create(
            fingerprint=delivery.fingerprint,
            metric=metric,
            defaults={"customer": customer, "amount": amount, "at": event.timestamp},
        )


def customer_of(event: events.Event, account: payloads.Account) -> Customer:
    """Give the customer of *account*, whichever of its events came first."""
    if account.id is None:
        raise Discard(f"this {event.event} names no account")
    facts = known(name=account.name, email=account.email)
    customer: Customer = Customer.objects.learn(event.timestamp, facts, florentin_id=account.id)
    return customer


def known(**facts: str | None) -> dict[str, object]:
    """Leave out what an event does not say, so that nothing known is overwritten by it."""
    return {name: fact for name, fact in facts.items() if fact is not None}
