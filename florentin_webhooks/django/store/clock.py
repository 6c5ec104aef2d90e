"""Tell time by the database's clock, which is one for all machines; in whole milliseconds."""

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

__all__ = ["Clock", "from_db", "from_now", "moment", "to_db"]

_POSTGRESQL = "CAST(EXTRACT(EPOCH FROM STATEMENT_TIMESTAMP()) * 1000 AS bigint)"
_SQLITE = "CAST((julianday('now') - 2440587.5) * 86400000 + 0.5 AS INTEGER)"


class Clock(Func):
    """Be the moment at which the database reads the statement, in milliseconds since 1970."""

    def __init__(self) -> None:
        super().__init__(output_field=BigIntegerField())  # pyright: ignore[reportUnknownMemberType]

    def as_postgresql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: Any
    ) -> Any:  # Any: as Django has it.
        """Give the words of PostgreSQL."""
        return self.as_sql(compiler, connection, template=_POSTGRESQL)

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: Any
    ) -> Any:  # Any: as Django has it.
        """Give the words of SQLite."""
        return self.as_sql(compiler, connection, template=_SQLITE)


def from_now(milliseconds: int) -> CombinedExpression:
    """Give what the clock will show then.

    A plain number is bound by its size where the server binds (``server_side_binding``), and would
    be read as one of four bytes, which a month of milliseconds does not fit into.
    """
    return Clock() + Value(milliseconds, BigIntegerField())


def moment(milliseconds: int) -> datetime:
    """Give what the clock has shown as a moment."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def to_db(when: datetime) -> datetime:
    """Give *when* as the program's columns hold it: with a time zone, or without any."""
    return when if settings.USE_TZ else make_naive(when)


def from_db(when: datetime | None) -> datetime | None:
    """Give *when*, from such a column, as a moment."""
    return make_aware(when) if when is not None and is_naive(when) else when
