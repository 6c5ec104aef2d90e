"""Listing and explaining deliveries."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from florentin_webhooks import MemoryStore, Receiver, events
from florentin_webhooks.mcp.desk import Desk, ToolFailure
from florentin_webhooks.mcp.inspection import list_deliveries
from florentin_webhooks.testing import Provider
from tests.support.agents import call, desk_of

SECRET = "whsec_0123456789abcdef0123456789abcdef"
PROVIDER = Provider(SECRET)


@pytest.fixture
def hooks() -> Receiver:
    hooks = Receiver(SECRET, store=MemoryStore())

    @hooks.on("user.login")
    def greet(_: events.UserLogin) -> None: ...

    @hooks.on("invoice.created")
    def bill(_: events.InvoiceCreated) -> None:
        raise ValueError("ada@adabooks.example")

    return hooks


@pytest.fixture
def desk(hooks: Receiver) -> Desk:
    return desk_of(hooks)


def send(hooks: Receiver, event: str, **data: Any) -> str:
    """Send an event and return its delivery id."""
    made = PROVIDER.make(event, **data)
    hooks.receive(*made)
    return made.delivery_id


def test_list_shows_what_each_delivery_did(hooks: Receiver, desk: Desk) -> None:
    send(hooks, "user.login")
    send(hooks, "invoice.created")
    listed = {each["event"]: each for each in call(desk, "list_deliveries")["deliveries"]}
    failed, done = listed["invoice.created"], listed["user.login"]
    assert failed["received_at"] >= done["received_at"]
    assert (failed["event"], failed["state"], failed["handlers_failed"]) == (
        "invoice.created",
        "failed",
        1,
    )
    assert (done["event"], done["state"], done["handlers_done"]) == ("user.login", "done", 1)
    assert failed["reason"].endswith("bill: ValueError")


@pytest.mark.parametrize(
    "filters", [{"state": "failed"}, {"event": "invoice.created"}, {"text": "bill"}]
)
def test_list_can_be_filtered(hooks: Receiver, desk: Desk, filters: dict[str, str]) -> None:
    send(hooks, "user.login")
    send(hooks, "invoice.created")
    (found,) = call(desk, "list_deliveries", **filters)["deliveries"]
    assert found["event"] == "invoice.created"


def test_list_continues_where_it_has_ended(hooks: Receiver, desk: Desk) -> None:
    sent = [send(hooks, "user.login") for _ in range(5)]
    seen, older = [], ""
    for size in (2, 2, 1):
        page = call(desk, "list_deliveries", limit=2, older=older)
        assert len(page["deliveries"]) == size
        seen += [each["delivery_id"] for each in page["deliveries"]]
        older = page["older"]
    assert (sorted(seen), older) == (sorted(sent), "")


def test_search_that_has_stopped_goes_on_to_the_oldest(
    hooks: Receiver, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("florentin_webhooks.inspector.views.deliveries._MOST_SCANNED", 2)
    send(hooks, "invoice.created")
    for _ in range(6):
        send(hooks, "user.login")
    found, older = [], ""
    for _ in range(4):
        page = call(desk, "list_deliveries", text="bill", older=older)
        found += [each["event"] for each in page["deliveries"]]
        older = page["older"]
    assert (found, older) == (["invoice.created"], "")


def test_place_that_is_no_page_is_refused(hooks: Receiver, desk: Desk) -> None:
    send(hooks, "user.login")
    with pytest.raises(ToolFailure, match="There is no page 'soon'"):
        list_deliveries(desk, "", "", "", 20, "soon")


def test_unknown_state_is_refused_with_the_known_ones(desk: Desk) -> None:
    error = call(desk, "list_deliveries", state="broken")["error"]
    assert "There is no state 'broken'" in error
    assert "failed" in error


def test_failed_delivery_is_explained(hooks: Receiver, desk: Desk) -> None:
    delivery_id = send(hooks, "invoice.created")
    found = call(desk, "explain_delivery", delivery=delivery_id)
    assert found["state"] == "failed"
    assert "bill failed: ValueError." in found["summary"]
    assert "requeue_delivery" in found["advice"]
    assert {check["name"]: check["result"] for check in found["checks"]}["Signature"] == "passed"
    (handler,) = found["handlers"]
    assert (handler["state"], handler["reason"], handler["attempts"]) == ("failed", "ValueError", 1)
    assert found["body"] == ""
    assert found["size"] > 0


def test_stale_delivery_is_explained(hooks: Receiver, desk: Desk) -> None:
    old = Provider(SECRET, clock=lambda: datetime.now(UTC) - timedelta(days=1))
    hooks.receive(*old.make("user.login"))
    (listed,) = call(desk, "list_deliveries", state="stale")["deliveries"]
    found = call(desk, "explain_delivery", delivery=listed["fingerprint"])
    assert "It was refused" in found["summary"]
    assert "the limit is 900 s" in found["summary"]
    assert [each["state"] for each in found["handlers"]] == ["not run"]


def test_event_that_its_model_refuses_is_explained(hooks: Receiver, desk: Desk) -> None:
    send(hooks, "invoice.created", invoice={"amount_due": "much"})
    (listed,) = call(desk, "list_deliveries", state="invalid")["deliveries"]
    found = call(desk, "explain_delivery", delivery=listed["fingerprint"])
    assert "data.invoice.amount_due: int_type" in found["summary"]
    assert "Correct the model" in found["advice"]


def test_body_is_shown_only_with_the_right(hooks: Receiver) -> None:
    desk = desk_of(hooks, bodies=True)
    delivery_id = send(hooks, "invoice.created")
    found = call(desk, "explain_delivery", delivery=delivery_id)
    assert '"amount_due": 4900' in found["body"]
