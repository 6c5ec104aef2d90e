"""Put a row in unless somebody was faster, and hold one until the transaction ends."""

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
    "deliveries",
    "forget",
    "guards",
    "insert",
    "lock_one",
    "prefix_filter",
    "uuid",
]

M = TypeVar("M", bound=Model)

_DIGITS = 32


@dataclass(frozen=True, slots=True)
class StoreOptions:
    """Hold which database is used, how long what is kept there, in milliseconds, and how many."""

    using: str
    retention: int
    lease: int
    keep: int
    history: int


def uuid(digest: bytes) -> UUID:
    """Give 16 bytes as databases compare them fastest."""
    return UUID(bytes=digest)


def prefix_filter(prefix: str) -> Q | None:
    """Give the condition that a key begins with *prefix*; None where none can."""
    try:
        first, last = (UUID(prefix.ljust(_DIGITS, digit)) for digit in "0f")
    except ValueError:
        return None
    return Q(key__gte=first, key__lte=last)


def deliveries(terms: StoreOptions) -> QuerySet[Delivery]:
    """Give what is remembered, without bodies."""
    return Delivery.objects.using(terms.using).defer("body")


def guards(terms: StoreOptions) -> QuerySet[Guard]:
    """Give what guards what happens once."""
    return Guard.objects.using(terms.using)


def insert(connection: BaseDatabaseWrapper, row: Model) -> bool:
    """Insert *row*, unless one like it is there; wait for those who are just inserting one."""
    query: Any = InsertQuery(type(row), on_conflict=OnConflict.IGNORE)  # Any: typed in parts.
    query.insert_values(row._meta.concrete_fields, [row])  # noqa: SLF001 - Django's public API.
    ((text, values),) = query.get_compiler(connection=connection).as_sql()
    with connection.cursor() as cursor:
        cursor.execute(text, values)
        return bool(cursor.rowcount == 1)


def lock_one(rows: QuerySet[M]) -> tuple[M | None, int]:
    """Lock the one row that is left of *rows*; give it and the time."""
    # No key: whoever refers to the row may go on doing so.
    held = rows.select_for_update(no_key=True).annotate(now=Clock())[:1]
    for row in held:
        return row, cast("Any", row).now
    return None, 0


def forget(terms: StoreOptions, keys: list[UUID]) -> None:
    """Delete deliveries, and all that belongs to them."""
    delete(guards(terms).filter(delivery__in=keys))
    delete(deliveries(terms).filter(Q(key__in=keys) | Q(original__in=keys)))


def delete(rows: QuerySet[M]) -> None:
    """Delete *rows* in one statement, without loading any of them."""
    rows._raw_delete(rows.db)  # noqa: SLF001 - delete() would look for what we delete ourselves.
