"""A database that is gone, hangs, is locked, or has no tables: said in time, and got over."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest
from django.db import connections

from florentin_webhooks.core.stores.accept import AcceptDecision
from florentin_webhooks.core.stores.base import Operation, State
from florentin_webhooks.core.stores.guards import GuardStep, Latest, Once
from florentin_webhooks.core.stores.queries import GetRecord, ListRecords, ResetMode, ResetRecord
from florentin_webhooks.errors import Unavailable
from florentin_webhooks.protocol.fingerprint import fingerprint
from tests.support.django_settings import ABSENT, POSTGRESQL, PROXIED, SQLITE, migrated
from tests.support.django_stores import store_on
from tests.support.postgres import shared_server
from tests.support.proxy import Proxy
from tests.support.stores import accept, content, finish

if TYPE_CHECKING:
    from florentin_webhooks.django import DjangoStore

BODY = content()
KEY = fingerprint(BODY)
STEPS: list[Operation[Any]] = [  # Any: of every answer.
    accept(BODY, token=b"second"),
    finish(BODY),
    Once(KEY, "mail", b"first", GuardStep.BEGIN, 60),
    Latest(b"entity", 1, b"first", GuardStep.BEGIN, 60),
    ResetRecord(KEY, ResetMode.ALL),
]
LOOKS: list[Operation[Any]] = [GetRecord(KEY), ListRecords()]
IN_TIME = 2.3
"""Two seconds, on a machine that is busy."""


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """What stands between the store and PostgreSQL."""
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


@pytest.fixture(params=[SQLITE, POSTGRESQL])
def store(request: pytest.FixtureRequest) -> DjangoStore:
    """Each kind of database in turn, in which ``first`` has the lease of one delivery."""
    made = store_on(request.param)
    made.execute(accept(BODY))
    return made


def refused(store: DjangoStore, step: Operation[Any]) -> str:
    """Why *store* cannot execute *step*: the message of the error, which comes in time."""
    return unavailable(store, step).message


def unavailable(store: DjangoStore, step: Operation[Any]) -> Unavailable:
    """The error of *step*, which comes in time and hides its cause."""
    began = time.monotonic()
    with pytest.raises(Unavailable) as raised:
        store.execute(step)
    assert time.monotonic() - began < IN_TIME
    assert raised.value.__cause__ is None
    return raised.value


@contextmanager
def writing(alias: str) -> Iterator[None]:
    """Somebody else has written to all that is remembered, and does not commit."""
    change = "UPDATE florentin_webhooks_delivery SET attempt = attempt"
    if alias == SQLITE:
        other = sqlite3.connect(connections[alias].settings_dict["NAME"], isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        other.execute(change)
        yield
        other.execute("ROLLBACK")
        other.close()
        return
    with shared_server().connect() as connected, connected.transaction(force_rollback=True):
        connected.execute("LOCK florentin_webhooks_guard IN EXCLUSIVE MODE")
        connected.execute(change)
        yield


@pytest.mark.parametrize(
    ("store", "step"),
    [(SQLITE, STEPS[0]), *((POSTGRESQL, step) for step in STEPS[:3])],
    ids=lambda each: each if isinstance(each, str) else type(each).__name__,
    indirect=["store"],
)
def test_a_step_that_another_transaction_keeps_from_its_row_says_so_in_time(
    store: DjangoStore, step: Operation[Any]
) -> None:
    with writing(store.using):
        assert refused(store, step).endswith(("is locked.", "LockNotAvailable."))
    store.execute(step)


@pytest.mark.parametrize("look", LOOKS, ids=lambda each: type(each).__name__)
def test_looking_waits_for_nobody_who_writes(store: DjangoStore, look: Operation[Any]) -> None:
    with writing(store.using):
        assert store.execute(look)


def test_a_table_that_is_locked_for_everybody_is_said_in_time(proxied: DjangoStore) -> None:
    with shared_server().connect() as connected, connected.transaction(force_rollback=True):
        connected.execute("LOCK florentin_webhooks_delivery")
        refused(proxied, STEPS[0])
        refused(proxied, LOOKS[0])


def test_a_server_that_stops_answering_is_said_in_time(proxied: DjangoStore, proxy: Proxy) -> None:
    proxy.lose_answer(b"COMMIT", silently=True)
    assert "did not answer" in refused(proxied, STEPS[0])
    assert proxied.execute(STEPS[0]).verdict is AcceptDecision.IN_PROGRESS


@pytest.mark.parametrize("lost", [b"set_config", b"INSERT", b"COMMIT"])
def test_an_accept_whose_answer_was_lost_counts_once_when_it_is_asked_again(
    proxied: DjangoStore, proxy: Proxy, lost: bytes
) -> None:
    asked = accept(content(2), under="id-2")
    proxy.lose_answer(lost)
    with suppress(Unavailable):  # Nothing has happened yet where the first statement was lost.
        proxied.execute(asked)
    assert proxy.lost == 1
    claim = proxied.execute(asked)
    assert (claim.verdict, claim.attempt) == (AcceptDecision.RUN, 1)
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
    assert proxied.execute(STEPS[0]).verdict is AcceptDecision.IN_PROGRESS


def test_connection_closed_behind_django_is_reopened(proxied: DjangoStore) -> None:
    connections[PROXIED].connection.close()
    assert proxied.execute(STEPS[0]).verdict is AcceptDecision.IN_PROGRESS


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
    assert proxied.execute(STEPS[0]).verdict is AcceptDecision.IN_PROGRESS


def test_a_server_that_is_not_there_is_said_at_once_without_its_password() -> None:
    migrated(POSTGRESQL, "florentin_webhooks")
    settings = connections.settings[PROXIED]
    connections[PROXIED].close()
    with patch.dict(settings, HOST="127.0.0.1", PORT="1", PASSWORD="hunter2", USER="hunter2"):
        from florentin_webhooks.django import DjangoStore

        for step in (*STEPS, *LOOKS):
            reason = refused(DjangoStore(PROXIED), step)
            assert reason == "The database 'proxied' did not answer: OperationalError."


@pytest.mark.parametrize("alias", [ABSENT, PROXIED])
def test_a_database_without_tables_says_what_to_run(alias: str) -> None:
    migrated(POSTGRESQL, "florentin_webhooks")
    connections[PROXIED].close()
    here = {"HOST": str(shared_server().directory), "NAME": "template1", "PORT": ""}
    with patch.dict(connections.settings[PROXIED], here):
        from florentin_webhooks.django import DjangoStore

        store = DjangoStore(alias)
        for step in (*STEPS, *LOOKS):
            error = unavailable(store, step)
            assert error.message.startswith(f"The database {alias!r} lacks tables")
            assert error.hint == (
                f"Run: python manage.py migrate florentin_webhooks --database {alias}"
            )
        store.close()
