"""Paddle: the documentation's algorithm, retries, and its event's id and time."""

from __future__ import annotations

import hmac
from datetime import timedelta

import pytest

from florentin_webhooks.errors import StaleDelivery
from florentin_webhooks.senders import Paddle
from tests.support.senders import CASES, NOW

pytestmark = pytest.mark.one_process
PADDLE = next(case for case in CASES if case.name == "paddle")
CREATED = NOW - timedelta(minutes=1)


def test_signature_is_that_of_the_documentation() -> None:
    body, seconds = b'{"event_id":"evt_1","event_type":"transaction.paid"}', 1_780_747_200
    digest = hmac.digest(PADDLE.secrets.encode(), b"%d:%s" % (seconds, body), "sha256").hex()
    headers = {"Paddle-Signature": f"ts={seconds};h1={digest}"}
    delivery, event = PADDLE.receiver().verify(headers, body)
    assert (delivery.delivery_id, event.event) == ("evt_1", "transaction.paid")


def test_one_good_signature_of_several_is_enough() -> None:
    request = PADDLE.make()
    time, signature = request.headers["Paddle-Signature"].split(";")
    headers = {"Paddle-Signature": f"{time};h1={'0' * 64};{signature}"}
    assert PADDLE.receiver().verify(headers, request.body)[0].event == "transaction.paid"


def test_event_has_the_time_of_its_occurrence() -> None:
    request = PADDLE.make(occurred_at=CREATED.isoformat())
    assert PADDLE.receiver().verify(request.headers, request.body)[1].timestamp == CREATED


def test_retry_after_three_days_is_fresh_and_a_replay_stale() -> None:
    assert len(Paddle.retries.delays) == 60
    assert Paddle.retries.span == timedelta(days=3)
    request = PADDLE.make(NOW + Paddle.retries.span)
    PADDLE.receiver(NOW + Paddle.retries.span).verify(request.headers, request.body)
    with pytest.raises(StaleDelivery):
        PADDLE.receiver(NOW + Paddle.retries.span).verify(*PADDLE.make()[:2])
