"""Attacks on the memory: replays, poisoned ids, and honest retries that look like replays."""

from __future__ import annotations

from datetime import timedelta

import pytest

from florentin_webhooks import MemoryStore, Receiver
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.events import Event
from tests.support.receivers import Target
from tests.support.vectors import CANONICAL, SECRET, T0, Request, delivery, envelope

LATER = "2026-06-06T12:00:30.000Z"


def login(data: object, *, stamp: str | None = None, delivery_id: str = "x") -> Request:
    return delivery(envelope(data, timestamp=stamp), event="user.login", delivery_id=delivery_id)


@pytest.mark.answers("RPL-02", "delivery-id-changed")
@pytest.mark.parametrize("delivery_id", ["another", "", "\x1b", "x" * 10_000, None])
def test_captured_delivery_under_another_id_is_a_duplicate(delivery_id: str | None) -> None:
    target = Target()
    target.send(delivery())
    replay = delivery() if delivery_id is None else delivery(delivery_id=delivery_id)
    assert target.send(replay).outcome == "duplicate"
    assert len(target.ran) == 1


@pytest.mark.answers("delivery-id-missing")
def test_captured_delivery_without_its_id_is_a_duplicate() -> None:
    target = Target()
    target.send(delivery())
    assert target.send(delivery().without("X-Florentin-Delivery-Id")).outcome == "duplicate"


@pytest.mark.answers("ts-unsigned-refreshed")
def test_captured_delivery_with_a_fresh_timestamp_header_is_a_duplicate() -> None:
    target = Target()
    target.send(delivery())
    target.clock.forward(minutes=10)
    fresh = delivery(delivery_id="new").with_headers(("X-Florentin-Timestamp", LATER))
    assert target.send(fresh).outcome == "duplicate"


@pytest.mark.answers("sig-uppercase-hex")
def test_captured_delivery_with_an_uppercase_signature_is_a_duplicate() -> None:
    target = Target()
    target.send(delivery())
    claimed = dict(delivery().headers)[b"X-Florentin-Signature"].decode()
    shouted = delivery(signature="sha256=" + claimed[7:].upper())
    assert target.send(shouted).outcome == "duplicate"


@pytest.mark.answers("RPL-04")
def test_two_genuine_bodies_under_one_delivery_id_both_run() -> None:
    target = Target()
    outcomes = [target.send(login({"n": number})).outcome for number in (1, 2)]
    assert outcomes == ["processed", "processed"]


@pytest.mark.answers("RPL-20")
def test_other_body_under_a_known_id_is_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    target = Target()
    target.send(login({"n": 1}))
    caplog.clear()
    target.send(login({"n": 2}))
    assert [each.levelname for each in caplog.records] == ["WARNING"]


@pytest.mark.answers("RPL-05", "delivery-id-preclaimed")
def test_forgery_does_not_claim_the_id_of_a_genuine_delivery() -> None:
    target = Target()
    target.send(delivery(signature="sha256=" + "0" * 64))
    assert target.send(delivery()).outcome == "processed"


@pytest.mark.answers("RPL-08", "handler-fails-then-retry")
def test_failed_delivery_is_processed_by_its_retry() -> None:
    target = Target(handled=False)
    attempts = []

    @target.receiver.on(Event)
    def fails_once(event: Event) -> None:
        attempts.append(event)
        if len(attempts) == 1:
            raise OSError

    assert [target.send(delivery()).status for _ in range(3)] == [500, 200, 200]
    assert len(attempts) == 2


@pytest.mark.answers("RPL-12")
def test_retry_with_a_new_timestamp_is_a_duplicate() -> None:
    target = Target()
    target.send(login({"n": 1}))
    assert target.send(login({"n": 1}, stamp=LATER)).outcome == "duplicate"


@pytest.mark.answers("RPL-12")
@pytest.mark.parametrize("delivery_id", ["", "y"])
def test_equal_data_under_another_id_is_another_event(delivery_id: str) -> None:
    target = Target()
    target.send(login({"n": 1}))
    again = login({"n": 1}, stamp=LATER, delivery_id=delivery_id)
    assert target.send(again).outcome == "processed"


def test_equal_data_without_an_id_is_another_event() -> None:
    target = Target()
    requests = [login({"n": 1}, stamp=stamp) for stamp in (None, LATER)]
    anonymous = [request.without("X-Florentin-Delivery-Id") for request in requests]
    assert [target.send(each).outcome for each in anonymous] == ["processed", "processed"]


@pytest.mark.answers("RPL-13")
def test_equal_bytes_are_one_event_and_both_ids_are_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    target = Target()
    outcomes = [target.send(delivery(delivery_id=each)).outcome for each in ("first", "second")]
    assert outcomes == ["processed", "duplicate"]
    assert "delivery_id=first" in caplog.text
    assert "delivery_id=second" in caplog.text


def test_valid_delivery_follows_a_malformed_one_under_its_id() -> None:
    target = Target()
    target.send(delivery(b"[]"))
    assert target.send(delivery()).outcome == "processed"


def test_known_stale_delivery_is_a_duplicate() -> None:
    target = Target()
    target.send(delivery())
    target.clock.forward(hours=23)
    assert target.send(delivery()).outcome == "duplicate"


@pytest.mark.answers("RPL-17")
def test_receivers_do_not_share_deliveries() -> None:
    assert [Target().send(delivery()).outcome for _ in range(2)] == ["processed", "processed"]


@pytest.mark.answers("RPL-10")
@pytest.mark.parametrize("timeout", [60, 61])
def test_lease_shorter_than_the_handler_timeout_is_refused(timeout: int) -> None:
    with pytest.raises(ConfigurationError):
        Receiver(SECRET, store=MemoryStore(), timeout=timedelta(seconds=timeout))


@pytest.mark.answers("RPL-18")
def test_missing_store_is_warned_about_once(caplog: pytest.LogCaptureFixture) -> None:
    receiver = Receiver(SECRET, clock=lambda: T0)
    for _ in range(3):
        receiver.receive(delivery().headers, CANONICAL)
    warnings = [each for each in caplog.records if "No store is configured" in each.getMessage()]
    assert [each.levelname for each in warnings] == ["WARNING"]


@pytest.mark.answers("RPL-19")
def test_each_replay_asks_the_store_once() -> None:
    target = Target()
    target.send(delivery())
    target.store.asked.clear()
    for _ in range(1_000):
        target.send(delivery())
    assert len(target.store.asked) == 1_000
