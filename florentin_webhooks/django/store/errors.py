"""Say what a database did not do, in words that hold neither a password nor a piece of a body."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.core.exceptions import ImproperlyConfigured, SynchronousOnlyOperation
from django.db import DEFAULT_DB_ALIAS
from django.db.utils import Error

from florentin_webhooks.errors import ConfigurationError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Generator

    from django.db.backends.base.base import BaseDatabaseWrapper

__all__ = ["is_gone", "translate_errors"]

_GONE = ("08", "57P")
_NO_TABLE, _NO_COLUMN = "42P01", "42703"
_NO_SUCH = ("no such table: florentin_webhooks_", "no such column:")


@contextmanager
def translate_errors(connection: BaseDatabaseWrapper) -> Generator[None]:
    """Raise :class:`Unavailable` for whatever the database raises inside.

    A connection that is of no use any more is closed, so that the next step opens another one.
    """
    try:
        yield
    except Error as error:
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()
        raise Unavailable(_reason(connection, error)) from None
    except SynchronousOnlyOperation:
        message = (
            "DjangoStore was asked to block inside a running event loop; "
            "use: await aexecute(...), and in async def: async with delivery.once(...)"
        )
        raise ConfigurationError(message) from None
    except ImproperlyConfigured as error:
        raise ConfigurationError(str(error)) from None


def is_gone(connection: BaseDatabaseWrapper, error: Error) -> bool:
    """Tell whether *error* says that the server, or the way to it, has gone."""
    code = _sqlstate(error)
    return connection.vendor == "postgresql" and (not code or code.startswith(_GONE))


def _sqlstate(error: BaseException) -> str:
    # PostgreSQL's code, empty where the server has not even answered; as psycopg and psycopg2 say.
    driver = error.__cause__
    return getattr(driver, "sqlstate", None) or getattr(driver, "pgcode", None) or ""


def _reason(connection: BaseDatabaseWrapper, error: Error) -> str:
    alias = connection.alias
    if _sqlstate(error) in {_NO_TABLE, _NO_COLUMN} or str(error).startswith(_NO_SUCH):
        which = "" if alias == DEFAULT_DB_ALIAS else f" --database {alias}"
        return (
            f"the database {alias!r} lacks tables of this version of florentin_webhooks; "
            f"run: python manage.py migrate florentin_webhooks{which}"
        )
    # What PostgreSQL's drivers say may quote the connection's parameters, or a row.
    own = error.__cause__ is None or connection.vendor == "sqlite"
    why = str(error) if own else type(error.__cause__).__name__
    return f"the database {alias!r} gave no answer: {why}"
