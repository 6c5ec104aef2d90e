"""The statements of a spool: its table of deliveries, and the lease of the draining process."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

__all__ = [
    "Row",
    "Sizes",
    "claim",
    "from_milliseconds",
    "has_rows",
    "insert",
    "measure",
    "read",
    "release",
    "remove",
    "to_milliseconds",
]


class Row(NamedTuple):
    """A row of the table."""

    fingerprint: str
    owner: str
    received_at: int
    is_sealed: bool
    content: bytes


class Sizes(NamedTuple):
    """How many rows there are, when the oldest came, and the bytes that are in use."""

    waiting: int
    oldest: int | None
    size: int


def to_milliseconds(time: datetime) -> int:
    """Return *time* in whole milliseconds since 1970."""
    return int(time.timestamp() * 1000)


def from_milliseconds(time: int) -> datetime:
    """Return the UTC time of *time* in milliseconds."""
    return datetime.fromtimestamp(time / 1000, UTC)


def insert(connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
    """Write *rows* in one transaction, which is on the disk when this returns.

    A fingerprint that waits already is kept as it is: a captured delivery that is sent again and
    again takes no room.
    """
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(_INSERT, rows)
    connection.execute("COMMIT")


def read(
    connection: sqlite3.Connection, after: int, limit: int
) -> list[tuple[int, str, str, int, int, bytes]]:
    """Return up to *limit* rows with a number above *after*, each after its number."""
    return connection.execute(_READ, (after, limit)).fetchall()


def has_rows(connection: sqlite3.Connection) -> bool:
    """Return whether there is a row."""
    (found,) = connection.execute("SELECT EXISTS (SELECT 1 FROM deliveries)").fetchone()
    return bool(found)


def remove(connection: sqlite3.Connection, numbers: Sequence[int]) -> None:
    """Delete the rows with *numbers*; an empty file returns its room to the disk."""
    connection.execute("BEGIN IMMEDIATE")
    deleted = [(number,) for number in numbers]
    connection.executemany("DELETE FROM deliveries WHERE number = ?", deleted)
    connection.execute("COMMIT")
    if not has_rows(connection):
        # As a script: execute() ends the first pragma after one page.
        connection.executescript("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE);")


def claim(connection: sqlite3.Connection, holder: str, seconds: float, now: float) -> bool:
    """Take or extend the lease until *now* and *seconds*, unless another holder has it."""
    connection.execute("BEGIN IMMEDIATE")
    found = connection.execute("SELECT holder, expires_at FROM lease").fetchone()
    # A clock that was set back must not lock the spool for longer than a lease.
    if found and found[0] != holder and now < found[1] <= now + seconds:
        connection.execute("ROLLBACK")
        return False
    connection.execute("REPLACE INTO lease VALUES (1, ?, ?)", (holder, now + seconds))
    connection.execute("COMMIT")
    return True


def release(connection: sqlite3.Connection, holder: str) -> None:
    """End the lease of *holder*."""
    connection.execute("DELETE FROM lease WHERE holder = ?", (holder,))


def measure(connection: sqlite3.Connection) -> Sizes:
    """Return the sizes."""
    waiting, oldest = connection.execute(_COUNT).fetchone()
    pages, free, page = (
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_count", "freelist_count", "page_size")
    )
    return Sizes(waiting, oldest, (pages - free) * page)


_INSERT = (
    "INSERT INTO deliveries (fingerprint, owner, received_at, is_sealed, content) "
    "VALUES (?, ?, ?, ?, ?) ON CONFLICT (fingerprint) DO NOTHING"
)
_READ = (
    "SELECT number, fingerprint, owner, received_at, is_sealed, content FROM deliveries "
    "WHERE number > ? ORDER BY number LIMIT ?"
)
_COUNT = "SELECT count(*), min(received_at) FROM deliveries"
