"""What a program has seen: bounded, and without anything private."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from florentin_webhooks import Receiver, RetryLater, events
from florentin_webhooks.inspector import trail as module
from florentin_webhooks.inspector.trail import Trail, TrailObserver
from florentin_webhooks.testing import Provider
from tests.support.inspected import SECRET

PROVIDER = Provider(SECRET)


@pytest.fixture
def trail() -> Trail:
    return Trail()


@pytest.fixture
def hooks(trail: Trail) -> Receiver:
    made = Receiver({"new": SECRET, "old": "an-old-secret-of-the-inspector"}, name="shop")
    made.observe(TrailObserver(trail.add))

    @made.on("user.login")
    def greet(_: events.UserLogin) -> None:
        raise RetryLater(30)

    return made


def test_story_has_arrivals_and_attempts(hooks: Receiver, trail: Trail) -> None:
    made = PROVIDER.make("user.login")
    hooks.receive(*made)
    trail.settle()
    story = trail.story(hooks.verify(*made)[0].fingerprint)
    assert [each.report.outcome for each in story.arrivals] == ["handler-failed"]
    (attempt,) = story.attempts
    assert attempt.report.outcome == "scheduled"
    assert attempt.report.next_attempt is not None
    assert trail.story("unknown").repeats == 0


def test_last_use_of_each_secret_is_known(hooks: Receiver, trail: Trail) -> None:
    hooks.receive(*Provider("an-old-secret-of-the-inspector").make("user.login"))
    trail.settle()
    assert list(trail.secrets) == [("shop", "old")]
    assert trail.secrets["shop", "old"] <= datetime.now(UTC)


def test_oldest_of_many_stories_is_forgotten(
    hooks: Receiver, trail: Trail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_STORIES", 2)
    made = [PROVIDER.make("user.login") for _ in range(3)]
    for each in made:
        hooks.receive(*each)
    trail.settle()
    stories = [trail.story(hooks.verify(*each)[0].fingerprint) for each in made]
    assert [len(story.arrivals) for story in stories] == [0, 1, 1]


def test_refused_requests_are_bounded(
    hooks: Receiver, trail: Trail, monkeypatch: pytest.MonkeyPatch
) -> None:
    tampered = PROVIDER.tamper(PROVIDER.make("user.login"))
    for _ in range(module._MOST_REFUSED + 10):
        hooks.receive(*tampered)
    trail.settle()
    refused = trail.refused()
    assert len(refused) == module._MOST_REFUSED
    assert refused[0].number > refused[-1].number
    monkeypatch.setattr(module, "_MOST_STORIES", 3)
    for _ in range(5):
        hooks.receive(*PROVIDER.make("account.created"))
    trail.settle()
    assert len(trail._stories) == 3


def test_trail_holds_no_secret_signature_or_body(hooks: Receiver, trail: Trail) -> None:
    made = PROVIDER.make("user.login")
    hooks.receive(*made)
    hooks.receive(*PROVIDER.tamper(made))
    trail.settle()
    text = repr((trail._stories, trail._refused))
    signature = made.headers["X-Florentin-Signature"].removeprefix("sha256=")
    for private in (SECRET, signature, "adabooks"):
        assert private not in text
