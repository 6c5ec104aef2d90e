"""Zoom: validation requests, payloads, and the one status that counts as success."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import timedelta

import pytest

from florentin_webhooks import Receiver
from florentin_webhooks.errors import MalformedDelivery
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.senders import Zoom
from tests.support.senders import CASES, NOW, RAW_SECRET

pytestmark = pytest.mark.one_process
ZOOM = next(case for case in CASES if case.name == "zoom")
TOKEN = "qgg8vlvZRS6UYooatFL8Aw"


def hmac_of(text: str, secret: str = RAW_SECRET) -> str:
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def validation(token: object = TOKEN) -> bytes:
    payload = {"payload": {"plainToken": token}, "event": "endpoint.url_validation"}
    return json.dumps({**payload, "event_ts": 1_780_747_200_000}).encode()


def test_signature_by_the_documentation_is_genuine() -> None:
    body, stamp = validation(), str(int(NOW.timestamp()))
    signature = hmac_of(f"v0:{stamp}:{body.decode()}")
    headers = {"x-zm-request-timestamp": stamp, "x-zm-signature": f"v0={signature}"}
    assert Zoom().scheme(RAW_SECRET).authenticate(headers, body, NOW).timestamp == NOW


def test_validation_is_answered_by_the_secret_that_signed() -> None:
    request = ZOOM.sign(validation())
    secrets = {"new": "another-secret-of-zoom", "old": RAW_SECRET}
    hooks = Receiver(secrets, sender=Zoom(), clock=lambda: NOW)
    reply = hooks.receive(request.headers, request.body)
    assert reply.outcome is Outcome.ANSWERED
    assert json.loads(reply.body) == {"plainToken": TOKEN, "encryptedToken": hmac_of(TOKEN)}


@pytest.mark.parametrize("token", ["", "a" * 201, "v0:1780747200:{}", "a b", "\u00e9"])
def test_token_that_could_be_a_message_is_not_signed(token: str) -> None:
    request = ZOOM.sign(validation(token))
    with pytest.raises(MalformedDelivery, match="plainToken"):
        ZOOM.receiver().verify(request.headers, request.body)


def test_event_with_a_token_is_not_answered() -> None:
    request = ZOOM.make(payload={"plainToken": TOKEN})
    reply = ZOOM.receiver().receive(request.headers, request.body)
    assert reply.outcome is Outcome.IGNORED
    assert TOKEN.encode() not in reply.body


def test_old_validation_is_not_answered() -> None:
    request = ZOOM.sign(validation(), NOW - ZOOM.sender.tolerance - timedelta(seconds=1))
    assert ZOOM.receiver().receive(request.headers, request.body).outcome is Outcome.STALE


def test_payload_is_the_data() -> None:
    request = ZOOM.make(event_ts=1_780_747_140_000)
    event = ZOOM.receiver().verify(request.headers, request.body)[1]
    assert (event.event, event.data) == ("meeting.started", {"object": {"id": 1}})
    assert event.timestamp == NOW - timedelta(minutes=1)
