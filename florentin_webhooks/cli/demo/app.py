"""The receiver of the demonstration, which its web process and its workers import.

Handlers for all ten events: some run before the sender is answered, the others in a worker.
"""

from __future__ import annotations

import os
import time

from florentin_webhooks import events
from florentin_webhooks.cli.demo.recorder import RunRecorder
from florentin_webhooks.cli.demo.settings import DELAYS, QUEUE, SECONDS
from florentin_webhooks.core.receiver import Receiver
from florentin_webhooks.protocol.delivery import Delivery
from florentin_webhooks.redis.store import RedisStore
from florentin_webhooks.rq.queue import RQQueue

__all__ = ["hooks", "store"]

_FOREVER = 60  # Longer than it lives.

_URL = os.environ["FLORENTIN_REDIS_URL"]
record = RunRecorder(_URL)
store = RedisStore(_URL)
hooks = Receiver(
    os.environ["FLORENTIN_WEBHOOK_SECRET"],
    store=store,
    queue=RQQueue(QUEUE, retries=DELAYS, timeout=SECONDS),
)


@hooks.on("account.created")
def welcome(event: events.AccountCreated, delivery: Delivery) -> None:
    """Welcome somebody new."""
    record.done(record.begin("welcome", delivery), str(event.data.account.name))


@hooks.on("user.login")
def greet(event: events.UserLogin, delivery: Delivery) -> None:
    """Greet whoever comes back."""
    record.done(record.begin("greet", delivery), str(event.data.user.name))


@hooks.on("team_member.added", inline=True)
def add_seat(event: events.TeamMemberAdded, delivery: Delivery) -> None:
    """Make room for one more."""
    record.done(record.begin("add_seat", delivery), str(event.data.member.role))


@hooks.on("team_member.added", inline=True)
def send_mail(event: events.TeamMemberAdded, delivery: Delivery) -> None:
    """Write to the new one, unless the mail server is down."""
    run = record.begin("send_mail", delivery)
    if record.happens("mail is down"):
        raise ConnectionError("the mail server is down")
    record.done(run, str(event.data.member.email).partition("@")[0])


@hooks.on("subscription.purchased", inline=True)
async def open_plan(event: events.SubscriptionPurchased, delivery: Delivery) -> None:
    """Open what was bought."""
    record.done(record.begin("open_plan", delivery), str(event.data.subscription.plan))


@hooks.on("subscription.upgraded", inline=True)
async def raise_plan(event: events.SubscriptionUpgraded, delivery: Delivery) -> None:
    """Give more."""
    record.done(record.begin("raise_plan", delivery), f"to {event.data.subscription.plan}")


@hooks.on("subscription.downgraded", inline=True)
async def lower_plan(event: events.SubscriptionDowngraded, delivery: Delivery) -> None:
    """Give less."""
    record.done(record.begin("lower_plan", delivery), f"to {event.data.subscription.plan}")


@hooks.on("subscription.cancelled", inline=True)
async def end_plan(event: events.SubscriptionCancelled, delivery: Delivery) -> None:
    """Close what was ended."""
    record.done(record.begin("end_plan", delivery), str(event.data.subscription.plan))


@hooks.on("invoice.created")
def bill(event: events.InvoiceCreated, delivery: Delivery) -> None:
    """Record what is due."""
    run, invoice = record.begin("bill", delivery), event.data.invoice
    if record.happens("bill takes long"):
        time.sleep(_FOREVER)
    due = f"{invoice.amount_due / 100:.2f} {invoice.currency.upper()}"
    record.done(run, f"{invoice.number}, {due}")


@hooks.on("tos.accepted")
def file_terms(event: events.TosAccepted, delivery: Delivery) -> None:
    """File what was agreed to, unless this version has a fault."""
    run = record.begin("file_terms", delivery)
    if record.happens("terms are misread"):
        raise ValueError("this version cannot be read")
    record.done(run, str(event.data.terms.version))


@hooks.on("usage.metrics_updated")
async def meter(event: events.UsageMetricsUpdated, delivery: Delivery) -> None:
    """Count what was used, once the database answers."""
    run = record.begin("meter", delivery)
    if record.happens("database is away"):
        raise TimeoutError("the database is away")
    record.done(run, f"{event.data.metrics.get('api_calls')} API calls")
