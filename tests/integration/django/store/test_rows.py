"""Rows of both tables: inserted once, locked, and deleted with what belongs to them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest
from django.db import connections

from florentin_webhooks.core.stores.guards import GuardStep, Once
from tests.support.django_settings import POSTGRESQL, SQLITE, configure
from tests.support.django_stores import BODY, KEY, store_on
from tests.support.stores import accept, content

if TYPE_CHECKING:
    from florentin_webhooks.django import DjangoStore


@pytest.fixture(autouse=True)
def _django() -> None:
    configure()


@pytest.fixture(params=[SQLITE, POSTGRESQL])
def store(request: pytest.FixtureRequest) -> DjangoStore:
    """Each kind of database in turn, in which ``first`` has the lease of one delivery."""
    made = store_on(request.param)
    made.execute(accept(BODY))
    return made


@pytest.mark.parametrize("prefix", ["", "0f", "0F", "f" * 32])
def test_prefix_filter_spans_all_keys_with_the_prefix(prefix: str) -> None:
    from florentin_webhooks.django.store.rows import prefix_filter

    condition = prefix_filter(prefix)
    assert condition is not None
    first, last = (UUID(prefix.ljust(32, digit)) for digit in "0f")
    assert condition.children == [("key__gte", first), ("key__lte", last)]


@pytest.mark.parametrize("prefix", ["g", "%", "f" * 33])
def test_impossible_prefix_has_no_filter(prefix: str) -> None:
    from florentin_webhooks.django.store.rows import prefix_filter

    assert prefix_filter(prefix) is None


def test_second_insert_of_a_key_is_ignored(store: DjangoStore) -> None:
    from florentin_webhooks.django.models import Guard
    from florentin_webhooks.django.store.rows import insert_or_ignore

    connection, key = connections[store.using], uuid4()
    assert insert_or_ignore(connection, Guard(key=key, token=b"one"))
    assert not insert_or_ignore(connection, Guard(key=key, token=b"two"))
    assert bytes(Guard.objects.using(store.using).get(key=key).token) == b"one"


def test_lock_one_returns_the_row_and_the_time(store: DjangoStore) -> None:
    from florentin_webhooks.django.store.rows import deliveries, lock_one
    from florentin_webhooks.django.store.transactions import transaction

    with transaction(store.using):
        row, now = lock_one(deliveries(store._options))
        assert row is not None
        assert row.key.bytes == KEY
        assert row.until - 3_600_000 <= now < row.until
        assert lock_one(deliveries(store._options).filter(key=uuid4())) == (None, 0)


def test_deleted_delivery_takes_guards_and_retries_along(store: DjangoStore) -> None:
    from florentin_webhooks.django.models import Delivery, Guard
    from florentin_webhooks.django.store.rows import delete_deliveries, to_uuid

    store.execute(accept(content(stamped="12:00:30"), token=b"retry"))
    store.execute(Once(KEY, "mail", b"first", GuardStep.BEGIN, 60))
    store.execute(accept(content(2), under="id-2"))
    delete_deliveries(store._options, [to_uuid(KEY)])
    (left,) = Delivery.objects.using(store.using).all()
    assert left.delivery_id == "id-2"
    assert not Guard.objects.using(store.using).exists()
