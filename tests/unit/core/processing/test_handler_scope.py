"""The scope of the handler that runs: only where a program has asked for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from florentin_webhooks import Delivery, MemoryStore, Receiver, events
from florentin_webhooks.core.processing.attempt import INLINE_STATES, Attempt
from florentin_webhooks.core.processing.handler_scope import (
    TRACKING,
    HandlerScope,
    current_scope,
    run_in_scope,
)
from florentin_webhooks.core.processing.runtime import run_sync
from florentin_webhooks.core.routing.handler import build_handler
from florentin_webhooks.core.routing.items import HandledItem
from florentin_webhooks.events import CATALOGUE, parse_event
from florentin_webhooks.testing import Provider

SECRET = "whsec_0123456789abcdef0123456789abcdef"
NOW = datetime(2026, 11, 29, tzinfo=UTC)


@pytest.fixture
def tracked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TRACKING, "is_enabled", True)


def seen(hooks: Receiver) -> list[HandlerScope | None]:
    scopes: list[HandlerScope | None] = []
    hooks.on("user.login")(lambda _: scopes.append(current_scope()))
    assert hooks.receive(*Provider(SECRET).make("user.login")).status == 200
    return scopes


def test_nothing_is_recorded_before_a_program_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TRACKING, "is_enabled", False)
    assert seen(Receiver(SECRET)) == [None]


@pytest.mark.usefixtures("tracked")
def test_scope_ends_with_its_handler() -> None:
    (scope,) = seen(Receiver(SECRET))
    assert scope
    assert scope.handler.endswith("<lambda>")
    assert current_scope() is None


@pytest.mark.usefixtures("tracked")
def test_delivery_of_a_scope_is_that_of_its_handler() -> None:
    hooks = Receiver(SECRET, store=MemoryStore())

    @hooks.on("user.login")
    def compare(_: events.UserLogin, delivery: Delivery) -> None:
        scope = current_scope()
        assert scope
        assert scope.delivery is delivery

    (scope,) = seen(hooks)
    assert scope
    assert len(scope.delivery.fingerprint) == 32


def test_items_of_a_list_have_keys_of_their_own() -> None:
    async def keys() -> str:
        scope = current_scope()
        return scope.delivery.idempotency_key("charge") if scope else ""

    delivery = Delivery("ab" * 16, "list", NOW, None, "secret-1", NOW, b"[]")
    envelope = {"event": "user.login", "timestamp": NOW, "data": {}}
    model = CATALOGUE["user.login"]
    event, plain = parse_event(envelope), build_handler(lambda _: None, model)
    found = set()
    for index in range(2):
        item = HandledItem("charge", index, "user.login", envelope, model)
        handler = replace(plain, item=item)
        attempt = Attempt(handler, event, (event,), "", 60, INLINE_STATES)
        found.add(run_sync(run_in_scope(attempt, delivery, "cd" * 16, keys())))
        expected = item.delivery(delivery, "cd" * 16, delivery.once)
        assert expected.idempotency_key("charge") in found
    assert len(found) == 2
