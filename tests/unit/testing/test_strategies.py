"""Strategies for hypothesis: what they draw is what a receiver can get, or must refuse."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

from florentin_webhooks import Receiver
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.events import Event
from florentin_webhooks.testing import open_webhooks
from florentin_webhooks.testing.hostile import KINDS, HostileDeliveries, Step
from florentin_webhooks.testing.strategies import events, hostile_deliveries

hooks = Receiver("a-secret-of-the-test-kit-s-tests")
ran: list[str] = []


@hooks.on(Event)
def keep(event: Event) -> None:
    ran.append(event.event)


@settings(max_examples=30)
@given(events())
def test_drawn_event_is_handled(drawn: tuple[str, dict[str, Any]]) -> None:
    with open_webhooks(hooks) as webhooks:
        webhooks.deliver(drawn[0], **drawn[1])
        webhooks.assert_handled(by=keep)


@settings(max_examples=30)
@given(hostile_deliveries("invoice.created"))
def test_each_genuine_delivery_runs_once_among_hostile_ones(hostile: HostileDeliveries) -> None:
    ran.clear()
    with open_webhooks(hooks) as webhooks:
        results = hostile.send(webhooks)
    assert len(ran) == hostile.genuine
    assert len(results) >= 1 + len(hostile.steps)


def test_each_kind_of_step_has_its_outcome() -> None:
    outcomes = {}
    for kind in KINDS:
        with open_webhooks(hooks) as webhooks:
            hostile = HostileDeliveries("invoice.created", (Step(kind),))
            outcomes[kind] = [result.outcome for result in hostile.send(webhooks)[1:]]
    assert outcomes == {
        "new": ["processed"],
        "overtaken": ["processed", "processed"],
        "duplicate": ["duplicate"],
        "other-id": ["duplicate"],
        "restamped": ["duplicate"],
        "tampered": ["invalid-signature"],
        "unsigned": ["invalid-signature"],
    }


def test_events_as_one_text_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="not several names"):
        events("invoice.created")
