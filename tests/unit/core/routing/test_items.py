"""Deliveries that are lists: each item is an event, handled and retried by itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Literal

import pytest

from florentin_webhooks import Delivery, MemoryStore, Receiver, Reply
from florentin_webhooks.core.routing.items import own_delivery
from florentin_webhooks.core.stores.accept import Finish
from florentin_webhooks.errors import MalformedDelivery
from florentin_webhooks.events import Event
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.senders import HMACSender
from florentin_webhooks.senders.schemes import payload
from tests.support.receivers import SpiedStore
from tests.support.sender_case import NOW, sign

pytestmark = pytest.mark.one_process
SECRET = "a-secret-of-some-length"


class Bounce(Event):
    event: Literal["bounce"]
    data: dict[str, int]


class Mail:
    """A receiver of lists at *items_field*, and what its handlers saw."""

    def __init__(self, items_field: str = ".", **options: Any) -> None:  # Any: as HMACSender's.
        self.sender = HMACSender(
            name="Mail",
            signature_header="X-Sig",
            items_field=items_field,
            time_field="at",
            **options,
        )
        self.store = SpiedStore(MemoryStore())
        self.hooks = Receiver(SECRET, sender=self.sender, store=self.store, clock=lambda: NOW)
        self.seen: list[object] = []

    def send(self, body: object) -> Reply:
        raw = json.dumps(body).encode()
        return self.hooks.receive(sign(self.sender, SECRET, raw), raw)

    def fail_once(self, *numbers: int) -> None:
        """Register a handler of all events that fails for each of *numbers* once."""
        left = list(numbers)

        @self.hooks.on(Event)
        def follow(event: Event) -> None:
            self.seen.append(event.data["n"])
            if event.data["n"] in left:
                left.remove(event.data["n"])
                raise ConnectionError

    def finished(self) -> list[str | None]:
        return [each.handler for each in self.store.asked if isinstance(each, Finish)]


def items(*names: str) -> list[dict[str, Any]]:
    return [{"type": name, "n": number} for number, name in enumerate(names)]


def test_each_item_is_an_event_in_order() -> None:
    mail = Mail()
    mail.hooks.on("open")(lambda event: mail.seen.append((event.event, event.timestamp)))
    sent = items("open", "click", "open")
    sent[2]["at"] = 1_780_000_000
    assert mail.send(sent).outcome is Outcome.PROCESSED
    then = datetime.fromtimestamp(1_780_000_000, UTC)
    assert mail.seen == [("open", NOW), ("open", then)]


def test_retry_runs_only_the_items_that_failed() -> None:
    mail = Mail()
    mail.fail_once(1, 3)
    sent = items("open", "open", "click", "bounce")
    outcomes = [mail.send(sent).outcome for _ in range(3)]
    assert outcomes == [Outcome.HANDLER_FAILED, Outcome.PROCESSED, Outcome.DUPLICATE]
    assert mail.seen == [0, 1, 2, 3, 1, 3]


def test_each_item_is_recorded_before_the_next_one_starts() -> None:
    mail = Mail()

    @mail.hooks.on("open")
    def count(event: Event) -> None:
        assert len(mail.finished()) == event.data["n"]

    mail.send(items("open", "open"))
    name = f"{__name__}:{count.__qualname__}"
    assert mail.finished() == [f"{name}[0]", f"{name}[1]"]


def test_item_that_its_model_refuses_fails_alone() -> None:
    mail = Mail()
    mail.hooks.on(Bounce)(lambda event: mail.seen.append(event.data["n"]))
    refused = {"type": "bounce", "data": "none", "n": 1}
    for last in ({"type": "bounce", "n": 2}, refused):
        mail.seen.clear()
        reply = mail.send([{"type": "bounce", "data": {"n": 0}}, refused, last])
        assert reply.outcome is Outcome.HANDLER_FAILED
        assert mail.seen == [0]


def test_list_is_for_handlers_that_name_it() -> None:
    mail = Mail()

    @mail.hooks.on("batch")
    def count(event: Event) -> None:
        mail.seen.append(len(event.data))

    @mail.hooks.on("*")
    def follow(event: Event) -> None:
        mail.seen.append(event.event)

    mail.send(items("open", "click"))
    assert mail.seen == [2, "open", "click"]


def test_list_without_handlers_is_ignored() -> None:
    mail = Mail()
    mail.hooks.on("bounce")(print)
    assert mail.send(items("open")).outcome is Outcome.IGNORED
    assert mail.store.asked == []


def test_guards_and_keys_belong_to_an_item() -> None:
    mail = Mail()
    keys: list[str] = []

    @mail.hooks.on("open")
    def charge(_event: Event, delivery: Delivery) -> None:
        keys.append(delivery.idempotency_key("charge"))
        mail.seen.append((delivery.event, delivery.item))
        with delivery.once("charge") as first:
            assert first

    assert mail.send(items("open", "open")).outcome is Outcome.PROCESSED
    assert mail.seen == [("open", 0), ("open", 1)]
    assert len(set(keys)) == 2


def test_older_item_of_an_entity_is_superseded() -> None:
    mail = Mail()

    @mail.hooks.on("open", latest=lambda _event: "ada")
    def show(event: Event) -> None:
        mail.seen.append(event.data["n"])

    newest = NOW - timedelta(seconds=9)
    times = [newest - timedelta(seconds=5), newest, newest - timedelta(seconds=1)]
    sent = [
        {**item, "at": at.isoformat()} for item, at in zip(items(*["open"] * 3), times, strict=True)
    ]
    mail.send(sent)
    assert mail.seen == [0, 1]


@pytest.mark.parametrize("path", ["events", "page.events"])
def test_list_inside_the_body_is_split(path: str) -> None:
    mail = Mail(path, id_field="number")
    mail.fail_once()
    body: Mapping[str, object] = {"events": items("open", "click")}
    sent = {"number": 7, **body, "page": body}
    assert mail.send(sent).outcome is Outcome.PROCESSED
    # The id of the delivery is signed: it is the same one under other bytes.
    assert mail.send({**sent, "more": 1}).outcome is Outcome.DUPLICATE
    assert mail.seen == [0, 1]


@pytest.mark.parametrize("body", [[{"n": 1}], [{"type": 1}], [{"type": ""}], {"events": 1}])
def test_item_without_a_name_makes_the_list_malformed(body: object) -> None:
    mail = Mail("." if isinstance(body, list) else "events")
    assert mail.send(body).outcome is Outcome.MALFORMED


@pytest.mark.parametrize(("place", "body"), [(".", []), ("events", {"events": []})])
def test_list_without_items_is_ignored(place: str, body: object) -> None:
    assert Mail(place).send(body).outcome is Outcome.IGNORED


def test_list_that_is_too_long_is_malformed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("florentin_webhooks.senders.schemes.list_sender.MAX_ITEMS", 2)
    assert payload.MAX_ITEMS == 5000
    mail = Mail()
    mail.hooks.on("open")(print)
    assert mail.send(items("open", "open")).outcome is Outcome.PROCESSED
    raw = json.dumps(items("open", "open", "open")).encode()
    with pytest.raises(MalformedDelivery, match="more than 2 events"):
        mail.hooks.verify(sign(mail.sender, SECRET, raw), raw)


def test_sample_is_a_list_of_one_item() -> None:
    sample = Mail("page.events", id_field="number").sender.sample("open", {"n": 1}, "d1", NOW)
    item = {"n": 1, "type": "open", "at": NOW.isoformat()}
    assert json.loads(sample.body) == {"page": {"events": [item]}, "number": "d1"}


def test_delivery_of_a_handler_has_every_field() -> None:
    once = partial(pytest.fail, "not called")
    delivery = Delivery(
        *("f", "open", NOW, "id", "secret-1", NOW, b"{}"), key_id="k", digest=b"d", item=3
    )
    own = own_delivery(delivery, "first", once)
    expected = replace(delivery, fingerprint="first", once_factory=once)
    for each in fields(Delivery):
        assert getattr(own, each.name) == getattr(expected, each.name), each.name
