"""Connections of handlers: recovered after the server ended them, and never left open."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest
from asgiref.sync import sync_to_async
from django.db import connections

from florentin_webhooks import MemoryStore, Receiver, Reply
from florentin_webhooks.django import webhook_view
from florentin_webhooks.events import InvoiceCreated
from florentin_webhooks.testing import Provider
from tests.support.django_settings import POSTGRESQL, migrated
from tests.support.postgres import shared_server
from tests.support.vectors import SECRET
from tests.support.waiting import eventually

Receive = Callable[[Receiver], Reply]


def _blocking(hooks: Receiver) -> Reply:
    return hooks.receive(*_made())


def _asyncio(hooks: Receiver) -> Reply:
    return asyncio.run(hooks.areceive(*_made()))


def _made() -> tuple[dict[str, str], bytes]:
    made = Provider(SECRET).make("invoice.created")
    return dict(made.headers), made.body


both_ways = pytest.mark.parametrize("receive", [_blocking, _asyncio])


@pytest.fixture(name="hooks")
def _hooks(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    migrated(POSTGRESQL, "florentin_webhooks")
    monkeypatch.setitem(connections.settings[POSTGRESQL], "CONN_MAX_AGE", 600)
    hooks = Receiver(SECRET, store=MemoryStore())
    webhook_view(hooks)
    connections.close_all()
    yield hooks
    connections.close_all()


def _query(sql: str = "SELECT 1") -> None:
    with connections[POSTGRESQL].cursor() as cursor:
        cursor.execute(sql)


SESSIONS = (
    "SELECT pid FROM pg_stat_activity WHERE datname = 'postgres' "
    "AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
)


def _count_sessions() -> int:
    with shared_server().connect() as server:
        return len(server.execute(SESSIONS).fetchall())


def _end_sessions() -> None:
    with shared_server().connect() as server:
        for session in server.execute(SESSIONS).fetchall():
            server.execute("SELECT pg_terminate_backend(%s)", session)


@both_ways
def test_async_handler_recovers_after_its_connection_was_ended(
    hooks: Receiver, receive: Receive
) -> None:
    @hooks.on("invoice.created")
    async def bill(_: InvoiceCreated) -> None:
        await sync_to_async(_query)()

    assert receive(hooks).outcome == "processed"
    _end_sessions()
    assert [receive(hooks).outcome for _ in range(2)] == ["processed"] * 2


@both_ways
def test_async_handler_leaves_no_session(hooks: Receiver, receive: Receive) -> None:
    @hooks.on("invoice.created")
    async def bill(_: InvoiceCreated) -> None:
        await sync_to_async(_query)()
        assert _count_sessions() == 1

    assert receive(hooks).outcome == "processed"
    eventually(lambda: _count_sessions() == 0)
