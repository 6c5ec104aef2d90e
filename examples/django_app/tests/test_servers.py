"""Real deliveries through the production servers, with both stores: four programs behave alike."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import Any

from florentin_webhooks.testing import Provider, SignedDelivery
from tests.crm import Crm
from tests.sites import Site, eventually


def of(account: str, **more: Any) -> dict[str, Any]:
    """What an event says of *account*: ids and a name that no other test uses."""
    subscription = {"id": f"sub_{account}", **more}
    return {"account": {"id": account, "name": account}, "subscription": subscription}


def stamped(seconds: float, event: str, **data: Any) -> SignedDelivery:
    """A delivery whose event happened so many seconds from now."""
    moment = datetime.now(UTC) + timedelta(seconds=seconds)
    secret = os.environ["FLORENTIN_WEBHOOK_SECRET"]
    return Provider(secret, clock=lambda: moment, check_names=False).make(event, **data)


def wait_for_all_before(site: Site, florentin: Provider, account: str) -> None:
    """Let the worker come to one last event: it takes them one after the other."""
    login = {"account": {"id": account, "name": account}, "user": {"email": "last@example.com"}}
    assert florentin.deliver(site.webhook, "user.login", **login).outcome == site.taken
    site.shows(account, "last@example.com")


def test_a_triggered_purchase_gives_access(site: Site, account: str) -> None:
    facts = {"account.id": account, "account.name": account, "subscription.id": f"sub_{account}"}
    ran = site.trigger("subscription.purchased", facts)
    assert ran.returncode == 0, ran.stderr
    assert site.taken in ran.stdout
    site.shows(account, "Access yes", f"sub_{account} team active")


def test_a_forgery_is_refused(site: Site, florentin: Provider, account: str) -> None:
    made = florentin.make("subscription.purchased", **of(account))
    forged = SignedDelivery(made.headers, made.body.replace(b"team", b"business"))
    assert florentin.send(site.webhook, forged).status == 401
    assert site.page(account) == ""


def test_both_forms_of_the_path_are_served(site: Site, florentin: Provider, account: str) -> None:
    made = florentin.make("subscription.purchased", **of(account))
    assert florentin.send(f"{site.webhook}/", made).outcome == site.taken
    assert florentin.send(site.webhook, made).status in (200, 202)


def test_access_follows_the_time_of_events_and_not_their_arrival(
    site: Site, florentin: Provider, account: str
) -> None:
    for seconds, event, plan in [
        (2, "subscription.upgraded", "business"),
        (1, "subscription.purchased", "free"),
        (4, "subscription.downgraded", "team"),
        (3, "subscription.upgraded", "enterprise"),
    ]:
        made = stamped(seconds, event, **of(account, plan=plan))
        assert florentin.send(site.webhook, made).outcome == site.taken
    wait_for_all_before(site, florentin, account)
    site.shows(account, "Access yes", f"sub_{account} team active")


def test_a_purchase_that_arrives_after_its_cancellation_gives_no_access(
    site: Site, florentin: Provider, account: str
) -> None:
    for seconds, event in [(1, "subscription.cancelled"), (0, "subscription.purchased")]:
        made = stamped(seconds, event, **of(account))
        assert florentin.send(site.webhook, made).outcome == site.taken
    wait_for_all_before(site, florentin, account)
    site.shows(account, "Access no", f"sub_{account} team cancelled")


def test_duplicates_change_nothing(site: Site, florentin: Provider, account: str) -> None:
    facts = {"account.id": account, "account.name": account}
    ran = site.trigger("usage.metrics_updated", facts, "--times", "2", "--duplicate", "--restamp")
    assert ran.returncode == 0, ran.stderr
    assert (ran.stdout.count(site.taken), ran.stdout.count("200 duplicate")) == (2, 4), ran.stdout
    wait_for_all_before(site, florentin, account)
    site.shows(account, "Logins 1", "api_calls 25,680", "storage_gb 7")


def test_an_invoice_is_mirrored(site: Site, florentin: Provider, account: str) -> None:
    invoice = {"number": f"INV-{account}", "amount_due": 123456}
    made = florentin.make("invoice.created", **of(account), invoice=invoice)
    assert florentin.send(site.webhook, made).outcome == site.taken
    site.shows(account, f"INV-{account} open 1,234.56 EUR")


def test_a_crm_that_is_down_holds_nobody_up_and_hears_it_later(
    site: Site, florentin: Provider, crm: Crm, account: str
) -> None:
    subscription = f"sub_{account}"
    crm.down.add(subscription)
    made = florentin.make("subscription.purchased", **of(account))
    first = florentin.send(site.webhook, made)
    assert first.outcome == ("accepted" if site.place.queued else "handler-failed")
    site.shows(account, "Access yes", f"{subscription} team active")
    eventually(lambda: crm.about(subscription), "the CRM was not asked")
    crm.down.discard(subscription)
    if not site.place.queued:  # Florentin comes again; a worker does so by itself.
        assert florentin.send(site.webhook, made).outcome == "processed"
    eventually(lambda: len(crm.about(subscription)) > 1, "the CRM was not asked again")
    refused, accepted = crm.about(subscription)
    assert (refused.accepted, accepted.accepted) == (False, True)
    assert refused.key == accepted.key
