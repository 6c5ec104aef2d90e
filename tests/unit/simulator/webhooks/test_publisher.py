"""Every change of the domain fires its event, which a receiver can parse."""

from __future__ import annotations

import json

import pytest

from florentin_webhooks import Receiver
from florentin_webhooks.events import Event, InvoiceCreated
from tests.support.simulated import Domain, Played

SECRET = "a-secret-of-the-simulator-tests"


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> Played:
    played = Played(monkeypatch)
    played.simulator.add_endpoint("http://127.0.0.1:8000/webhooks/florentin", SECRET)
    return played


def test_every_change_fires_its_event(played: Played) -> None:
    seen: list[Event] = []
    played.hooks = Receiver(SECRET, clock=played.clock)
    played.hooks.on(Event)(seen.append)
    domain = Domain(played.simulator)
    customer = {"customer_id": domain.customer()}
    user = {**customer, "email": "grace@adabooks.example"}
    _, bought = domain.post("/subscriptions", **customer, plan="team")
    path = f"/subscriptions/{bought['data']['id']}"
    domain.post(f"{path}/upgrade", plan="business")
    domain.post(f"{path}/downgrade", plan="starter")
    domain.post(f"{path}/cancel")
    domain.post("/invoices", **customer, amount_due=4900, currency="eur")
    domain.post("/team-members", **user, role="editor")
    domain.post("/terms", **user, version="2026-01")
    domain.post("/logins", **user)
    domain.post("/credits/consume", **customer, amount=5, reason="export")
    for _ in range(11):
        played.run()
    assert {event.event: event.data.model_extra for event in seen} == {
        "account.created": {},
        "subscription.purchased": {},
        "subscription.upgraded": {},
        "subscription.downgraded": {},
        "subscription.cancelled": {},
        "invoice.created": {},
        "team_member.added": {},
        "tos.accepted": {},
        "user.login": {},
        "usage.metrics_updated": {},
    }
    (invoice,) = (event for event in seen if isinstance(event, InvoiceCreated))
    assert invoice.data.invoice.number == "INV-0001"


def test_repeated_or_refused_request_fires_nothing(played: Played) -> None:
    domain = Domain(played.simulator)
    wanted = {"customer_id": domain.customer(), "amount": 5, "reason": "export"}
    for _ in range(2):
        domain.post("/credits/consume", **wanted, request_id="r-1")
    domain.post("/customers", name="without email")
    assert [each.event for each in played.simulator.deliveries()] == [
        "usage.metrics_updated",
        "account.created",
    ]


def test_event_goes_to_each_endpoint_under_its_own_id(played: Played) -> None:
    played.simulator.add_endpoint("http://127.0.0.1:8001/", SECRET)
    ids = played.simulator.fire("invoice.created")
    played.run()
    assert len({*ids}) == 2
    assert len({each.body for each in played.requests}) == 1
    assert "INV-0042" in json.dumps(json.loads(played.requests[0].body))
