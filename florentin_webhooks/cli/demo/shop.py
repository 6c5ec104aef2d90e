"""The receiver of the demonstration: handlers for all ten events, and a record of what they did."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from florentin_webhooks.receiver import Receiver

if TYPE_CHECKING:
    from florentin_webhooks import events
    from florentin_webhooks.deliveries import Delivery
    from florentin_webhooks.stores import Store

__all__ = ["Record", "Run", "open_shop"]


@dataclass(frozen=True, slots=True)
class Run:
    """Hold that a handler was called, and for which delivery."""

    handler: str
    fingerprint: str
    delivery_id: str | None


@dataclass(slots=True)
class Record:
    """Keep what handlers did: every call in *started*, and what it came to in *notes*."""

    started: list[Run] = field(default_factory=list[Run])
    finished: list[Run] = field(default_factory=list[Run])
    notes: list[str] = field(default_factory=list[str])
    mail_is_down: bool = False

    def begin(self, handler: str, delivery: Delivery) -> Run:
        """Note that *handler* was called."""
        run = Run(handler, delivery.fingerprint, delivery.delivery_id)
        self.started.append(run)
        return run

    def done(self, handler: str, delivery: Delivery, note: str) -> None:
        """Note that *handler* was called and did its work, which *note* describes."""
        self.finished.append(self.begin(handler, delivery))
        self.notes.append(note)

    def most_runs(self) -> int:
        """Give how often the most frequent handler finished for one body, or one delivery id."""
        bodies = Counter((run.handler, run.fingerprint) for run in self.finished)
        ids = Counter((run.handler, run.delivery_id) for run in self.finished)
        return max([*bodies.values(), *ids.values()], default=0)


def open_shop(secret: str, store: Store) -> tuple[Receiver, Record]:
    """Give a receiver with a handler for each event, and the record that they write."""
    hooks, record = Receiver(secret, store=store), Record()
    _add_people(hooks, record)
    _add_subscriptions(hooks, record)
    _add_papers(hooks, record)
    return hooks, record


def _add_people(hooks: Receiver, record: Record) -> None:
    @hooks.on("account.created")
    def welcome(event: events.AccountCreated, delivery: Delivery) -> None:
        record.done("welcome", delivery, str(event.data.account.name))

    @hooks.on("user.login")
    def greet(event: events.UserLogin, delivery: Delivery) -> None:
        record.done("greet", delivery, str(event.data.user.name))

    @hooks.on("team_member.added")
    def add_seat(event: events.TeamMemberAdded, delivery: Delivery) -> None:
        record.done("add_seat", delivery, str(event.data.member.role))

    @hooks.on("team_member.added")
    def send_mail(event: events.TeamMemberAdded, delivery: Delivery) -> None:
        if record.mail_is_down:
            record.mail_is_down = False
            record.begin("send_mail", delivery)
            raise ConnectionError("the mail server is down")
        record.done("send_mail", delivery, str(event.data.member.email).partition("@")[0])


def _add_subscriptions(hooks: Receiver, record: Record) -> None:
    @hooks.on("subscription.purchased")
    async def open_plan(event: events.SubscriptionPurchased, delivery: Delivery) -> None:
        record.done("open_plan", delivery, str(event.data.subscription.plan))

    @hooks.on("subscription.upgraded")
    async def raise_plan(event: events.SubscriptionUpgraded, delivery: Delivery) -> None:
        record.done("raise_plan", delivery, f"to {event.data.subscription.plan}")

    @hooks.on("subscription.downgraded")
    async def lower_plan(event: events.SubscriptionDowngraded, delivery: Delivery) -> None:
        record.done("lower_plan", delivery, f"to {event.data.subscription.plan}")

    @hooks.on("subscription.cancelled")
    async def end_plan(event: events.SubscriptionCancelled, delivery: Delivery) -> None:
        record.done("end_plan", delivery, str(event.data.subscription.plan))


def _add_papers(hooks: Receiver, record: Record) -> None:
    @hooks.on("invoice.created")
    def bill(event: events.InvoiceCreated, delivery: Delivery) -> None:
        invoice = event.data.invoice
        due = f"{invoice.amount_due / 100:.2f} {invoice.currency.upper()}"
        record.done("bill", delivery, f"{invoice.number}, {due}")

    @hooks.on("tos.accepted")
    def file_terms(event: events.TosAccepted, delivery: Delivery) -> None:
        record.done("file_terms", delivery, str(event.data.terms.version))

    @hooks.on("usage.metrics_updated")
    async def meter(event: events.UsageMetricsUpdated, delivery: Delivery) -> None:
        calls = event.data.metrics.get("api_calls")
        record.done("meter", delivery, f"{calls} API calls")
