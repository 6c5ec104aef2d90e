"""Deliveries through gunicorn, Redis and a worker, sent with the command of the README."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from tests.crm_server import CRM
from tests.in_process import visible_text
from tests.program import Program, eventually


def options(customer: str, *, minutes_ago: int = 0) -> list[str]:
    """Return the options of trigger for an event of *customer* at that time."""
    at = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    stamp = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    values = {
        "data.account.id": customer,
        "data.subscription.id": f"sub_{customer}",
        "timestamp": stamp,
    }
    return [word for path, value in values.items() for word in ("--set", f"{path}={value}")]


def shows(program: Program, customer: str, seen: str) -> bool:
    return seen in visible_text(program.page(f"/customers/{customer}"))


def stored(program: Program, delivery: dict[str, Any]) -> dict[str, Any]:
    (record,) = program.operate("deliveries", "show", delivery["fingerprint"])
    return record


def test_purchase_is_accepted_and_grants_access(program: Program) -> None:
    (response,) = program.trigger("subscription.purchased", *options("bought"))
    assert (response["status"], response["outcome"]) == (202, "accepted")
    eventually(partial(shows, program, "bought", "Access yes"))


def test_cancellation_before_its_purchase_revokes_access(program: Program, crm: CRM) -> None:
    (first,) = program.trigger("subscription.cancelled", *options("early"))
    eventually(lambda: stored(program, first)["state"] == "done")
    (late,) = program.trigger("subscription.purchased", *options("early", minutes_ago=5))
    eventually(lambda: stored(program, late)["state"] == "done")
    assert shows(program, "early", "Access no")
    assert crm.accepted("early") == ["subscription.cancelled: team"]


def test_duplicates_and_retries_count_once(program: Program) -> None:
    responses = program.trigger("user.login", "--duplicate", "--restamp", *options("eager"))
    assert [response["outcome"] for response in responses] == ["accepted", "duplicate", "duplicate"]
    eventually(partial(shows, program, "eager", "Logins 1 "))


def test_delivery_that_the_operator_replays_counts_once(program: Program) -> None:
    (response,) = program.trigger("usage.metrics_updated", *options("again"))
    eventually(lambda: stored(program, response)["state"] == "done")
    program.operate("deliveries", "replay", response["fingerprint"], "--all-handlers", "--yes")
    eventually(lambda: stored(program, response)["state"] == "done")
    assert shows(program, "again", "api_calls 12,840")


def test_failed_crm_note_is_retried_alone(program: Program, crm: CRM) -> None:
    crm.failing.add("patient")
    (response,) = program.trigger("subscription.purchased", *options("patient"))
    eventually(lambda: crm.notes("patient"))
    record = stored(program, response)
    assert list(record["handlers"]) == ["saas.handlers:change_access"]
    assert shows(program, "patient", "Access yes")
    crm.failing.remove("patient")
    eventually(lambda: crm.accepted("patient") == ["subscription.purchased: team"])
    assert len({note.key for note in crm.notes("patient")}) == 1


def test_dead_letter_is_requeued_by_the_operator(program: Program, crm: CRM) -> None:
    crm.failing.add("dead")
    (response,) = program.trigger("subscription.upgraded", *options("dead"))
    eventually(lambda: stored(program, response)["state"] == "dead")
    (dead,) = program.operate("dead", "list")
    assert dead["reason"].startswith("saas.handlers:notify_crm: HTTPError")
    crm.failing.remove("dead")
    program.operate("dead", "requeue", response["fingerprint"])
    eventually(lambda: crm.accepted("dead") == ["subscription.upgraded: business"])


def test_recovered_crm_gets_the_newest_event_last(program: Program, crm: CRM) -> None:
    crm.failing.add("moody")
    (old,) = program.trigger("subscription.purchased", *options("moody", minutes_ago=5))
    eventually(lambda: crm.notes("moody"))
    crm.failing.remove("moody")
    program.trigger("subscription.cancelled", *options("moody"))
    eventually(lambda: stored(program, old)["state"] == "done")
    eventually(lambda: "subscription.cancelled: team" in crm.accepted("moody"))
    assert crm.accepted("moody")[-1] == "subscription.cancelled: team"


def test_invoice_is_mirrored(program: Program) -> None:
    program.trigger("invoice.created", "--set", "data.account.id=billed")
    eventually(partial(shows, program, "billed", "INV-0042 open 49.00 EUR"))
