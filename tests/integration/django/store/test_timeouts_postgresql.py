"""PostgreSQL that hangs, loses answers or connections: unavailable in time, then as before."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest
from django.db import connections

from florentin_webhooks.core.stores.accept import AcceptDecision
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.errors import Unavailable
from tests.support.django_settings import POSTGRESQL, PROXIED, migrated
from tests.support.django_stores import BODY, LOOKS, STEPS, refused, store_on
from tests.support.postgres import shared_server
from tests.support.proxy import Proxy
from tests.support.stores import accept, content, finish

if TYPE_CHECKING:
    from florentin_webhooks.django import DjangoStore


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """Yield a proxy between the store and PostgreSQL."""
    migrated(POSTGRESQL, "florentin_webhooks")
    with Proxy(f"unix://{shared_server().socket}") as standing:
        yield standing


@pytest.fixture
def proxied(proxy: Proxy) -> Iterator[DjangoStore]:
    """A store behind the proxy, in which ``first`` has the lease of one delivery."""
    host, _, port = proxy.url.removeprefix("redis://").partition(":")
    connections[PROXIED].close()
    connections.settings[PROXIED].update(HOST=host, PORT=port)
    from florentin_webhooks.django import DjangoStore

    store_on(POSTGRESQL)
    store = DjangoStore(PROXIED)
    store.execute(accept(BODY))
    yield store
    store.close()


def test_locked_table_is_unavailable_in_time(proxied: DjangoStore) -> None:
    with shared_server().connect() as connected, connected.transaction(force_rollback=True):
        connected.execute("LOCK florentin_webhooks_delivery")
        refused(proxied, STEPS[0])
        refused(proxied, LOOKS[0])


def test_silent_server_is_unavailable_in_time(proxied: DjangoStore, proxy: Proxy) -> None:
    proxy.lose_answer(b"COMMIT", silently=True)
    assert "did not answer" in refused(proxied, STEPS[0])
    assert proxied.execute(STEPS[0]).decision is AcceptDecision.IN_PROGRESS


@pytest.mark.parametrize("lost", [b"set_config", b"INSERT", b"COMMIT"])
def test_repeated_accept_after_a_lost_answer_counts_once(
    proxied: DjangoStore, proxy: Proxy, lost: bytes
) -> None:
    asked = accept(content(2), under="id-2")
    proxy.lose_answer(lost)
    with suppress(Unavailable):  # Nothing has happened yet where the first statement was lost.
        proxied.execute(asked)
    assert proxy.lost == 1
    claim = proxied.execute(asked)
    assert (claim.decision, claim.attempt) == (AcceptDecision.RUN, 1)
    assert proxied.execute(finish(content(2))) is State.DONE


def backend() -> int:
    """The server's process for our connection."""
    with connections[PROXIED].cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def test_connection_broken_while_idle_is_reopened(proxied: DjangoStore) -> None:
    pid = backend()
    with shared_server().connect() as connected:
        connected.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    assert proxied.execute(STEPS[0]).decision is AcceptDecision.IN_PROGRESS


def test_connection_closed_behind_django_is_reopened(proxied: DjangoStore) -> None:
    connections[PROXIED].connection.close()
    assert proxied.execute(STEPS[0]).decision is AcceptDecision.IN_PROGRESS


@contextmanager
def frozen(*processes: int) -> Iterator[None]:
    """Stop *processes*, and let them go on afterwards."""
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            os.kill(process, signal.SIGCONT)


@pytest.mark.parametrize("connected", [False, True])
def test_frozen_server_is_unavailable_in_time_and_recovers(
    proxied: DjangoStore, connected: bool
) -> None:
    processes = [shared_server().pid(), *([backend()] if connected else [])]
    if not connected:
        proxied.close()
    with frozen(*processes):
        refused(proxied, STEPS[0])
    assert proxied.execute(STEPS[0]).decision is AcceptDecision.IN_PROGRESS
