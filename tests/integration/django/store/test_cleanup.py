"""Expiry of records, and their deletion."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import connections

from florentin_webhooks.core.stores.accept import AcceptDecision
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.guards import GuardDecision, GuardStep, Latest, Once
from florentin_webhooks.core.stores.queries import GetRecord
from florentin_webhooks.protocol.fingerprint import fingerprint
from tests.support.django_settings import POSTGRESQL, SQLITE
from tests.support.django_stores import passed, store_on
from tests.support.postgres import shared_server
from tests.support.stores import Span, accept, content, finish

if TYPE_CHECKING:
    from florentin_webhooks.django import DjangoStore


BODY = content()


KEY = fingerprint(BODY)


HOUR, DAY = 3600, 86_400


SWEEPING = [body for body in map(content, range(1000, 1100)) if not fingerprint(body)[-1] % 16]
"""Bodies with which a store tidies up."""


@pytest.fixture(params=[SQLITE, POSTGRESQL])
def store(request: pytest.FixtureRequest) -> DjangoStore:
    """Each kind of database in turn, in which nothing is remembered."""
    return store_on(request.param, Span(retention=HOUR))


def rows(store: DjangoStore, table: str = "delivery") -> int:
    """How many rows there are."""
    with connections[store.using].cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM florentin_webhooks_{table}")  # noqa: S608 - ours.
        return int(cursor.fetchone()[0])


def change(store: DjangoStore, words: str) -> None:
    """Change the tables."""
    with connections[store.using].cursor() as cursor:
        cursor.execute(words)


def swept(store: DjangoStore, body: bytes = SWEEPING[0]) -> None:
    """Have the store tidy up, and forget what made it."""
    store.execute(accept(body, token=b"sweeps", under=None))


def test_expired_delivery_is_deleted_with_guards_and_retries(store: DjangoStore) -> None:
    store.execute(accept(BODY))
    store.execute(accept(content(stamped="12:00:30"), token=b"other"))
    store.execute(Once(KEY, "mail", b"first", GuardStep.BEGIN, 60))
    store.execute(finish(BODY))
    assert (rows(store), rows(store, "guard")) == (2, 1)
    passed(store.using, HOUR)
    swept(store)
    assert (rows(store), rows(store, "guard")) == (1, 0)


@pytest.mark.parametrize("given", [{}, {"fresh": False}, {"valid": False}])
def test_unfinished_delivery_is_kept_for_thirty_days(
    store: DjangoStore, given: dict[str, bool]
) -> None:
    store.execute(accept(BODY, **given))  # type: ignore[arg-type]  # as accept() takes.
    store.execute(finish(BODY, State.FAILED))
    passed(store.using, 29 * DAY)
    swept(store)
    assert store.execute(GetRecord(KEY)) is not None
    passed(store.using, DAY)
    assert store.execute(GetRecord(KEY)) is None
    assert store.execute(finish(BODY)) is State.LOST
    swept(store, SWEEPING[1])
    assert rows(store) == 2


def test_unused_high_water_mark_expires_after_thirty_days(
    store: DjangoStore,
) -> None:
    def latest(timestamp: int, step: GuardStep = GuardStep.BEGIN) -> GuardDecision:
        return store.execute(Latest(b"entity", timestamp, b"first", step, 60)).decision

    assert (latest(5), latest(5, GuardStep.DONE)) == (GuardDecision.RUN, GuardDecision.RUN)
    passed(store.using, 29 * DAY)
    assert latest(4) is GuardDecision.SUPERSEDED
    passed(store.using, DAY)
    assert latest(4) is GuardDecision.RUN
    passed(store.using, 30 * DAY)
    swept(store)
    assert rows(store, "guard") == 0


def test_expired_records_are_deleted_in_batches(store: DjangoStore) -> None:
    for number in range(70):
        store.execute(accept(content(number), under=None))
        store.execute(finish(content(number)))
    before = rows(store)
    passed(store.using, HOUR)
    swept(store)
    assert before - rows(store) == 63  # 64 were deleted, and one has come.


def test_locked_record_is_skipped_by_the_cleanup() -> None:
    store = store_on(POSTGRESQL, Span(retention=HOUR))
    for number in range(2):
        store.execute(accept(content(number), under=None))
        store.execute(finish(content(number)))
    passed(POSTGRESQL, HOUR)
    with shared_server().connect() as other, other.transaction():
        other.execute("SELECT * FROM florentin_webhooks_delivery LIMIT 1 FOR UPDATE")
        swept(store)
        assert rows(store) == 2


def test_failed_cleanup_does_not_fail_the_delivery(store: DjangoStore) -> None:
    store.execute(accept(BODY, under=None))
    store.execute(finish(BODY))
    passed(store.using, HOUR)
    change(store, "ALTER TABLE florentin_webhooks_guard RENAME TO gone")
    try:
        assert store.execute(accept(SWEEPING[0], under=None)).decision is AcceptDecision.RUN
    finally:
        change(store, "ALTER TABLE gone RENAME TO florentin_webhooks_guard")
