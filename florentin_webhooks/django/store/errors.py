"""Database errors as errors of this package, without passwords or values of rows."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.core.exceptions import ImproperlyConfigured, SynchronousOnlyOperation
from django.db import DEFAULT_DB_ALIAS
from django.db.utils import Error

from florentin_webhooks.django.connections import discard
from florentin_webhooks.errors import ConfigurationError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Generator

    from django.db.backends.base.base import BaseDatabaseWrapper

__all__ = ["is_disconnected", "translate_errors"]

_DISCONNECTED = ("08", "57P")
_READ_ONLY = "25006"
_NO_TABLE, _NO_COLUMN = "42P01", "42703"
_NO_TABLE_ON_SQLITE = ("no such table: florentin_webhooks_", "no such column:")


@contextmanager
def translate_errors(connection: BaseDatabaseWrapper) -> Generator[None]:
    """Raise :class:`Unavailable` for every error of the database.

    A broken connection is closed, so that the next operation opens another one. So is one to a
    server that has become read-only: after a fail-over, the name may lead to another server.
    """
    try:
        yield
    except Error as error:
        if not connection.in_atomic_block:
            if _sqlstate(error) == _READ_ONLY:
                discard(connection)
            connection.close_if_unusable_or_obsolete()
        raise _unavailable(connection, error) from None
    except SynchronousOnlyOperation:
        raise ConfigurationError(
            "DjangoStore was called inside a running event loop, which it would block.",
            "Use await aexecute(...), and in async def: async with delivery.once(...).",
        ) from None
    except ImproperlyConfigured as error:
        raise ConfigurationError(
            f"Django cannot use the database {connection.alias!r}: {error}",
            "Correct DATABASES in the settings.",
        ) from None


def is_disconnected(connection: BaseDatabaseWrapper, error: Error) -> bool:
    """Return whether *error* is a lost connection to PostgreSQL."""
    code = _sqlstate(error)
    return connection.vendor == "postgresql" and (not code or code.startswith(_DISCONNECTED))


def _sqlstate(error: BaseException) -> str:
    # psycopg and psycopg2 name it differently; it is empty if the server did not answer.
    driver = error.__cause__
    return getattr(driver, "sqlstate", None) or getattr(driver, "pgcode", None) or ""


def _unavailable(connection: BaseDatabaseWrapper, error: Error) -> Unavailable:
    alias = connection.alias
    if _sqlstate(error) in {_NO_TABLE, _NO_COLUMN} or str(error).startswith(_NO_TABLE_ON_SQLITE):
        option = "" if alias == DEFAULT_DB_ALIAS else f" --database {alias}"
        return Unavailable(
            f"The database {alias!r} lacks tables of this version of florentin_webhooks.",
            f"Run: python manage.py migrate florentin_webhooks{option}",
        )
    # Texts of PostgreSQL's drivers may quote connection parameters or rows.
    is_safe = error.__cause__ is None or connection.vendor == "sqlite"
    reason = str(error).rstrip(".") if is_safe else type(error.__cause__).__name__
    return Unavailable(f"The database {alias!r} did not answer: {reason}.")
