"""The outbox: what is pending survives a restart, and the log is bounded."""

from __future__ import annotations

from pathlib import Path

import pytest

from florentin_webhooks.simulator.webhooks import outbox
from florentin_webhooks.simulator.webhooks.entries import State
from tests.support.simulated import Played

SECRET = "a-secret-of-the-simulator-tests"
URL = "http://127.0.0.1:8000/webhooks/florentin"


def test_pending_deliveries_are_sent_after_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Played(monkeypatch, database=tmp_path / "state")
    before.simulator.add_endpoint(URL, SECRET)
    waiting, begun = before.simulator.fire("user.login") + before.simulator.fire("tos.accepted")
    with before.simulator._outbox() as box:
        box.claim(before.clock().timestamp(), 1)
    before.simulator.close()
    after = Played(monkeypatch, database=tmp_path / "state")
    with after.simulator._outbox() as box:
        box.recover(after.clock().timestamp())
    after.run()
    assert sorted(each.delivery_id for each in after.requests) == sorted([waiting, begun])
    after.simulator.close()


def test_oldest_finished_deliveries_are_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "_KEPT", 3)
    played = Played(monkeypatch)
    played.simulator.add_endpoint(URL, SECRET)
    for _ in range(5):
        played.simulator.fire("user.login")
    played.run()
    played.simulator.fire("user.login")
    for newest, left in ((6, [6, 5, 4]), (20, [6])):
        with played.simulator._outbox() as box:
            box.prune(newest)
        assert [each.sequence for each in played.simulator.deliveries()] == left
    assert played.last().state is State.PENDING, "what is pending is kept"


def test_same_url_has_one_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    played = Played(monkeypatch)
    for secret in (SECRET, f"{SECRET}-2"):
        played.simulator.add_endpoint(URL, secret)
    (endpoint,) = played.simulator.endpoints()
    assert endpoint.secret == f"{SECRET}-2"
    assert SECRET not in repr(endpoint)
