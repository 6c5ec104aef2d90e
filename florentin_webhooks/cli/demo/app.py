"""The receiver of the demonstration, imported by its web process and its worker.

Handlers for all ten events: some run before the sender gets its reply, the others in a worker.
"""

from __future__ import annotations

import logging
import os
import time

from florentin_webhooks import events
from florentin_webhooks.api import FlorentinAPI
from florentin_webhooks.cli.demo.recorder import RunRecorder
from florentin_webhooks.cli.demo.settings import (
    API_VARIABLE,
    DELAYS,
    QUEUE,
    TIMEOUT,
    TOKEN_VARIABLE,
)
from florentin_webhooks.core.receiver import Receiver
from florentin_webhooks.protocol.delivery import Delivery
from florentin_webhooks.redis.store import RedisStore
from florentin_webhooks.rq.queue import RQQueue
from florentin_webhooks.senders import Stripe

__all__ = ["hooks", "provider", "store", "stripe"]

_ENDLESS = 60  # Seconds; longer than the time limit.
_FAILURES = {
    "send_mail": ConnectionError("the mail server is down"),
    "file_terms": ValueError("this version cannot be read"),
    "meter": TimeoutError("the database is away"),
}

_log = logging.getLogger("demo")
_URL = os.environ["FLORENTIN_REDIS_URL"]
recorder = RunRecorder(_URL)
store = RedisStore(_URL)
queue = RQQueue(QUEUE, retries=DELAYS, timeout=TIMEOUT)
_SECRET = os.environ["FLORENTIN_WEBHOOK_SECRET"]
hooks = Receiver(_SECRET, store=store, queue=queue)
stripe = Receiver(_SECRET, sender=Stripe(), store=store, queue=queue, name="stripe")
provider = Receiver(_SECRET, store=store, queue=queue, name="provider")
api = FlorentinAPI(
    os.environ.get(API_VARIABLE, "http://127.0.0.1:8600/api/v1"),
    os.environ.get(TOKEN_VARIABLE, "1|of-the-demonstration"),
)


def _record(handler: str, delivery: Delivery, note: str) -> None:
    """Record a call; fail, or take too long, where the demonstration has planned it."""
    # Counted before the run is seen: the demonstration may kill this process as soon as it is, and
    # the next run would fail instead.
    is_failing = recorder.is_failing(handler)
    run = recorder.start(handler, delivery)
    if is_failing:
        if handler in _FAILURES:
            raise _FAILURES[handler]
        time.sleep(_ENDLESS)
    recorder.finish(run, note)
    _log.info("%s ran: %s", handler, note)


@hooks.on("account.created")
def welcome(event: events.AccountCreated, delivery: Delivery) -> None:
    """Welcome a new account."""
    _record("welcome", delivery, str(event.data.account.name))


@hooks.on("user.login")
def greet(event: events.UserLogin, delivery: Delivery) -> None:
    """Greet a user."""
    _record("greet", delivery, str(event.data.user.name))


@hooks.on("team_member.added", inline=True)
def add_seat(event: events.TeamMemberAdded, delivery: Delivery) -> None:
    """Add a seat."""
    _record("add_seat", delivery, str(event.data.member.role))


@hooks.on("team_member.added", inline=True)
def send_mail(event: events.TeamMemberAdded, delivery: Delivery) -> None:
    """Send an e-mail to the new member."""
    _record("send_mail", delivery, str(event.data.member.email).partition("@")[0])


@hooks.on("subscription.purchased", inline=True)
async def open_plan(event: events.SubscriptionPurchased, delivery: Delivery) -> None:
    """Open the plan that was purchased."""
    _record("open_plan", delivery, str(event.data.subscription.plan))


@hooks.on("subscription.upgraded", inline=True)
async def raise_plan(event: events.SubscriptionUpgraded, delivery: Delivery) -> None:
    """Change to a larger plan."""
    _record("raise_plan", delivery, f"to {event.data.subscription.plan}")


@hooks.on("subscription.downgraded", inline=True)
async def lower_plan(event: events.SubscriptionDowngraded, delivery: Delivery) -> None:
    """Change to a smaller plan."""
    _record("lower_plan", delivery, f"to {event.data.subscription.plan}")


@hooks.on("subscription.cancelled", inline=True)
async def end_plan(event: events.SubscriptionCancelled, delivery: Delivery) -> None:
    """Close the plan."""
    _record("end_plan", delivery, str(event.data.subscription.plan))


@hooks.on("invoice.created")
def bill(event: events.InvoiceCreated, delivery: Delivery) -> None:
    """Record the amount due."""
    invoice = event.data.invoice
    amount = f"{invoice.amount_due / 100:.2f} {invoice.currency.upper()}"
    _record("bill", delivery, f"{invoice.number}, {amount}")


@hooks.on("tos.accepted")
def file_terms(event: events.TosAccepted, delivery: Delivery) -> None:
    """File the terms that were accepted."""
    _record("file_terms", delivery, str(event.data.terms.version))


@hooks.on("usage.metrics_updated")
async def meter(event: events.UsageMetricsUpdated, delivery: Delivery) -> None:
    """Store the usage."""
    _record("meter", delivery, f"{event.data.metrics.get('api_calls')} API calls")


@stripe.on("charge.*")
def charge(event: events.Event, delivery: Delivery) -> None:
    """Book a charge of Stripe's."""
    _record("charge", delivery, f"{event.data['amount'] / 100:.2f} EUR")


@provider.on("account.created")
def call_back(event: events.AccountCreated, delivery: Delivery) -> None:
    """Ask the API for the customer of a new account."""
    customer = api.customers.show(event.data.account.id or "")
    _record("call_back", delivery, str(customer.name))
