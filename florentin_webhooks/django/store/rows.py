"""Rows of both tables: query, insert, lock and delete them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast
from uuid import UUID

from django.db.models import Model, Q
from django.db.models.constants import OnConflict
from django.db.models.sql import InsertQuery

from florentin_webhooks.django.models import Delivery, Guard
from florentin_webhooks.django.store.clock import Clock

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models import QuerySet

__all__ = [
    "StoreOptions",
    "delete",
    "delete_deliveries",
    "deliveries",
    "guards",
    "insert_or_ignore",
    "lock_one",
    "prefix_filter",
    "to_uuid",
]

M = TypeVar("M", bound=Model)

_DIGITS = 32


@dataclass(frozen=True, slots=True)
class StoreOptions:
    """The database of a store, its durations in milliseconds, and the length of its history."""

    using: str
    retention: int
    lease: int
    unfinished_retention: int
    history: int


def to_uuid(digest: bytes) -> UUID:
    """Return 16 bytes as a UUID, the type that databases compare fastest."""
    return UUID(bytes=digest)


def prefix_filter(prefix: str) -> Q | None:
    """Return the condition that a key begins with *prefix*, or None if no key can."""
    try:
        first, last = (UUID(prefix.ljust(_DIGITS, digit)) for digit in "0f")
    except ValueError:
        return None
    return Q(key__gte=first, key__lte=last)


def deliveries(options: StoreOptions) -> QuerySet[Delivery]:
    """Return the query for deliveries, without their bodies."""
    return Delivery.objects.using(options.using).defer("body")


def guards(options: StoreOptions) -> QuerySet[Guard]:
    """Return the query for guards."""
    return Guard.objects.using(options.using)


def insert_or_ignore(connection: BaseDatabaseWrapper, row: Model) -> bool:
    """Insert *row* unless it violates a unique constraint; return whether it was inserted.

    Waits for transactions that are inserting the same key.
    """
    query: Any = InsertQuery(type(row), on_conflict=OnConflict.IGNORE)  # Any: typed in parts.
    query.insert_values(row._meta.concrete_fields, [row])  # noqa: SLF001 - Django's public API.
    ((text, values),) = query.get_compiler(connection=connection).as_sql()
    with connection.cursor() as cursor:
        cursor.execute(text, values)
        return bool(cursor.rowcount == 1)


def lock_one(rows: QuerySet[M]) -> tuple[M | None, int]:
    """Lock the first of *rows*; return it and the time, or None and 0.

    Without the key, so that other transactions can still insert rows that refer to it.
    """
    locked = rows.select_for_update(no_key=True).annotate(now=Clock())[:1]
    for row in locked:
        return row, cast("Any", row).now
    return None, 0


def delete_deliveries(options: StoreOptions, keys: list[UUID]) -> None:
    """Delete deliveries with their guards and retries."""
    delete(guards(options).filter(delivery__in=keys))
    delete(deliveries(options).filter(Q(key__in=keys) | Q(original__in=keys)))


def delete(rows: QuerySet[M]) -> None:
    """Delete *rows* in one statement, without loading them."""
    rows._raw_delete(rows.db)  # noqa: SLF001 - delete() would query for related rows first.
