"""Slack: the published example, inner events, the challenge, retries."""

from __future__ import annotations

import json

import pytest

from florentin_webhooks import Receiver
from florentin_webhooks.errors import MalformedDelivery
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.senders import Slack
from florentin_webhooks.testing import Provider
from tests.support.senders import CASES, NOW, RAW_SECRET

pytestmark = pytest.mark.one_process
SLACK = next(case for case in CASES if case.name == "slack")


def test_published_example_is_genuine() -> None:
    # "Verifying requests from Slack", the step-by-step walk-through.
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow"
        b"&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner"
        b"&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com"
        b"%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
        b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    headers = {
        "X-Slack-Request-Timestamp": "1531420618",
        "X-Slack-Signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
    }
    metadata = Slack().scheme("8f742231b10e8888abcd99yyyzzz85a5").authenticate(headers, body, NOW)
    assert metadata.timestamp is not None
    assert metadata.timestamp.timestamp() == 1531420618


def test_inner_event_is_the_event() -> None:
    inner = {"type": "reaction_added", "user": "U1"}
    request = SLACK.make(event=inner, event_time=1_780_747_140, team_id="T1")
    delivery, event = SLACK.receiver().verify(request.headers, request.body)
    assert (delivery.event, delivery.delivery_id, event.data) == ("reaction_added", "Ev1", inner)
    assert event.timestamp.timestamp() == 1_780_747_140
    assert event.model_extra is not None
    assert event.model_extra["team_id"] == "T1"


def test_event_without_an_inner_one_has_its_own_type() -> None:
    request = SLACK.sign(json.dumps({"type": "app_rate_limited", "team_id": "T1"}).encode())
    event = SLACK.receiver().verify(request.headers, request.body)[1]
    assert (event.event, event.data) == (
        "app_rate_limited",
        {"type": "app_rate_limited", "team_id": "T1"},
    )


def test_simulated_event_and_check_are_those_of_slack() -> None:
    provider = Provider(RAW_SECRET, sender=Slack(), check_names=False)
    hooks = Receiver(RAW_SECRET, sender=Slack())
    event = hooks.verify(*provider.make("app_mention", user="U1"))[1]
    assert isinstance(event.data, dict)
    assert (event.data["type"], event.data["user"]) == ("app_mention", "U1")
    check = provider.make("url_verification", challenge="3eZbrw1a")
    assert hooks.receive(*check).body == b"3eZbrw1a"


def test_challenge_is_answered() -> None:
    request = SLACK.sign(b'{"type": "url_verification", "challenge": "3eZbrw1a"}')
    reply = SLACK.receiver().receive(request.headers, request.body)
    assert (reply.outcome, reply.status, reply.body) == (Outcome.ANSWERED, 200, b"3eZbrw1a")
    assert dict(reply.headers)["Content-Type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("challenge", ["null", "7", '""', '"a\\nb"'])
def test_challenge_that_is_not_a_text_is_malformed(challenge: str) -> None:
    request = SLACK.sign(b'{"type": "url_verification", "challenge": %s}' % challenge.encode())
    with pytest.raises(MalformedDelivery, match="challenge is not a token"):
        SLACK.receiver().verify(request.headers, request.body)


def test_retry_with_other_bytes_under_its_id_is_a_duplicate() -> None:
    hooks = SLACK.receiver()
    hooks.on_unknown(print)
    requests = [SLACK.make(event_context=context) for context in ("1", "2")]
    outcomes = [hooks.receive(each.headers, each.body).outcome for each in requests]
    assert outcomes == [Outcome.PROCESSED, Outcome.DUPLICATE]
