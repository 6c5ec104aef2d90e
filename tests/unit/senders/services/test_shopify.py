"""Shopify: the documentation's algorithm, topics and retries."""

from __future__ import annotations

import hmac
from base64 import b64encode
from datetime import timedelta

import pytest

from florentin_webhooks.errors import MalformedDelivery
from florentin_webhooks.senders import Shopify
from tests.support.senders import CASES, RAW_SECRET

pytestmark = pytest.mark.one_process
SHOPIFY = next(case for case in CASES if case.name == "shopify")


def test_signature_is_that_of_the_documentation() -> None:
    body = b'{"id":820982911946154508,"email":"jon@example.com"}'
    signature = b64encode(hmac.digest(RAW_SECRET.encode(), body, "sha256")).decode()
    headers = {"X-Shopify-Hmac-Sha256": signature, "X-Shopify-Topic": "orders/create"}
    event = SHOPIFY.receiver().verify(headers, body)[1]
    assert event.event == "orders/create"
    assert event.data == {"id": 820982911946154508, "email": "jon@example.com"}


@pytest.mark.parametrize("topic", [None, "", "x" * 201])
def test_delivery_without_a_topic_is_malformed(topic: str | None) -> None:
    headers, body, _ = SHOPIFY.make()
    headers = {key: value for key, value in headers.items() if key != "X-Shopify-Topic"}
    with pytest.raises(MalformedDelivery):
        SHOPIFY.receiver().verify(
            headers | ({} if topic is None else {"X-Shopify-Topic": topic}), body
        )


def test_retries_of_four_hours_are_within_the_memory() -> None:
    assert Shopify.retries.span == timedelta(hours=4)
    assert SHOPIFY.receiver().store.retention == timedelta(days=30)
