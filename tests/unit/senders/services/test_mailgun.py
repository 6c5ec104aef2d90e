"""Mailgun: a signature that does not cover the body, and what follows from that."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import timedelta

import pytest

from florentin_webhooks import Receiver
from florentin_webhooks.errors import InvalidEvent, InvalidSignature, MalformedDelivery
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.protocol.registration import OnAnyEvent
from florentin_webhooks.senders import Mailgun
from florentin_webhooks.senders.services.mailgun_events import Failed, MessageEvent
from tests.support.senders import CASES, NOW, RAW_SECRET

pytestmark = pytest.mark.one_process
MAILGUN = next(case for case in CASES if case.name == "mailgun")
FAILED = {
    "event": "failed",
    "id": "x",
    "timestamp": 1_780_747_140.5,
    "severity": "permanent",
    "recipient": "a@b.example",
}


def trusting() -> Receiver[OnAnyEvent]:
    sender = Mailgun(accept_unsigned_payload=True)
    return Receiver(RAW_SECRET, sender=sender, clock=lambda: NOW)


def test_signature_by_the_documentation_is_genuine() -> None:
    stamp, token = str(int(NOW.timestamp())), "a8ce0edb2dd8301dee6c2405235584e45aa91d1e9f979f3de0"
    signature = hmac.new(RAW_SECRET.encode(), f"{stamp}{token}".encode(), hashlib.sha256)
    claim = {"timestamp": stamp, "token": token, "signature": signature.hexdigest()}
    body = json.dumps({"signature": claim, "event-data": {"event": "opened"}}).encode()
    delivery, event = MAILGUN.receiver().verify({}, body)
    assert (delivery.delivery_id, event.event, event.timestamp) == (token, "opened", NOW)


def test_payload_is_withheld_by_default() -> None:
    request = MAILGUN.sign(MAILGUN.encode({"event-data": FAILED}))
    event = MAILGUN.receiver().verify({}, request.body)[1]
    assert (event.event, event.timestamp, event.data) == ("failed", NOW, {})
    assert not event.model_extra
    assert Mailgun().catalogue == {}


def test_payload_arrives_typed_on_request() -> None:
    request = MAILGUN.sign(MAILGUN.encode({"event-data": FAILED}))
    hooks, seen = trusting(), list[MessageEvent]()
    hooks.on(MessageEvent)(seen.append)
    assert hooks.receive({}, request.body).status == 200
    (event,) = seen
    assert isinstance(event, Failed)
    assert (event.data.severity, event.data.recipient) == ("permanent", "a@b.example")
    assert event.timestamp == NOW - timedelta(seconds=59.5)


def test_payload_without_a_time_has_that_of_the_signature() -> None:
    request = MAILGUN.sign(MAILGUN.encode({"event-data": {"event": "accepted", "id": "x"}}))
    assert trusting().verify({}, request.body)[1].timestamp == NOW


def test_payload_that_does_not_fit_is_invalid() -> None:
    request = MAILGUN.sign(
        MAILGUN.encode({"event-data": {"event": "failed", "id": "x", "severity": "odd"}})
    )
    with pytest.raises(InvalidEvent):
        trusting().verify({}, request.body)


def test_other_body_under_a_used_token_is_a_duplicate() -> None:
    hooks, runs = MAILGUN.receiver(), list[object]()
    hooks.on_unknown(runs.append)
    request = MAILGUN.make()
    forged = json.loads(request.body) | {"event-data": {"event": "complained"}}
    bodies = request.body, json.dumps(forged).encode()
    outcomes = [hooks.receive({}, body).outcome for body in bodies]
    assert outcomes == [Outcome.PROCESSED, Outcome.DUPLICATE]
    assert len(runs) == 1


def test_digit_moved_from_the_token_to_the_time_is_refused() -> None:
    fields = json.loads(MAILGUN.make(delivery_id="7" * 40).body)
    claim = fields["signature"]
    claim |= {"timestamp": claim["timestamp"] + "7", "token": claim["token"][1:]}
    with pytest.raises(InvalidSignature, match="malformed"):
        MAILGUN.receiver().verify({}, json.dumps(fields).encode())


@pytest.mark.parametrize("data", [None, [], "x", {}, {"event": 7}])
def test_body_without_an_event_is_malformed(data: object) -> None:
    request = MAILGUN.sign(MAILGUN.encode({"event-data": data}))
    for hooks in (MAILGUN.receiver(), trusting()):
        with pytest.raises(MalformedDelivery):
            hooks.verify({}, request.body)
