"""What every store promises of what happens once, and of the newest event of an entity."""

from __future__ import annotations

import pytest

from florentin_webhooks.core.stores.accept import AcceptDecision
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.guards import GuardDecision, GuardGrant, GuardStep, Latest, Once
from florentin_webhooks.protocol.fingerprint import fingerprint
from tests.conformance.stores.conftest import Make
from tests.support.stores import Span, Subject, accept, claimed, content, finish

BODY = content()
RUN = GuardGrant(GuardDecision.RUN)
DONE = GuardGrant(GuardDecision.DONE)


def once(
    step: GuardStep, *, token: bytes = b"first", label: str = "mail", seconds: float = 3600
) -> Once:
    return Once(fingerprint(BODY), label, token, step, seconds)


def latest(
    step: GuardStep,
    timestamp: int,
    *,
    token: bytes = b"first",
    entity: bytes = b"entity",
    seconds: float = 3600,
) -> Latest:
    return Latest(entity, timestamp, token, step, seconds)


@pytest.fixture
def held(store: Subject) -> Subject:
    """A store in which ``first`` has the lease of the delivery."""
    claimed(store, BODY)
    return store


def test_label_runs_once(held: Subject) -> None:
    assert held.ask(once(GuardStep.BEGIN)) == RUN
    assert held.ask(once(GuardStep.DONE)) == RUN
    assert held.ask(once(GuardStep.BEGIN)) == DONE


def test_released_label_runs_again(held: Subject) -> None:
    held.ask(once(GuardStep.BEGIN))
    held.ask(once(GuardStep.RELEASE))
    assert held.ask(once(GuardStep.BEGIN)) == RUN


@pytest.mark.parametrize("step", GuardStep)
def test_repeated_step_counts_once(held: Subject, step: GuardStep) -> None:
    held.ask(once(GuardStep.BEGIN))
    first = held.ask(once(step))
    again = held.ask(once(step))
    assert again == (DONE if step is GuardStep.DONE else first)
    assert held.ask(once(GuardStep.BEGIN)) == (DONE if step is GuardStep.DONE else RUN)


def test_labels_are_independent(held: Subject) -> None:
    held.ask(once(GuardStep.BEGIN, label="a"))
    held.ask(once(GuardStep.DONE, label="a"))
    assert held.ask(once(GuardStep.BEGIN, label="b")) == RUN
    assert held.ask(once(GuardStep.BEGIN, label="")) == RUN


def test_completed_label_does_not_run_in_the_next_attempt(held: Subject) -> None:
    held.ask(once(GuardStep.BEGIN))
    held.ask(once(GuardStep.DONE))
    held.finish(finish(BODY, State.FAILED))
    claimed(held, BODY, token=b"second")
    assert held.ask(once(GuardStep.BEGIN, token=b"second")) == DONE


def test_label_of_a_dead_owner_is_blocked_until_it_expires(make: Make) -> None:
    store = make(Span(lease=3600))
    claimed(store, BODY)
    store.ask(once(GuardStep.BEGIN, seconds=50))
    store.finish(finish(BODY, State.FAILED))
    claimed(store, BODY, token=b"second")
    busy = store.ask(once(GuardStep.BEGIN, token=b"second", seconds=60))
    assert busy.decision is GuardDecision.BUSY
    assert 0 < busy.wait <= 50
    store.passes(50)
    assert store.ask(once(GuardStep.BEGIN, token=b"second", seconds=60)) == RUN


@pytest.mark.parametrize("step", [GuardStep.DONE, GuardStep.RELEASE])
def test_late_owner_of_a_label_changes_nothing(make: Make, step: GuardStep) -> None:
    store = make(Span(lease=3600))
    claimed(store, BODY)
    store.ask(once(GuardStep.BEGIN, seconds=50))
    store.finish(finish(BODY, State.FAILED))
    claimed(store, BODY, token=b"second")
    store.passes(50)
    store.ask(once(GuardStep.BEGIN, token=b"second"))
    store.ask(once(step))
    store.finish(finish(BODY, State.FAILED, token=b"second"))
    claimed(store, BODY, token=b"third")
    assert store.ask(once(GuardStep.BEGIN, token=b"third")).decision is GuardDecision.BUSY


