"""Fresh database connections around jobs and threaded handlers."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext, suppress
from functools import partial

import pytest
from asgiref.sync import ThreadSensitiveContext, sync_to_async

from florentin_webhooks import MemoryStore, Receiver
from florentin_webhooks.django import connections as connections_module
from florentin_webhooks.django import webhook_view
from florentin_webhooks.django.connections import (
    AsyncHandlerConnections,
    fresh_connections,
    use_fresh_connections,
)
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
    monkeypatch.setattr(connections_module, "_refresh", lambda: seen.append("close"))
    with suppress(KeyError), fresh_connections():
        seen.append("handler")
        raise KeyError
    assert seen == ["close", "handler", "close"]


@pytest.mark.parametrize(("queries", "closed"), [(0, 0), (1, 1), (2, 2)])
def test_thread_of_a_request_is_cleaned_where_used(
    monkeypatch: pytest.MonkeyPatch, queries: int, closed: int
) -> None:
    seen: list[str] = []
    monkeypatch.setattr(connections_module, "_refresh", lambda: seen.append("close"))

    async def request() -> None:
        async with ThreadSensitiveContext():
            await sync_to_async(lambda: None)()  # Django's signal when a request starts.
            for number in range(2):
                async with AsyncHandlerConnections():
                    if number < queries:
                        await sync_to_async(lambda: None)()

    asyncio.run(request())
    assert len(seen) == closed
