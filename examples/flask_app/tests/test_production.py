"""Real deliveries through gunicorn, Redis and a worker, sent as the README says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from tests.crm_server import CRM
from tests.inside import words
from tests.program import Program, eventually


def of(customer: str, *, minutes_ago: int = 0) -> list[str]:
    """Give the words that make a delivery one of *customer*, stamped when it happened."""
    at = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    stamp = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    values = {
        "data.account.id": customer,
        "data.subscription.id": f"sub_{customer}",
        "timestamp": stamp,
    }
    return [word for path, value in values.items() for word in ("--set", f"{path}={value}")]


def sees(program: Program, customer: str, seen: str) -> bool:
    return seen in words(program.page(f"/customers/{customer}"))


def known(program: Program, delivery: dict[str, Any]) -> dict[str, Any]:
    (record,) = program.operate("deliveries", "show", delivery["fingerprint"])
    return record


def test_a_purchase_is_accepted_and_grants_access(program: Program) -> None:
    (answer,) = program.trigger("subscription.purchased", *of("bought"))
    assert (answer["status"], answer["outcome"]) == (202, "accepted")
    eventually(partial(sees, program, "bought", "Access yes"))


def test_a_cancellation_before_the_purchase_leaves_no_access(program: Program, crm: CRM) -> None:
    (first,) = program.trigger("subscription.cancelled", *of("early"))
    eventually(lambda: known(program, first)["state"] == "done")
    (late,) = program.trigger("subscription.purchased", *of("early", minutes_ago=5))
    eventually(lambda: known(program, late)["state"] == "done")
    assert sees(program, "early", "Access no")
    assert crm.told("early") == ["subscription.cancelled: team"]


def test_duplicates_and_retries_count_once(program: Program) -> None:
    answers = program.trigger("user.login", "--duplicate", "--restamp", *of("eager"))
    assert [answer["outcome"] for answer in answers] == ["accepted", "duplicate", "duplicate"]
    eventually(partial(sees, program, "eager", "Logins 1 "))


def test_what_the_operator_has_done_again_counts_once(program: Program) -> None:
    (answer,) = program.trigger("usage.metrics_updated", *of("again"))
    eventually(lambda: known(program, answer)["state"] == "done")
    program.operate("deliveries", "replay", answer["fingerprint"], "--all-handlers", "--yes")
    eventually(lambda: known(program, answer)["state"] == "done")
    assert sees(program, "again", "api_calls 12,840")


def test_a_crm_that_fails_is_told_later_and_nothing_else_is_done_again(
    program: Program, crm: CRM
) -> None:
    crm.failing.add("patient")
    (answer,) = program.trigger("subscription.purchased", *of("patient"))
    eventually(lambda: crm.notes("patient"))
    record = known(program, answer)
    assert list(record["handlers"]) == ["saas.handlers:change_access"]
    assert sees(program, "patient", "Access yes")
    crm.failing.remove("patient")
    eventually(lambda: crm.told("patient") == ["subscription.purchased: team"])
    assert len({note.key for note in crm.notes("patient")}) == 1


def test_a_delivery_that_is_dead_is_revived_by_the_operator(program: Program, crm: CRM) -> None:
    crm.failing.add("dead")
    (answer,) = program.trigger("subscription.upgraded", *of("dead"))
    eventually(lambda: known(program, answer)["state"] == "dead")
    (dead,) = program.operate("dead", "list")
    assert dead["reason"].startswith("saas.handlers:tell_crm: HTTPError")
    crm.failing.remove("dead")
    program.operate("dead", "requeue", answer["fingerprint"])
    eventually(lambda: crm.told("dead") == ["subscription.upgraded: business"])


def test_the_crm_is_not_told_old_news_when_it_comes_back(program: Program, crm: CRM) -> None:
    crm.failing.add("moody")
    (old,) = program.trigger("subscription.purchased", *of("moody", minutes_ago=5))
    eventually(lambda: crm.notes("moody"))
    crm.failing.remove("moody")
    program.trigger("subscription.cancelled", *of("moody"))
    eventually(lambda: known(program, old)["state"] == "done")
    eventually(lambda: "subscription.cancelled: team" in crm.told("moody"))
    assert crm.told("moody")[-1] == "subscription.cancelled: team"


def test_an_invoice_is_mirrored(program: Program) -> None:
    program.trigger("invoice.created", "--set", "data.account.id=billed")
    eventually(partial(sees, program, "billed", "INV-0042 open 49.00 EUR"))
