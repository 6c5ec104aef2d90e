"""The database's clock, the same for all machines, in whole milliseconds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db.models import BigIntegerField, Func, Value
from django.db.models.expressions import CombinedExpression
from django.utils.timezone import is_naive, make_aware, make_naive

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models.sql.compiler import SQLCompiler

__all__ = ["Clock", "from_db", "from_now", "to_datetime", "to_db"]

_POSTGRESQL = "CAST(EXTRACT(EPOCH FROM STATEMENT_TIMESTAMP()) * 1000 AS bigint)"
_LAST = 253_402_300_799_000
_SQLITE = "CAST((julianday('now') - 2440587.5) * 86400000 + 0.5 AS INTEGER)"


class Clock(Func):
    """The time of the statement by the database's clock, in milliseconds since 1970."""

    def __init__(self) -> None:
        super().__init__(output_field=BigIntegerField())  # pyright: ignore[reportUnknownMemberType]

    def as_postgresql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: Any
    ) -> Any:  # Any: as in Django.
        """Return the SQL for PostgreSQL."""
        return self.as_sql(compiler, connection, template=_POSTGRESQL)

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: Any
    ) -> Any:  # Any: as in Django.
        """Return the SQL for SQLite."""
        return self.as_sql(compiler, connection, template=_SQLITE)


def from_now(milliseconds: int) -> CombinedExpression:
    """Return the expression for the time in *milliseconds* from now.

    With ``server_side_binding`` a plain number is bound by its size, here as one of four bytes,
    and a month of milliseconds does not fit into that.
    """
    return Clock() + Value(milliseconds, BigIntegerField())


def to_datetime(milliseconds: int) -> datetime:
    """Return a time of the clock as an aware datetime, at most the last one that there is."""
    return datetime.fromtimestamp(min(milliseconds, _LAST) / 1000, UTC)


def to_db(when: datetime) -> datetime:
    """Return *when* as the columns store it: aware with ``USE_TZ``, else naive."""
    return when if settings.USE_TZ else make_naive(when)


def from_db(when: datetime | None) -> datetime | None:
    """Return *when*, from such a column, as an aware datetime."""
    return make_aware(when) if when is not None and is_naive(when) else when
