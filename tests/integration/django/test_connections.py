"""Connections of handlers: recovered after the server ended them, and never left open."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.core.handlers.wsgi import WSGIRequest
from django.db import connections

from florentin_webhooks import MemoryStore, Receiver, Reply, health
from florentin_webhooks.django import webhook_view
from florentin_webhooks.events import InvoiceCreated
from florentin_webhooks.testing import Provider
from tests.support.django_settings import POSTGRESQL, migrated
from tests.support.django_stores import store_on
from tests.support.http import environ_of
from tests.support.postgres import shared_server
from tests.support.vectors import SECRET, Request
from tests.support.waiting import eventually

Receive = Callable[[Receiver], Reply]


def _blocking(hooks: Receiver) -> Reply:
    return hooks.receive(*_made())


def _asyncio(hooks: Receiver) -> Reply:
    return asyncio.run(hooks.areceive(*_made()))


def _request(hooks: Receiver) -> Reply:
    """Receive as in a request that Django serves in asyncio, which has a thread of its own."""

    async def serve() -> Reply:
        async with ThreadSensitiveContext():
            return await hooks.areceive(*_made())

    return asyncio.run(serve())


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


def _nothing(_: InvoiceCreated) -> None: ...


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


@pytest.fixture(name="pool")
def _pool(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """Open a pool of so many connections instead of persistent ones."""
    settings = connections.settings[POSTGRESQL]
    connection: Any = connections[POSTGRESQL]  # Any: pools are PostgreSQL's alone.

    def use(size: int) -> None:
        options = {"pool": {"min_size": size, "max_size": size, "timeout": 2}}
        monkeypatch.setitem(settings, "CONN_MAX_AGE", 0)
        monkeypatch.setitem(settings, "OPTIONS", options)
        connection.close()
        connection.ensure_connection()
        connection.close()
        connection.pool.wait(60)

    yield use
    connections.close_all()
    connection.close_pool()


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


READ_ONLY = "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"


def make_read_only_once(hooks: Receiver) -> None:
    """Register a handler that writes, at first over a read-only connection."""
    first = [True]

    @hooks.on("invoice.created")
    def bill(_: InvoiceCreated) -> None:
        if first:
            first.clear()
            _query(READ_ONLY)
        _query("CREATE TABLE IF NOT EXISTS read_only_effect ()")


@pytest.mark.parametrize("pooled", [False, True])
def test_store_discards_a_connection_that_became_read_only(
    hooks: Receiver, pool: Callable[[int], None], *, pooled: bool
) -> None:
    hooks.store = store_on(POSTGRESQL)
    hooks.on("invoice.created")(_nothing)
    if pooled:
        connections.close_all()
        pool(1)
    _query(READ_ONLY)
    assert [_blocking(hooks).outcome for _ in range(2)] == ["unavailable", "processed"]


def test_read_only_database_is_not_ready(hooks: Receiver) -> None:
    hooks.store = store_on(POSTGRESQL)
    assert health(hooks).ready
    _query(READ_ONLY)
    assert [health(hooks).ready for _ in range(2)] == [False, True]


def test_store_passes_over_all_broken_connections_of_its_pool(
    hooks: Receiver, pool: Callable[[int], None]
) -> None:
    hooks.store = store_on(POSTGRESQL)
    hooks.on("invoice.created")(_nothing)
    connections.close_all()
    pool(3)
    _end_sessions()
    assert _blocking(hooks).outcome == "processed"


@pytest.mark.parametrize(
    ("receive", "pooled"), [(_blocking, False), (_blocking, True), (_asyncio, True)]
)
def test_handler_discards_a_connection_that_became_read_only(
    hooks: Receiver, pool: Callable[[int], None], receive: Receive, *, pooled: bool
) -> None:
    if pooled:
        pool(1)
    make_read_only_once(hooks)
    outcomes = []
    for _ in range(2):
        with hooks.handler_context():
            outcomes.append(receive(hooks).outcome)
    assert outcomes == ["handler-failed", "processed"]


def test_view_discards_a_connection_that_became_read_only(hooks: Receiver) -> None:
    make_read_only_once(hooks)
    view = webhook_view(hooks)
    assert [_status(view) for _ in range(2)] == [500, 200]


def _status(view: Callable[..., Any]) -> int:
    headers, body = _made()
    pairs = tuple((name.encode(), value.encode()) for name, value in headers.items())
    request = WSGIRequest(environ_of(Request(pairs, body), "/"))
    return int(view(request).status_code)


@pytest.mark.parametrize("receive", [_blocking, _asyncio, _request])
@pytest.mark.parametrize("kind", ["plain", "async"])
def test_handler_needs_no_second_connection_of_a_full_pool(
    hooks: Receiver, pool: Callable[[int], None], receive: Receive, kind: str
) -> None:
    hooks.store = store_on(POSTGRESQL)
    connections.close_all()
    pool(1)

    def plain(_: InvoiceCreated) -> None:
        _query()

    async def with_await(_: InvoiceCreated) -> None:
        await sync_to_async(_query)()

    hooks.on("invoice.created")(plain if kind == "plain" else with_await)
    assert receive(hooks).outcome == "processed"
