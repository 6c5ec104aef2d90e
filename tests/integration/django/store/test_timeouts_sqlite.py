"""Timeouts on SQLite: the queue of writers, and the program's own settings."""

from __future__ import annotations

import time
from collections.abc import Iterator
from threading import Event
from typing import Any

import pytest
from django.db import connections
from django.db.utils import OperationalError

from tests.support.django_settings import SQLITE, migrated
from tests.support.django_stores import APP, in_threads


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    migrated(SQLITE, APP)
    yield
    connections.close_all()


def busy_timeout() -> int:
    with connections[SQLITE].cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout")
        return int(cursor.fetchone()[0])


def test_own_settings_apply_only_inside() -> None:
    from florentin_webhooks.django.store.timeouts_sqlite import SQLiteTimeouts

    connection: Any = connections[SQLITE]  # Any: the stubs lack transaction_mode.
    usual = busy_timeout(), connection.transaction_mode
    with SQLiteTimeouts(connection, 0.5, writes=True) as limits:
        assert 0 < busy_timeout() <= 500
        assert connection.transaction_mode == "IMMEDIATE"
        limits.suspend()
        assert (busy_timeout(), connection.transaction_mode) == usual
        limits.resume()
        assert busy_timeout() == 500
    assert (busy_timeout(), connection.transaction_mode) == usual


def test_second_writer_times_out_while_first_keeps_its_place() -> None:
    from florentin_webhooks.django.store.timeouts_sqlite import SQLiteTimeouts

    def write(_: int) -> float:
        began = time.monotonic()
        with (
            pytest.raises(OperationalError, match="Other threads"),
            SQLiteTimeouts(connections[SQLITE], 0.1, writes=True),
        ):
            pytest.fail("it entered")
        return time.monotonic() - began

    with SQLiteTimeouts(connections[SQLITE], 1, writes=True) as limits:
        limits.suspend()  # The place is kept while a handler runs.
        (waited,) = in_threads(1, write)
    assert waited >= 0.1


def test_second_writer_enters_when_first_cancels() -> None:
    from florentin_webhooks.django.store.timeouts_sqlite import SQLiteTimeouts

    entered = Event()

    def write(_: int) -> None:
        with SQLiteTimeouts(connections[SQLITE], 5, writes=True):
            entered.set()

    with SQLiteTimeouts(connections[SQLITE], 1, writes=True) as limits:
        limits.cancel()
        in_threads(1, write)
        assert entered.is_set()


def test_readers_do_not_queue() -> None:
    from florentin_webhooks.django.store.timeouts_sqlite import SQLiteTimeouts

    def read(_: int) -> None:
        with SQLiteTimeouts(connections[SQLITE], 0.1, writes=False):
            pass

    with SQLiteTimeouts(connections[SQLITE], 1, writes=True):
        in_threads(1, read)
