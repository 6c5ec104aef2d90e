"""Credits and usage."""

from __future__ import annotations

import pytest

from tests.support.scripted_api import ScriptedAPI


def test_credits_are_consumed_with_a_request_id() -> None:
    script = ScriptedAPI((200, {"data": {"metrics": {"credits": 5}}}))
    usage = script.client().credits.consume(customer="7c1f", amount=5, reason="report")
    (sent,) = script.bodies
    assert len(sent.pop("request_id")) == 32
    assert sent == {"amount": 5, "reason": "report", "customer_id": "7c1f"}
    assert usage.metrics == {"credits": 5}


@pytest.mark.parametrize(
    ("period", "query"),
    [("", b"customer_id=7c1f"), ("2026-11", b"customer_id=7c1f&period=2026-11")],
)
def test_summary_is_of_a_customer_and_a_period(period: str, query: bytes) -> None:
    script = ScriptedAPI((200, {"data": {}}))
    script.client().usage.summary(customer="7c1f", period=period)
    (request,) = script.requests
    assert (request.url.path, request.url.query) == ("/api/v1/usage/summary", query)
