"""Fresh database connections around jobs and threaded handlers."""

from __future__ import annotations

from contextlib import nullcontext, suppress
from functools import partial

import pytest

from florentin_webhooks import MemoryStore, Receiver
from florentin_webhooks.django import connections as connections_module
from florentin_webhooks.django import webhook_view
from florentin_webhooks.django.connections import fresh_connections, use_fresh_connections
from tests.support.django_settings import configure
from tests.support.vectors import SECRET


@pytest.fixture(autouse=True)
def _django() -> None:
    configure()


def test_own_receiver_gets_fresh_connections() -> None:
    hooks = Receiver(SECRET, store=MemoryStore())
    webhook_view(hooks)
    assert hooks.handler_context is fresh_connections


def test_own_context_of_a_receiver_is_kept() -> None:
    hooks = Receiver(SECRET, store=MemoryStore())
    hooks.handler_context = own = partial(nullcontext)
    use_fresh_connections(hooks)
    assert hooks.handler_context is own


def test_old_connections_are_closed_before_and_after(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    monkeypatch.setattr(connections_module, "close_old_connections", lambda: seen.append("close"))
    with suppress(KeyError), fresh_connections():
        seen.append("handler")
        raise KeyError
    assert seen == ["close", "handler", "close"]
