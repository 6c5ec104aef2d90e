"""Linear: names of events, the time in the body, and retries with another time."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import timedelta

import pytest

from florentin_webhooks.errors import MalformedDelivery
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.senders import Linear
from tests.support.senders import CASES, NOW, RAW_SECRET

pytestmark = pytest.mark.one_process
LINEAR = next(case for case in CASES if case.name == "linear")
SECOND = timedelta(seconds=1)


def test_signature_by_the_documentation_is_genuine() -> None:
    body = b'{"action":"create","type":"Issue"}'
    signature = hmac.new(RAW_SECRET.encode(), body, hashlib.sha256).hexdigest()
    scheme = Linear().scheme(RAW_SECRET)
    assert scheme.authenticate({"Linear-Signature": signature}, body, NOW).secret == "secret-1"


def test_event_is_type_and_action() -> None:
    request = LINEAR.make(type="Comment", action="remove", createdAt="2026-06-06T11:00:00.000Z")
    delivery, event = LINEAR.receiver().verify(request.headers, request.body)
    assert (delivery.event, event.data) == ("Comment.remove", {"title": "Typo"})
    assert event.timestamp == NOW - timedelta(hours=1)


@pytest.mark.parametrize("time", [None, "1780747200000", 1.5, True, [], 10**30])
def test_body_without_a_time_is_malformed(time: object) -> None:
    request = LINEAR.make(webhookTimestamp=time)
    with pytest.raises(MalformedDelivery, match="webhookTimestamp"):
        LINEAR.receiver().verify(request.headers, request.body)


def test_other_event_under_the_same_unsigned_id_runs() -> None:
    hooks = LINEAR.receiver()
    hooks.on_unknown(print)
    requests = [LINEAR.make(data={"title": each}) for each in ("a", "b")]
    outcomes = [hooks.receive(each.headers, each.body).outcome for each in requests]
    assert outcomes == [Outcome.PROCESSED] * 2


def test_retry_without_an_id_is_not_recognised() -> None:
    assert Linear().retry_content(None, LINEAR.make().body) is None


def test_time_inside_a_text_is_part_of_the_content() -> None:
    texts = ['"webhookTimestamp": 1', '"webhookTimestamp": 2']
    contents = {
        Linear().retry_content("id", json.dumps({"data": text, "webhookTimestamp": 3}).encode())
        for text in texts
    }
    assert len(contents) == 2
