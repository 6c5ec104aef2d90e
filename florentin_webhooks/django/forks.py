"""Database connections never cross a fork: parent and child would share one session.

A statement of the child would then run in the parent's transaction, and a polite close would end
the parent's session. The child forgets inherited connections and opens its own.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from functools import cache
from typing import Any

from django.conf import settings
from django.db import connections

__all__ = ["forget_connections", "forget_connections_in_forks"]

_inherited: list[object] = []
"""What the parent opened; kept, since some drivers close a connection that is collected."""


@cache
def forget_connections_in_forks() -> None:
    """Forget the connections in every process that is forked from now on."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=forget_connections)


def forget_connections() -> None:
    """Forget the connections and pools of the parent, without a word to the server."""
    if not settings.configured:
        return  # Without settings nothing was opened, and to look would raise an error.
    _forget_pools()
    for connection in connections.all(initialized_only=True):
        if not _is_in_memory(connection):
            _forget(connection)


def _forget_pools() -> None:
    # A pool belongs to all threads of the parent, so this one may not have its connection.
    backend = sys.modules.get("django.db.backends.postgresql.base")
    wrapper = getattr(backend, "DatabaseWrapper", None)
    pools: dict[str, object] = getattr(wrapper, "_connection_pools", {})
    _inherited.extend(pools.values())
    pools.clear()


def _forget(connection: Any) -> None:  # Any: Django's, with the connection of any driver.
    if connection.connection is None:
        return
    _inherited.append(connection.connection)
    _disconnect(connection.connection)
    connection.connection = None
    connection.in_atomic_block = False  # The parent's transaction.


def _disconnect(driver: Any) -> None:
    """Point the child's end of the socket nowhere, so that not even the driver's end is heard."""
    with suppress(AttributeError, OSError):
        descriptor, nowhere = driver.fileno(), os.open(os.devnull, os.O_RDWR)
        os.dup2(nowhere, descriptor, inheritable=False)
        os.close(nowhere)


def _is_in_memory(connection: Any) -> bool:
    # A fork copies such a database, and Django's parallel tests rely on the copy.
    return connection.vendor == "sqlite" and bool(connection.is_in_memory_db())
