"""Deliveries on the sender's schedule, with each fault, before a receiver."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from florentin_webhooks import Receiver
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.events import Event
from florentin_webhooks.senders import SNS, StandardWebhooks
from florentin_webhooks.senders.base import Sampling
from florentin_webhooks.senders.florentin.samples import SAMPLES
from florentin_webhooks.simulator import Simulator
from florentin_webhooks.simulator.webhooks.entries import State
from florentin_webhooks.simulator.webhooks.faults import Fault, parse_faults
from tests.support.sender_case import SenderCase
from tests.support.senders import BASE64_SECRET, CASES
from tests.support.simulated import Played

SECRET = "a-secret-of-the-simulator-tests"
URL = "http://127.0.0.1:8000/webhooks/florentin"
PLAYED = [
    case
    for case in CASES
    if isinstance(case.sender, Sampling) and isinstance(case.private or case.secrets, str)
]


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> Played:
    played = Played(monkeypatch)
    played.simulator.add_endpoint(URL, SECRET)
    return played


@pytest.fixture
def seen(played: Played) -> list[Event]:
    """Connect a receiver, and return the events that its handler gets."""
    events: list[Event] = []
    played.hooks = Receiver(SECRET, clock=played.clock)
    played.hooks.on(Event)(events.append)
    return events


def test_delivery_is_verified_and_logged(played: Played, seen: list[Event]) -> None:
    (key,) = played.simulator.fire("invoice.created")
    played.run()
    delivery = played.last()
    assert [event.event for event in seen] == ["invoice.created"]
    assert (delivery.id, delivery.state) == (key, State.DELIVERED)
    (attempt,) = delivery.attempts
    assert (attempt.result.status, attempt.result.outcome) == (200, "processed")
    assert attempt.began_at == played.clock.now


def test_failures_are_retried_on_the_documented_schedule(played: Played) -> None:
    played.answers = [500, None, 404, 503]
    began = played.clock.now
    played.simulator.fire("user.login")
    for wait in (0, 29, 1, 119, 1, 299, 1, 10_000):
        played.run(wait)
    delivery = played.last()
    times = [(each.began_at - began).total_seconds() for each in delivery.attempts]
    assert times == [0, 30, 150, 450]
    assert [each.result.status for each in delivery.attempts] == [500, None, 404, 503]
    assert delivery.state is State.FAILED
    assert {(each.body, each.delivery_id) for each in played.requests} == {
        (delivery.body, delivery.id)
    }


def test_speed_divides_the_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    played = Played(monkeypatch, speed=60)
    played.simulator.add_endpoint(URL, SECRET)
    played.answers = [500, 500]
    played.simulator.fire("user.login")
    for wait in (0, 0.5, 2):
        played.run(wait)
    assert played.last().state is State.DELIVERED


@pytest.mark.parametrize(
    ("fault", "statuses"),
    [
        (Fault.TAMPER, [401, 200]),
        (Fault.WRONG_SECRET, [401, 200]),
        (Fault.OLD_STAMP, [400, 200]),
        (Fault.DROP_ANSWER, [None, 200]),
        (Fault.RESTAMP, [200, 200]),
    ],
)
def test_fault_does_not_change_what_is_handled(
    fault: Fault, statuses: list[int], played: Played, seen: list[Event]
) -> None:
    played.simulator.fire("invoice.created", fault=fault)
    played.run()
    played.run(30)
    delivery = played.last()
    assert [each.result.status for each in delivery.attempts] == statuses
    assert delivery.attempts[0].fault == fault
    assert delivery.state is State.DELIVERED
    assert len(seen) == 1


def test_duplicate_is_sent_twice_and_handled_once(played: Played, seen: list[Event]) -> None:
    played.simulator.fire("invoice.created", fault=Fault.DUPLICATE)
    played.run()
    played.run(30)  # One of the two may have found the other one in progress.
    assert {each.body for each in played.requests} == {played.last().body}
    assert len(played.requests) >= 2
    assert (played.last().state, len(seen)) == (State.DELIVERED, 1)


def test_held_delivery_comes_after_the_next(played: Played, seen: list[Event]) -> None:
    played.simulator.faults = parse_faults(("reorder=1",))
    played.simulator.fire("invoice.created")
    played.simulator.faults = parse_faults(())
    played.simulator.fire("user.login")
    played.run()
    played.run(0.05)
    assert [event.event for event in seen] == ["user.login", "invoice.created"]


def test_delayed_delivery_comes_within_a_minute(played: Played, seen: list[Event]) -> None:
    played.simulator.faults = parse_faults(("delay=1",))
    played.simulator.fire("user.login")
    played.run()
    assert seen == []
    played.run(60)
    assert len(seen) == 1


def test_replay_sends_the_same_bytes_days_later(played: Played) -> None:
    (key,) = played.simulator.fire("user.login")
    assert not played.simulator.replay(key), "it is under way"
    played.run()
    played.clock.advance(timedelta(days=3))
    assert played.simulator.replay(key)
    played.run()
    first, second = played.requests
    assert first.body == second.body
    assert [each.kind for each in played.last().attempts] == ["scheduled", "replay"]


def test_failed_replay_of_a_delivered_one_is_not_retried(played: Played) -> None:
    (key,) = played.simulator.fire("user.login")
    played.run()
    played.answers = [500]
    played.simulator.replay(key)
    played.run()
    played.run(1000)
    assert (len(played.requests), played.last().state) == (2, State.DELIVERED)


def test_removed_endpoint_gets_nothing_more(played: Played) -> None:
    played.answers = [500]
    (key,) = played.simulator.fire("user.login")
    played.run()
    played.simulator.remove_endpoint(1)
    played.run(30)
    assert played.last().state is State.FAILED
    assert not played.simulator.replay(key)
    assert played.simulator.fire("user.login") == []
    assert len(played.requests) == 1


def test_other_sender_is_played_with_its_own_schedule(monkeypatch: pytest.MonkeyPatch) -> None:
    played = Played(monkeypatch, sender=StandardWebhooks())
    played.simulator.add_endpoint(URL, BASE64_SECRET)
    names: list[str] = []
    played.hooks = Receiver(BASE64_SECRET, sender=StandardWebhooks(), clock=played.clock)
    played.hooks.on_unknown(lambda event: names.append(event.event))
    played.simulator.fire("invoice.paid", {"id": "inv_1"}, fault=Fault.DROP_ANSWER)
    for wait in (0, 4, 1):
        played.run(wait)
    stamps = [each.headers["webhook-timestamp"] for each in played.requests]
    assert int(stamps[1]) - int(stamps[0]) == 5, "a retry is stamped again"
    assert names == ["invoice.paid"]


def test_two_changes_at_one_time_have_different_bytes(played: Played) -> None:
    for _ in range(2):
        played.simulator.fire("user.login")
    played.run()
    first, second = (json.loads(each.body) for each in played.requests)
    assert first.pop("timestamp") != second.pop("timestamp")
    assert first == second


@pytest.mark.parametrize("case", PLAYED, ids=str)
def test_every_sender_that_can_sign_is_played(
    case: SenderCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    played = Played(monkeypatch, sender=case.sender)
    played.simulator.add_endpoint(URL, case.private or case.secrets)
    played.hooks = Receiver(case.secrets, sender=case.sender, clock=played.clock)
    for event in SAMPLES:
        played.simulator.fire(event)
    played.simulator.fire("user.login", fault=Fault.WRONG_SECRET)
    played.run()
    wrong, *others = (each.attempts[0].result for each in played.simulator.deliveries())
    assert {each.status for each in others} <= {200, 204}
    assert wrong.status == 401


def test_sender_that_cannot_sign_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="cannot be simulated"):
        Simulator(sender=SNS()).add_endpoint(URL, SECRET)
