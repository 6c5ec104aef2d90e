"""What is looked at first, and what memory changes: the order within the flow."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

import pytest

from florentin_webhooks import MemoryStore, Receiver, Reply
from florentin_webhooks.errors import (
    ConfigurationError,
    InvalidEvent,
    InvalidSignature,
    MalformedDelivery,
    Rejected,
    StaleDelivery,
)
from florentin_webhooks.events import InvoiceCreated, UserLogin
from florentin_webhooks.protocol.delivery import Outcome
from tests.support.identity import recorded_key
from tests.support.shop import SECRET, Scene, retry_after
from tests.support.stores import accept

INVOICE = {"id": "in_1", "number": "INV-1", "status": "open", "amount_due": 1, "currency": "eur"}


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        ({"timestamp": "2020-01-01T00:00:00Z", "data": {"invoice": INVOICE}}, Outcome.STALE),
        ({"timestamp": "2020-01-01T00:00:00Z", "data": {"invoice": None}}, Outcome.STALE),
        ({"timestamp": "yesterday", "data": {"invoice": None}}, Outcome.MALFORMED),
    ],
)
def test_malformed_comes_before_stale_and_stale_before_invalid(
    scene: Scene, body: dict[str, object], outcome: Outcome
) -> None:
    assert scene.send(scene.signed({"event": "invoice.created", **body})).outcome is outcome


def test_stale_comes_before_ignored(scene: Scene) -> None:
    made = scene.provider.make("tos.accepted")
    scene.clock.forward(hours=1)
    assert scene.send(made).outcome is Outcome.STALE


def test_invalid_comes_before_ignored() -> None:
    class Strict(UserLogin):
        event: Literal["user.login"]
        data: int  # type: ignore[assignment]  # a model that refuses every sample.

    scene = Scene()
    receiver = Receiver(SECRET, store=scene.store, clock=scene.clock)
    receiver.on(Strict)(lambda _: None)
    assert receiver.receive(*scene.provider.make("user.login")).outcome is Outcome.INVALID_EVENT


def test_a_known_delivery_is_a_duplicate_however_old(scene: Scene) -> None:
    made = scene.invoice()
    scene.send(made)
    scene.clock.forward(hours=23)
    assert scene.send(made).outcome is Outcome.DUPLICATE


def test_a_failed_delivery_runs_again_however_old(scene: Scene) -> None:
    made, scene.failing = scene.invoice(), True
    scene.send(made)
    scene.clock.forward(hours=23)
    scene.failing = False
    assert scene.send(made).outcome is Outcome.PROCESSED


def test_old_invalid_event_runs_once_its_model_accepts_it(scene: Scene) -> None:
    made = scene.provider.make("user.login")

    class Strict(UserLogin):
        event: Literal["user.login"]
        data: int  # type: ignore[assignment]  # a model that refuses every sample.

    strict = Receiver(SECRET, store=scene.store, clock=scene.clock)
    strict.on(Strict)(lambda _: None)
    assert strict.receive(*made).outcome is Outcome.INVALID_EVENT
    scene.clock.forward(hours=23)
    assert scene.send(made).outcome is Outcome.PROCESSED


def test_earliest_delivery_is_a_duplicate_at_its_latest(
    scene: Scene,
) -> None:
    scene.clock.forward(minutes=5)
    made = scene.invoice()
    scene.clock.forward(minutes=-5)
    assert scene.send(made).outcome is Outcome.PROCESSED
    scene.clock.forward(minutes=20)
    assert scene.send(made).outcome is Outcome.DUPLICATE


def test_every_attempt_of_the_documented_retries_is_fresh() -> None:
    for late in (0, 30, 150, 450, 540):
        scene = Scene()
        made = scene.invoice()
        scene.clock.forward(seconds=late)
        assert scene.send(made).outcome is Outcome.PROCESSED


def test_another_owner_is_waited_for(scene: Scene) -> None:
    made = scene.invoice()
    inner: list[Reply] = []

    @scene.receiver.on("invoice.created")
    def receive_again(_: InvoiceCreated) -> None:
        inner.append(scene.send(made))

    assert scene.send(made).outcome is Outcome.PROCESSED
    assert [(reply.status, reply.outcome) for reply in inner] == [(409, Outcome.IN_PROGRESS)]
    assert retry_after(inner[0]) == 60


def test_late_owner_learns_that_another_runs_it(scene: Scene) -> None:
    made = scene.invoice()

    @scene.receiver.on("invoice.created")
    def lapse(_: InvoiceCreated) -> None:
        scene.clock.forward(seconds=61)
        other = accept(made.body, token=b"other", under=None)
        other.key = recorded_key(made.body, SECRET)
        scene.store.execute(other)

    reply = scene.send(made)
    assert (reply.outcome, retry_after(reply)) == (Outcome.IN_PROGRESS, 60)


def test_late_owner_learns_that_the_delivery_is_done(scene: Scene) -> None:
    made = scene.invoice()

    @scene.receiver.on("invoice.created")
    def lapse(_: InvoiceCreated) -> None:
        if not inner:
            inner.append(None)
            scene.clock.forward(seconds=61)
            inner.append(scene.send(made))

    inner: list[Reply | None] = []
    assert scene.send(made).outcome is Outcome.PROCESSED
    assert inner[1] is not None
    assert inner[1].outcome is Outcome.PROCESSED


def test_verify_remembers_and_runs_nothing(scene: Scene) -> None:
    made = scene.invoice()
    delivery, event = scene.receiver.verify(*made)
    assert (delivery.event, type(event)) == ("invoice.created", InvoiceCreated)
    assert (len(scene.store), scene.ran) == (0, [])


def test_verify_raises_what_receive_would_answer(scene: Scene) -> None:
    old = scene.invoice()
    scene.clock.forward(hours=1)
    for made, error in (
        (old, StaleDelivery),
        (scene.invalid(), InvalidEvent),
        (scene.signed("{"), MalformedDelivery),
        (scene.signed("{}")._replace(body=b"[]"), InvalidSignature),
    ):
        with pytest.raises(Rejected) as raised:
            scene.receiver.verify(*made)
        assert type(raised.value) is error


def test_handlers_can_be_registered_until_the_first_genuine_delivery(scene: Scene) -> None:
    scene.send(scene.invoice()._replace(body=b"{}"))
    scene.receiver.on("tos.accepted")(lambda _: None)
    scene.send(scene.invoice())
    with pytest.raises(ConfigurationError, match="The first delivery has arrived"):
        scene.receiver.on("account.created")(lambda _: None)


def test_a_window_of_one_s_own_is_kept() -> None:
    scene = Scene()
    wide = Receiver(
        SECRET,
        store=MemoryStore(retention=timedelta(days=8)),
        clock=scene.clock,
        tolerance=timedelta(days=7),
    )
    made = scene.invoice()
    scene.clock.forward(days=3)
    assert wide.receive(*made).outcome is Outcome.IGNORED
