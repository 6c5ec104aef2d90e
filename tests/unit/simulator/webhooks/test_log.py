"""The delivery log as files for programs."""

from __future__ import annotations

import csv
import json
from io import StringIO

import pytest

from florentin_webhooks.simulator.webhooks.faults import Fault
from florentin_webhooks.simulator.webhooks.log import COLUMNS, to_csv, to_json
from tests.support.simulated import Played

SECRET = "a-secret-of-the-simulator-tests"


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> Played:
    """Return a domain with a delivery whose first answer was lost, and that was sent twice."""
    played = Played(monkeypatch)
    played.simulator.add_endpoint("http://127.0.0.1:8000/", SECRET)
    played.simulator.fire("user.login", fault=Fault.DROP_ANSWER)
    played.run()
    played.run(30)
    played.simulator.fire("tos.accepted", fault=Fault.RESTAMP)
    played.run()
    return played


def test_csv_has_a_line_for_each_delivery(played: Played) -> None:
    rows = [*csv.DictReader(StringIO(to_csv(played.simulator.deliveries())))]
    assert tuple(rows[0]) == COLUMNS
    facts = [(row["event"], row["state"], row["attempts"], row["last_status"]) for row in rows]
    assert facts == [
        ("tos.accepted", "delivered", "1", "200"),
        ("user.login", "delivered", "2", "200"),
    ]


def test_json_has_each_attempt(played: Played) -> None:
    copied, retried = json.loads(to_json(played.simulator.deliveries()))
    assert [(each["kind"], each["fault"]) for each in copied["log"]] == [
        ("copy", "re-stamp"),
        ("scheduled", "re-stamp"),
    ]
    assert [(each["status"], each["problem"]) for each in retried["log"]] == [
        (None, "answer dropped"),
        (200, None),
    ]


def test_export_holds_no_body_and_no_secret(played: Played) -> None:
    exported = to_csv(played.simulator.deliveries()) + to_json(played.simulator.deliveries())
    assert SECRET not in exported
    assert "adabooks" not in exported
