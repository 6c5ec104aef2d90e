"""What a step costs in statements, and that none of them looks through a whole table."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from florentin_webhooks.core.stores.atomic import RunInTransaction
from florentin_webhooks.core.stores.base import Operation, State
from florentin_webhooks.core.stores.guards import GuardStep, Latest, Once
from florentin_webhooks.core.stores.queries import (
    FindFingerprints,
    GetRecord,
    ListRecords,
    Position,
    ResetMode,
    ResetRecord,
)
from florentin_webhooks.protocol.fingerprint import fingerprint
from tests.support.django_settings import POSTGRESQL, SQLITE
from tests.support.django_stores import store_on
from tests.support.stores import NOON, accept, content, finish

if TYPE_CHECKING:
    from florentin_webhooks.django import DjangoStore

REMEMBERED = 2000


def unswept() -> Iterator[bytes]:
    """Bodies that start no clean-up."""
    for number in count():
        if fingerprint(content(number))[-1] % 16:
            yield content(number)


A, B, C = (body for body, _ in zip(unswept(), range(3), strict=False))
SWEPT = next(body for body in map(content, count()) if not fingerprint(body)[-1] % 16)


@pytest.fixture(params=[SQLITE, POSTGRESQL])
def store(request: pytest.FixtureRequest) -> DjangoStore:
    """Each kind of database in turn, in which nothing is remembered."""
    return store_on(request.param)


def statements(store: DjangoStore, operation: Operation[Any]) -> list[str]:
    """What is asked for *operation*, without the frame that every transaction has."""
    connection = connections[store.using]
    with CaptureQueriesContext(connection) as captured:
        store.execute(operation)
    asked = [query["sql"] for query in captured.captured_queries]
    return [sql for sql in asked if sql.split()[0].rstrip(";") not in {"BEGIN", "COMMIT"}]


def counted(store: DjangoStore, operation: Operation[Any]) -> int:
    """Return the number of statements of *operation*, without the one that sets a timeout."""
    return sum("set_config" not in sql for sql in statements(store, operation))


def test_operation_takes_few_statements(store: DjangoStore) -> None:
    assert counted(store, accept(A)) == 2
    assert counted(store, Once(fingerprint(A), "mail", b"first", GuardStep.BEGIN, 60)) == 2
    assert counted(store, finish(A, State.RUNNING)) == 2
    assert counted(store, RunInTransaction(lambda: None, finish(A))) == 3
    assert counted(store, accept(A, token=b"other")) == 3
    assert counted(store, accept(B, under=None)) == 1
    assert counted(store, finish(B, State.FAILED)) == 2
    assert counted(store, accept(B, token=b"other", under=None)) == 4


def test_operation_sets_postgresql_timeouts_once() -> None:
    store = store_on(POSTGRESQL)
    for operation in (accept(A), finish(A), GetRecord(fingerprint(A))):
        hurry, *_ = reported = statements(store, operation)
        assert "lock_timeout" in hurry
        assert sum("set_config" in sql for sql in reported) == 1


def test_operation_never_scans_a_table(store: DjangoStore) -> None:
    fill(store)
    thorough = type(store)(store.using, history=1)
    later = content(2, stamped="12:00:30")
    operations: list[Operation[Any]] = [  # Any: of every answer.
        accept(SWEPT),
        accept(SWEPT, token=b"other"),
        accept(later, token=b"other"),
        Once(fingerprint(SWEPT), "mail", b"first", GuardStep.BEGIN, 60),
        Once(fingerprint(SWEPT), "mail", b"first", GuardStep.DONE, 60),
        Latest(b"entity", 1, b"first", GuardStep.BEGIN, 60),
        finish(SWEPT),
        GetRecord(fingerprint(SWEPT)),
        ListRecords(limit=50, bodies=False),
        ListRecords(limit=50, before=Position.of(NOON, fingerprint(SWEPT).hex())),
        ListRecords(limit=50, states=(State.FAILED,)),
        ListRecords(limit=50, event="rare"),
        ListRecords(limit=50, states=(State.DONE,), event="a.b", until=NOON),
        FindFingerprints(fingerprint(SWEPT).hex()[:8]),
        ResetRecord(fingerprint(SWEPT), ResetMode.ALL),
    ]
    for operation in operations:
        for sql in statements(thorough, operation):
            assert not scans(store, sql), f"{type(operation).__name__}: {sql}"


def fill(store: DjangoStore) -> None:
    """Remember many deliveries and guards: most of them done, none of them at its end."""
    from florentin_webhooks.django.models import Delivery, Guard

    using, end = store.using, 4_000_000_000_000
    rows = [
        Delivery(
            key=uuid4(),
            state="failed" if number % 100 == 0 else "done",
            event="rare" if number % 500 == 0 else "a.b",
            received_at=NOON - timedelta(seconds=number),
            finished_at=NOON - timedelta(seconds=number),
            expires=end + number,
            sent_under=uuid4(),
            content=uuid4(),
            body=b"{}",
        )
        for number in range(REMEMBERED)
    ]
    Delivery.objects.using(using).bulk_create(rows)
    Guard.objects.using(using).bulk_create(
        [Guard(key=uuid4(), delivery=row, expires=end) for row in rows]
    )
    with connections[using].cursor() as cursor:
        cursor.execute("ANALYZE florentin_webhooks_delivery")
        cursor.execute("ANALYZE florentin_webhooks_guard")


def scans(store: DjangoStore, sql: str) -> bool:
    """Whether the database would read a whole table for *sql*."""
    connection = connections[store.using]
    explain = "EXPLAIN " if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN "
    if "florentin" not in sql:
        return False
    with connection.cursor() as cursor:
        cursor.execute(explain + sql)
        plan = [str(row[-1]) for row in cursor.fetchall()]
    # "SCAN ... USING INDEX" goes along an index, and LIMIT ends it early.
    sorts = any(line == "USE TEMP B-TREE FOR ORDER BY" for line in plan)
    whole = any(line.startswith("SCAN ") and "USING" not in line for line in plan)
    return sorts or whole or any("Seq Scan" in line for line in plan)