def test_label_needs_the_lease_of_the_delivery(make: Make) -> None:
    store = make(Span(lease=50))
    claimed(store, BODY)
    store.passes(50)
    claimed(store, BODY, token=b"second")
    assert store.ask(once(GuardStep.BEGIN)).decision is GuardDecision.BUSY


def test_label_ends_after_its_delivery_was_taken_over(make: Make) -> None:
    store = make(Span(lease=50))
    claimed(store, BODY)
    store.ask(once(GuardStep.BEGIN))
    store.passes(50)
    claimed(store, BODY, token=b"second")
    assert store.ask(once(GuardStep.DONE)) == RUN
    assert store.ask(once(GuardStep.BEGIN, token=b"second")) == DONE


def test_label_of_a_completed_delivery_does_not_run(held: Subject) -> None:
    held.finish(finish(BODY))
    assert held.ask(once(GuardStep.BEGIN)) == DONE


def test_label_of_an_unknown_delivery_does_not_run(store: Subject) -> None:
    assert store.ask(once(GuardStep.BEGIN)).decision is GuardDecision.BUSY
    assert store.accept(accept(BODY)).decision is AcceptDecision.RUN


def test_older_event_than_the_newest_handled_is_superseded(store: Subject) -> None:
    for step in (GuardStep.BEGIN, GuardStep.DONE):
        assert store.ask(latest(step, 20)) == RUN
    assert store.ask(latest(GuardStep.BEGIN, 19)) == GuardGrant(GuardDecision.SUPERSEDED)
    assert store.ask(latest(GuardStep.BEGIN, 20, token=b"second")) == RUN
    assert store.ask(latest(GuardStep.RELEASE, 20, token=b"second")) == RUN
    assert store.ask(latest(GuardStep.BEGIN, 21, token=b"third")) == RUN


def test_one_event_of_an_entity_runs_at_a_time(store: Subject) -> None:
    store.ask(latest(GuardStep.BEGIN, 20, seconds=30))
    busy = store.ask(latest(GuardStep.BEGIN, 21, token=b"second"))
    assert busy.decision is GuardDecision.BUSY
    assert 0 < busy.wait <= 30
    assert store.ask(latest(GuardStep.BEGIN, 20)) == RUN  # The same one, whose answer was lost.
    store.ask(latest(GuardStep.DONE, 20))
    assert store.ask(latest(GuardStep.BEGIN, 21, token=b"second")) == RUN


def test_entities_are_independent(store: Subject) -> None:
    store.ask(latest(GuardStep.BEGIN, 20))
    assert store.ask(latest(GuardStep.BEGIN, 10, token=b"second", entity=b"other")) == RUN


def test_event_that_was_not_handled_supersedes_nothing(store: Subject) -> None:
    store.ask(latest(GuardStep.BEGIN, 20))
    store.ask(latest(GuardStep.RELEASE, 20))
    assert store.ask(latest(GuardStep.BEGIN, 10, token=b"second")) == RUN


def test_entity_of_a_dead_owner_is_blocked_until_it_expires(store: Subject) -> None:
    store.ask(latest(GuardStep.BEGIN, 20, seconds=50))
    store.passes(50)
    assert store.ask(latest(GuardStep.BEGIN, 10, token=b"second")) == RUN
    store.ask(latest(GuardStep.DONE, 20))  # Late: it is the second's by now.
    assert store.ask(latest(GuardStep.BEGIN, 30, token=b"third")).decision is GuardDecision.BUSY
    store.ask(latest(GuardStep.DONE, 10, token=b"second"))
    assert store.ask(latest(GuardStep.BEGIN, 10, token=b"third")) == RUN


def test_newest_event_stays_newest_when_an_older_one_ends_later(store: Subject) -> None:
    for timestamp in (20, 30, 30):
        store.ask(latest(GuardStep.BEGIN, timestamp, token=b"%d" % timestamp))
        store.ask(latest(GuardStep.DONE, timestamp, token=b"%d" % timestamp))
    store.ask(latest(GuardStep.DONE, 20, token=b"20"))
    assert store.ask(latest(GuardStep.BEGIN, 29)).decision is GuardDecision.SUPERSEDED
