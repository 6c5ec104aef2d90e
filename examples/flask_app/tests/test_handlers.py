"""The effects of events on the pages; in this process, with inline handlers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from saas import handlers
from saas.models import Subscription, db
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError
from tests.in_process import InProcessApp

from florentin_webhooks.testing import Webhooks

ADA = "/customers/acc_5f1d"  # the customer of the sample payloads


def test_purchase_grants_access(saas: InProcessApp) -> None:
    assert saas.deliver("subscription.purchased") == "processed"
    assert "Access yes" in saas.page(ADA)
    assert "sub_9a27 team active" in saas.page(ADA)


def test_failed_purchase_grants_access_with_the_retry(
    webhooks: Webhooks, saas: InProcessApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhooks.through(saas.browser)
    with monkeypatch.context() as broken, webhooks.expect_failure(TypeError):
        broken.setattr(handlers, "_customer", None)
        webhooks.deliver("subscription.purchased")
    assert "Access yes" not in saas.page("/customers")
    webhooks.wait(minutes=1)
    webhooks.assert_handled(by=handlers.change_access)
    webhooks.redeliver()
    webhooks.assert_duplicate()
    assert "Access yes" in saas.page(ADA)


@pytest.mark.parametrize(
    ("event", "seen"),
    [
        ("subscription.upgraded", "business active"),
        ("subscription.downgraded", "team active"),
        ("subscription.cancelled", "team cancelled"),
    ],
)
def test_later_event_changes_the_subscription(saas: InProcessApp, event: str, seen: str) -> None:
    saas.deliver("subscription.purchased", saas.now - timedelta(minutes=1))
    saas.deliver(event)
    assert seen in saas.page(ADA)


def test_cancellation_before_its_purchase_revokes_access(saas: InProcessApp) -> None:
    saas.deliver("subscription.cancelled")
    saas.deliver("subscription.purchased", saas.now - timedelta(minutes=1))
    assert "Access no" in saas.page(ADA)


def test_one_active_subscription_of_two_grants_access(saas: InProcessApp) -> None:
    saas.deliver("subscription.purchased")
    saas.deliver("subscription.cancelled", subscription={"id": "sub_another"})
    assert "Access yes" in saas.page(ADA)


def test_second_of_two_concurrent_changes_fails(saas: InProcessApp) -> None:
    saas.deliver("subscription.purchased", saas.now - timedelta(minutes=2))
    with saas.app.app_context():
        slower = Session(db.engine)
    with slower:
        held = slower.get_one(Subscription, "sub_9a27")
        saas.deliver("subscription.cancelled")
        held.active, held.as_of = True, saas.now - timedelta(minutes=1)
        with pytest.raises(StaleDataError):
            slower.commit()
    assert "Access no" in saas.page(ADA)


def test_purchase_without_an_account_changes_nothing(saas: InProcessApp) -> None:
    assert saas.deliver("subscription.purchased", account={"id": None}) == "handler-failed"
    assert "No customers yet." in saas.page("/customers/")


def test_duplicate_changes_nothing(saas: InProcessApp) -> None:
    made = saas.make("usage.metrics_updated")
    assert [saas.send(made), saas.send(made)] == ["processed", "duplicate"]
    assert "api_calls 12,840" in saas.page(ADA)


@pytest.mark.parametrize(
    ("event", "handler", "seen"),
    [
        ("user.login", handlers.count_login, "Logins 1 "),
        ("usage.metrics_updated", handlers.add_usage, "api_calls 12,840"),
    ],
)
def test_handler_that_runs_twice_counts_once(
    saas: InProcessApp, event: str, handler: Callable[..., None], seen: str
) -> None:
    delivery, typed = saas.receiver.verify(*saas.make(event))
    for _ in range(2):
        with saas.app.app_context():
            handler(typed, delivery)
    assert seen in saas.page(ADA)


def test_logins_are_counted_and_usage_is_summed(saas: InProcessApp) -> None:
    for amount in (0.1, 0.2):
        saas.deliver("user.login")
        saas.deliver("usage.metrics_updated", metrics={"storage_gb": amount})
    assert "Logins 2 " in saas.page(ADA)
    assert "storage_gb 0.3" in saas.page(ADA)


def test_older_event_does_not_change_an_invoice(saas: InProcessApp) -> None:
    saas.deliver("invoice.created", account={"id": "acc_5f1d"}, invoice={"status": "paid"})
    earlier = saas.now - timedelta(minutes=1)
    saas.deliver("invoice.created", earlier, account={"id": "acc_5f1d"}, invoice={"status": "open"})
    assert "INV-0042 paid 49.00 EUR" in saas.page(ADA)


def test_invoice_without_a_customer_is_listed(saas: InProcessApp) -> None:
    saas.deliver("invoice.created")
    assert "without a customer Number Status Amount due INV-0042" in saas.page("/customers/")


def test_customer_is_listed_by_name(saas: InProcessApp) -> None:
    saas.deliver("account.created")
    assert "Ada Books no" in saas.page("/customers/")
    assert "Email billing@adabooks.example" in saas.page(ADA)


def test_forged_delivery_is_rejected(saas: InProcessApp) -> None:
    made = saas.make("subscription.purchased")
    assert saas.send(made._replace(body=made.body + b" ")) == "invalid-signature"
