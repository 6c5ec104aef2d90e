"""The proof of a program: which of its events are tried, and what counts as a problem."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from florentin_webhooks import Receiver, events
from florentin_webhooks.senders import GitHub
from florentin_webhooks.testing import effect
from florentin_webhooks.testing.prove.child import start
from florentin_webhooks.testing.prove.proof import handled_events, prove_event, prove_order
from florentin_webhooks.testing.prove.stage import Count

hooks = Receiver("a-secret-of-the-tests-of-proofs")
folder = Path()
EVENTS = ["subscription.purchased", "subscription.cancelled"]


@hooks.on("subscription.purchased")
def open_access(event: events.SubscriptionPurchased) -> None:
    (folder / str(event.data.subscription.id)).touch()
    effect("opened")


@hooks.on("subscription.cancelled")
def close_access(event: events.SubscriptionCancelled) -> None:
    if (folder / str(event.data.subscription.id)).exists():
        effect("closed")


@hooks.on(events.SubscriptionEvent, latest=lambda event: event.data.subscription.id)
def follow(_: events.SubscriptionEvent) -> None:
    effect("followed", "the same state")


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.folder", tmp_path)


def test_effect_that_depends_on_the_order_is_found() -> None:
    proof = prove_order(hooks, EVENTS, ())
    lost = Count(f"{__name__}:close_access", "closed")
    assert [(each.count, each.times, each.kind) for each in proof.findings] == [(lost, 0, "lost")]
    assert (
        str(proof.findings[0]) == "closed happened never, where the events arrive in reverse order"
    )


def test_event_without_a_visible_effect_is_not_tried_further() -> None:
    silent = Receiver("another-secret-of-the-tests-of-proofs")
    silent.on("user.login")(repr)
    proof = prove_event(silent, "user.login", ())
    assert (proof.runs, dict(proof.expected), proof.errors) == (1, {}, ())


def test_handler_that_hangs_ends_the_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    hanging = Receiver("one-more-secret-of-the-tests-of-proofs")
    started: list[object] = []

    def start_counted(*arguments: Any) -> Any:  # Any: those of start, and its process.
        started.append(arguments)
        return start(*arguments)

    monkeypatch.setattr("florentin_webhooks.testing.prove.stage.start", start_counted)
    monkeypatch.setattr("florentin_webhooks.testing.prove.stage._SECONDS", 0.1)
    hanging.on("user.login")(lambda _: signal.pause())
    proof = prove_event(hanging, "user.login", ())
    assert (proof.errors, len(started)) == (("a process did nothing for 60 s",), 1)


def test_events_to_prove_are_those_with_handlers() -> None:
    assert handled_events(hooks) == [
        "subscription.purchased",
        "subscription.upgraded",
        "subscription.downgraded",
        "subscription.cancelled",
    ]
    github = Receiver("a-third-secret-of-the-tests-of-proofs", sender=GitHub())
    github.on("issues.opened")(print)
    github.on("push.*")(print)
    assert handled_events(github) == ["issues.opened"]
