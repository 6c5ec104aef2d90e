"""The handlers in this process, through all of Django but a server: where to test them first."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from saas import florentin_handlers
from saas.models import Customer, Invoice, Login, Subscription, Usage

from florentin_webhooks.django import hooks
from florentin_webhooks.testing import Provider, SignedDelivery, Webhooks

Post = Callable[[SignedDelivery], str]
NOW = datetime.now(UTC)


@pytest.fixture
def post(client: Client, db: None) -> Post:
    """Send a delivery, and give what became of it."""

    def post(made: SignedDelivery) -> str:
        headers = {k: v for k, v in made.headers.items() if k.startswith("X-")}
        result = client.post(
            "/webhooks/florentin", made.body, content_type="application/json", headers=headers
        ).json()
        return str(result["data"]["outcome"] if "data" in result else result["error"]["code"])

    return post


def made(event: str, seconds: float = 0, **data: Any) -> SignedDelivery:
    """A delivery of what happened so many seconds from now."""
    moment = NOW + timedelta(seconds=seconds)
    return Provider(os.environ["FLORENTIN_WEBHOOK_SECRET"], clock=lambda: moment).make(
        event, **data
    )


def test_an_account_becomes_a_customer(post: Post) -> None:
    assert post(made("account.created")) == "processed"
    assert [str(customer) for customer in Customer.objects.all()] == ["Ada Books"]


def test_a_purchase_that_fails_gives_access_with_the_retry(
    webhooks: Webhooks, client: Client, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhooks.through(client)
    with monkeypatch.context() as broken, webhooks.expect_failure(AttributeError):
        broken.setattr(florentin_handlers, "Subscription", None)
        webhooks.deliver("subscription.purchased")
    assert not Subscription.objects.exists()
    webhooks.wait(minutes=1)
    webhooks.assert_handled(by=florentin_handlers.keep_access)
    webhooks.redeliver()
    webhooks.assert_duplicate()
    assert Customer.objects.get().has_access


def test_a_purchase_gives_access(post: Post) -> None:
    assert post(made("subscription.purchased")) == "processed"
    assert Customer.objects.get().has_access


def test_a_cancellation_takes_access_away(post: Post) -> None:
    post(made("subscription.purchased", 1))
    post(made("subscription.cancelled", 2))
    assert not Customer.objects.get().has_access


def test_a_cancellation_that_arrives_first_stays(post: Post) -> None:
    post(made("subscription.cancelled", 2))
    post(made("subscription.purchased", 1))
    assert not Customer.objects.get().has_access


@pytest.mark.parametrize("turn", [1, -1])
def test_of_two_events_with_one_time_stamp_the_cancellation_counts(post: Post, turn: int) -> None:
    for event in ["subscription.purchased", "subscription.cancelled"][::turn]:
        post(made(event, 1))
    assert not Customer.objects.get().has_access


def test_a_subscription_can_be_bought_again(post: Post) -> None:
    post(made("subscription.cancelled", 1))
    post(made("subscription.purchased", 2))
    assert Customer.objects.get().has_access


def test_whoever_has_two_subscriptions_may_lose_one(post: Post) -> None:
    post(made("subscription.purchased", subscription={"id": "sub_1"}))
    post(made("subscription.purchased", subscription={"id": "sub_2"}))
    post(made("subscription.cancelled", 1, subscription={"id": "sub_1"}))
    assert Customer.objects.get().has_access


def test_an_event_without_a_plan_leaves_the_plan_as_it_was(post: Post) -> None:
    post(made("subscription.purchased", 1))
    post(made("subscription.upgraded", 2, subscription={"plan": None}))
    assert Subscription.objects.get().plan == "team"


def test_a_purchase_of_nobody_fails_so_that_somebody_looks(post: Post) -> None:
    assert post(made("subscription.purchased", account={"id": None})) == "handler-failed"
    assert not Subscription.objects.exists()


def test_a_login_is_counted_once(post: Post) -> None:
    login = made("user.login")
    assert [post(login), post(login)] == ["processed", "duplicate"]
    assert post(made("user.login")) == "processed"
    assert Login.objects.count() == 2


def test_a_login_of_nobody_is_dropped(post: Post) -> None:
    assert post(made("user.login", account={"id": None})) == "processed"
    assert not Login.objects.exists()


@pytest.mark.parametrize(
    ("event", "handler"),
    [
        ("user.login", florentin_handlers.count_login),
        ("usage.metrics_updated", florentin_handlers.add_usage),
    ],
)
def test_what_runs_again_after_a_crash_counts_once(
    db: None, event: str, handler: Callable[..., None]
) -> None:
    """Where no transaction holds a handler and its record together, as with Redis."""
    delivery, parsed = hooks.verify(*made(event))
    handler(parsed, delivery)
    counted = Login.objects.count() + Usage.objects.count()
    handler(parsed, delivery)
    assert counted == Login.objects.count() + Usage.objects.count() > 0


def test_usage_is_counted_all_or_not_at_all(post: Post) -> None:
    unfit = made("usage.metrics_updated", metrics={"api_calls": 1, "too_large": 10**400})
    assert post(unfit) == "handler-failed"
    assert not Usage.objects.exists()


def test_an_invoice_is_mirrored_by_its_number(post: Post) -> None:
    post(made("invoice.created", 2, invoice={"status": "paid"}))
    post(made("invoice.created", 1, invoice={"status": "open"}))
    invoice = Invoice.objects.get()
    assert (invoice.number, invoice.status, invoice.amount_due) == ("INV-0042", "paid", 4900)


@pytest.mark.parametrize(
    ("currency", "amount"), [("eur", "49.00 EUR"), ("jpy", "4,900 JPY"), ("kwd", "4.900 KWD")]
)
def test_an_amount_has_the_digits_of_its_currency(currency: str, amount: str) -> None:
    assert Invoice(amount_due=4900, currency=currency).amount == amount


def test_a_crm_that_is_down_fails_alone_and_is_asked_again_alone(post: Post, settings: Any) -> None:
    settings.CRM_URL = "http://127.0.0.1:1/"  # Nothing listens there.
    purchase = made("subscription.purchased")
    assert post(purchase) == "handler-failed"
    assert Customer.objects.get().has_access
    Subscription.objects.all().delete()  # The handler that gives access has run again.
    settings.CRM_URL = None
    assert post(purchase) == "processed"
    assert not Customer.objects.get().has_access
