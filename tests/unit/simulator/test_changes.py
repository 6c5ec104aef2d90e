"""The changes of the domain: what they need, and what they leave."""

from __future__ import annotations

import pytest

from tests.support.simulated import Domain


def test_subscription_moves_between_plans_and_ends(domain: Domain) -> None:
    _, bought = domain.post("/subscriptions", customer_id=domain.customer(), plan="team")
    path = f"/subscriptions/{bought['data']['id']}"
    assert (bought["data"]["plan"], bought["data"]["status"]) == ("team", "active")
    up = domain.post(f"{path}/upgrade", plan="business")[1]["data"]
    assert (up["plan"], up["previous_plan"]) == ("business", "team")
    down = domain.post(f"{path}/downgrade", plan="starter")[1]["data"]
    assert (down["plan"], down["previous_plan"]) == ("starter", "business")
    assert domain.post(f"{path}/cancel")[1]["data"]["status"] == "cancelled"
    assert domain.get(path)["data"]["status"] == "cancelled"


@pytest.mark.parametrize(
    ("step", "fields", "reason"),
    [
        ("upgrade", {"plan": "team"}, "plan must be above team"),
        ("upgrade", {"plan": "starter"}, "plan must be above team"),
        ("downgrade", {"plan": "business"}, "plan must be below team"),
    ],
)
def test_move_in_the_wrong_direction_is_a_conflict(
    step: str, fields: dict[str, str], reason: str, domain: Domain
) -> None:
    _, bought = domain.post("/subscriptions", customer_id=domain.customer(), plan="team")
    status, content = domain.post(f"/subscriptions/{bought['data']['id']}/{step}", **fields)
    assert (status, content["error"]["message"]) == (409, reason)


def test_cancelled_subscription_changes_no_more(domain: Domain) -> None:
    _, bought = domain.post("/subscriptions", customer_id=domain.customer(), plan="team")
    path = f"/subscriptions/{bought['data']['id']}"
    domain.post(f"{path}/cancel")
    statuses = [domain.post(f"{path}/{step}", plan="business")[0] for step in ("upgrade", "cancel")]
    assert statuses == [409, 409]


def test_invoices_are_numbered_and_listed_by_customer(domain: Domain) -> None:
    customers = [domain.customer(), domain.customer("grace@adabooks.example")]
    for customer in customers:
        domain.post("/invoices", customer_id=customer, amount_due=4900, currency="eur")
    (listed,) = domain.get(f"/invoices?customer_id={customers[1]}")["data"]
    assert (listed["number"], listed["status"], listed["amount_due"]) == ("INV-0002", "open", 4900)


def test_unknown_customer_changes_nothing(domain: Domain) -> None:
    status, _ = domain.post(
        "/logins", customer_id=f"{'0' * 8}-{'0000-' * 3}{'0' * 12}", email="a@b.example"
    )
    assert status == 404
