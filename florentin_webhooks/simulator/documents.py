"""The objects of the domain as JSON: customers, subscriptions, invoices and so on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from florentin_webhooks.simulator.refusal import Refusal

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

__all__ = ["JSON", "MOST_OBJECTS", "PAGE_SIZE", "Documents"]

JSON = dict[str, Any]  # Any: JSON.

PAGE_SIZE = 25
"""The most objects on one page of a list."""

MOST_OBJECTS = 100_000
"""The most objects of a domain."""


class Documents:
    """The objects in a database, by their kind and id; the oldest first."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def add(self, kind: str, document: Mapping[str, object], owner: str = "") -> None:
        """Store a new object, which has an ``id``; *owner* is that of its customer.

        Raises :class:`Refusal` in a full domain, which undoes the transaction.
        """
        added = self._connection.execute(
            "INSERT INTO documents (kind, id, owner, content) VALUES (?, ?, ?, ?)",
            (kind, document["id"], owner, json.dumps(document)),
        )
        if (added.lastrowid or 0) > MOST_OBJECTS:  # Objects are never deleted.
            raise Refusal.full(f"domain has {MOST_OBJECTS} objects")

    def update(self, kind: str, document: Mapping[str, object]) -> None:
        """Store the new state of an object."""
        self._connection.execute(
            "UPDATE documents SET content = ? WHERE kind = ? AND id = ?",
            (json.dumps(document), kind, document["id"]),
        )

    def find(self, kind: str, key: str) -> JSON | None:
        """Return an object, or None."""
        query = "SELECT content FROM documents WHERE kind = ? AND id = ?"
        row = self._connection.execute(query, (kind, key)).fetchone()
        return cast("JSON", json.loads(row[0])) if row else None

    def get(self, kind: str, key: str) -> JSON:
        """Return an object; raises :class:`Refusal` with 404 if there is none."""
        found = self.find(kind, key)
        if found is None:
            raise Refusal.missing(kind)
        return found

    def page(self, kind: str, number: int = 1, owner: str | None = None) -> tuple[list[JSON], int]:
        """Return the objects of page *number*, of all customers or of *owner*, and their total."""
        where = "kind = ?" if owner is None else "kind = ? AND owner = ?"
        given = (kind,) if owner is None else (kind, owner)
        query = f"SELECT content FROM documents WHERE {where} ORDER BY sequence LIMIT ? OFFSET ?"  # noqa: S608
        rows = self._connection.execute(query, (*given, PAGE_SIZE, PAGE_SIZE * (number - 1)))
        count = f"SELECT COUNT(*) FROM documents WHERE {where}"  # noqa: S608 - the two texts above.
        (total,) = self._connection.execute(count, given).fetchone()
        return [json.loads(row[0]) for row in rows], total
