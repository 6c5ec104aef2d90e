"""Billing: each change carries a key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from florentin_webhooks.api import FlorentinAPI
from tests.support.scripted_api import ScriptedAPI

Ask = Callable[[FlorentinAPI], object]


@pytest.mark.parametrize(
    ("ask", "path", "body"),
    [
        (
            lambda api: api.subscriptions.purchase(customer="7c1f", plan="team"),
            "/subscriptions",
            {"customer_id": "7c1f", "plan": "team"},
        ),
        (
            lambda api: api.subscriptions.upgrade("5f", plan="team"),
            "/subscriptions/5f/upgrade",
            {"plan": "team"},
        ),
        (
            lambda api: api.subscriptions.downgrade("5f", plan="starter"),
            "/subscriptions/5f/downgrade",
            {"plan": "starter"},
        ),
        (lambda api: api.subscriptions.cancel("5f"), "/subscriptions/5f/cancel", {}),
        (
            lambda api: api.invoices.create(customer="7c1f", amount_due=0, currency="eur"),
            "/invoices",
            {"customer_id": "7c1f", "amount_due": 0, "currency": "eur"},
        ),
    ],
)
def test_change_has_a_key(ask: Ask, path: str, body: dict[str, Any]) -> None:
    script = ScriptedAPI((200, {"data": {"id": "5f"}}))
    ask(script.client())
    ((sent,), (request,)) = script.bodies, script.requests
    assert request.url.path == f"/api/v1{path}"
    assert len(sent.pop("idempotency_key")) == 32
    assert sent == body


@pytest.mark.parametrize(
    ("ask", "target"),
    [
        (lambda api: next(api.subscriptions.list(), None), "/subscriptions"),
        (lambda api: next(api.invoices.list(customer="7c"), None), "/invoices?customer_id=7c"),
        (lambda api: next(api.plans.list(), None), "/plans"),
        (lambda api: next(api.products.list(), None), "/products"),
        (lambda api: api.invoices.show("9"), "/invoices/9"),
        (lambda api: api.subscriptions.show("9"), "/subscriptions/9"),
    ],
)
def test_read_asks_for_its_path(ask: Ask, target: str) -> None:
    listed = "?" in target or target.count("/") == 1
    script = ScriptedAPI((200, {"data": [] if listed else {}}))
    ask(script.client())
    assert script.requests[0].url.raw_path.decode() == f"/api/v1{target}"
