"""The flow from headers and bytes to the reply: every outcome, and what is looked at first."""

from __future__ import annotations

import json

import pytest

from florentin_webhooks import MemoryStore, Receiver, Reply
from florentin_webhooks.core.stores.base import Operation
from florentin_webhooks.errors import (
    HandlerFailed,
    InvalidEvent,
    InvalidSignature,
    MalformedDelivery,
    StaleDelivery,
    Unavailable,
)
from florentin_webhooks.events import Event
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.protocol.event import PROBE_EVENT
from florentin_webhooks.testing import Provider
from tests.support.shop import SECRET, Scene, retry_after


class Broken(MemoryStore):
    """A store that does not answer."""

    def execute(self, operation: Operation[object]) -> object:  # type: ignore[override]  # noqa: ARG002 - raises.
        raise Unavailable("the store is gone", retry_after=7)


@pytest.fixture
def scene() -> Scene:
    return Scene()


def error_of(reply: Reply) -> dict[str, str]:
    error: dict[str, str] = json.loads(reply.body)["error"]
    return error


def fingerprint_in(reply: Reply) -> str:
    return str(json.loads(reply.body)["data"]["delivery"])


def test_a_delivery_is_processed(scene: Scene) -> None:
    reply = scene.send(scene.invoice())
    assert (reply.status, reply.outcome) == (200, Outcome.PROCESSED)
    assert json.loads(reply.body)["data"]["outcome"] == "processed"
    assert scene.ran == ["invoice.created"]


def test_the_same_delivery_again_is_a_duplicate(scene: Scene) -> None:
    made = scene.invoice()
    first, second = scene.send(made), scene.send(made)
    assert (second.status, second.outcome) == (200, Outcome.DUPLICATE)
    assert fingerprint_in(second) == fingerprint_in(first)
    assert len(scene.ran) == 1


def test_unhandled_delivery_is_ignored_and_not_stored(scene: Scene) -> None:
    reply = scene.send(scene.provider.make("tos.accepted"))
    assert (reply.status, reply.outcome) == (200, Outcome.IGNORED)
    assert len(fingerprint_in(reply)) == 32
    assert len(scene.store) == 0


def test_unknown_event_without_a_handler_is_ignored(scene: Scene) -> None:
    assert scene.send(scene.provider.make("moon.landed")).outcome is Outcome.IGNORED


def test_probe_runs_no_handler_and_is_never_stored(scene: Scene) -> None:
    def note(event: Event) -> None:
        scene.ran.append(event.event)

    hooks = Receiver(SECRET, store=scene.store, clock=scene.clock)
    hooks.on(Event)(note)
    make = Provider(SECRET, clock=scene.clock, check_names=False).make
    probe = make(PROBE_EVENT)
    assert hooks.receive(*probe).outcome is Outcome.IGNORED
    scene.clock.forward(days=1)
    assert hooks.receive(*probe).outcome is Outcome.STALE
    assert (len(scene.store), scene.ran) == (0, [])
    assert hooks.receive(*make("moon.landed")).outcome is Outcome.PROCESSED


def test_an_old_delivery_is_stale(scene: Scene) -> None:
    made = scene.invoice()
    scene.clock.forward(minutes=15, milliseconds=1)
    reply = scene.send(made)
    assert (reply.status, reply.outcome) == (400, Outcome.STALE)
    assert isinstance(reply.error, StaleDelivery)
    assert scene.ran == []


def test_future_delivery_is_stale_until_its_time_comes(scene: Scene) -> None:
    scene.clock.forward(minutes=6)
    made = scene.invoice()
    scene.clock.forward(minutes=-6)
    assert scene.send(made).outcome is Outcome.STALE
    scene.clock.forward(minutes=6)
    assert scene.send(made).outcome is Outcome.PROCESSED


def test_an_invalid_event_is_refused_and_runs_nothing(scene: Scene) -> None:
    reply = scene.send(scene.invalid())
    assert (reply.status, reply.outcome) == (422, Outcome.INVALID_EVENT)
    assert isinstance(reply.error, InvalidEvent)
    assert len(scene.store) == 1
    assert scene.ran == []


def test_failed_handler_is_reported_and_retried(scene: Scene) -> None:
    made, scene.failing = scene.invoice(), True
    reply = scene.send(made)
    assert (reply.status, reply.outcome) == (500, Outcome.HANDLER_FAILED)
    assert isinstance(reply.error, HandlerFailed)
    scene.failing = False
    assert scene.send(made).outcome is Outcome.PROCESSED


def test_a_store_that_does_not_answer_is_unavailable() -> None:
    scene = Scene(Broken)
    reply = scene.send(scene.invoice())
    assert (reply.status, reply.outcome) == (503, Outcome.UNAVAILABLE)
    assert retry_after(reply) == 7
    assert scene.ran == []


def test_a_store_that_breaks_between_accepting_and_finishing_is_unavailable() -> None:
    class BreaksLater(MemoryStore):
        def execute(self, operation: Operation[object]) -> object:  # type: ignore[override]
            if type(operation).__name__ == "Finish":
                raise Unavailable("the store is gone")
            return super().execute(operation)

    scene = Scene(BreaksLater)
    made = scene.invoice()
    assert scene.send(made).outcome is Outcome.UNAVAILABLE
    assert scene.send(made).outcome is Outcome.IN_PROGRESS


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "null",
        "{",
        '{"event": "invoice.created"}',
        '{"event": 1, "timestamp": 1, "data": 1}',
    ],
)
def test_what_is_signed_and_no_event_is_malformed(scene: Scene, body: str) -> None:
    reply = scene.send(scene.signed(body))
    assert (reply.status, reply.outcome) == (400, Outcome.MALFORMED)
    assert isinstance(reply.error, MalformedDelivery)
    assert len(scene.store) == 0


def test_a_header_that_names_another_event_is_malformed(scene: Scene) -> None:
    made = scene.invoice()
    made.headers["X-Florentin-Event"] = "user.login"
    assert scene.send(made).outcome is Outcome.MALFORMED


def test_a_wrong_signature_is_refused(scene: Scene) -> None:
    made = scene.invoice()
    reply = scene.send(made._replace(body=made.body + b" "))
    assert (reply.status, reply.outcome) == (401, Outcome.INVALID_SIGNATURE)
    assert isinstance(reply.error, InvalidSignature)


def test_too_long_body_is_refused_before_its_signature_is_checked(
    scene: Scene,
) -> None:
    made = scene.invoice()
    scene.receiver.max_body = len(made.body) - 1
    forged = made._replace(body=made.body[:-1] + b" ")
    assert scene.send(forged).outcome is Outcome.TOO_LARGE
    scene.receiver.max_body = len(made.body)
    assert scene.send(made).outcome is Outcome.PROCESSED


def test_error_reply_has_a_code_and_a_fixed_message(
    scene: Scene,
) -> None:
    first, second = (scene.send(scene.invalid()) for _ in range(2))
    assert first.body == second.body
    assert error_of(first)["code"] == "invalid-event"
