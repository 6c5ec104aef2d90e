"""What really happened, written down by those who did it, outside Redis and for good.

SQLite in WAL mode and only ever appended to: what a process has noted survives its being killed.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

__all__ = ["Note", "Oracle", "Run"]

_SCHEMA = """CREATE TABLE IF NOT EXISTS notes (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL, what TEXT, handler TEXT, business TEXT,
    fingerprint TEXT, pid INTEGER, run TEXT)"""


class Note(NamedTuple):
    """One line: a run of *handler* has begun (``start``), had its ``effect``, or ended (``end``).

    *business* is what the event is about, whatever delivery brought it.
    """

    at: float
    what: str
    handler: str
    business: str
    fingerprint: str
    pid: int
    run: str


class Run(NamedTuple):
    """A run of a handler, for whoever runs in it."""

    oracle: Oracle
    handler: str
    business: str
    fingerprint: str
    name: str

    def note(self, what: str) -> None:
        """Write down what this run does."""
        note = Note(
            time.time(),
            what,
            self.handler,
            self.business,
            self.fingerprint,
            os.getpid(),
            self.name,
        )
        self.oracle.write(note)


class Oracle:
    """The book at *path*; a connection for each line, so that forks share nothing."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def open(self) -> None:
        """Begin the book."""
        with closing(self._connect()) as book:
            book.execute("PRAGMA journal_mode=WAL")
            book.execute(_SCHEMA)

    def clear(self) -> None:
        """Begin the book anew, for another test."""
        with closing(self._connect()) as book:
            book.execute("DELETE FROM notes")

    @contextmanager
    def run(self, handler: str, business: str, fingerprint: str) -> Iterator[Run]:
        """Note that a run begins and, unless it is killed or raises, that it ends."""
        run = Run(self, handler, business, fingerprint, f"{os.getpid()}-{time.monotonic_ns()}")
        run.note("start")
        yield run
        run.note("end")

    def write(self, note: Note) -> None:
        """Append a line."""
        with closing(self._connect()) as book:
            book.execute(
                "INSERT INTO notes (at, what, handler, business, fingerprint, pid, run)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                note,
            )

    def notes(self, business: str = "%") -> list[Note]:
        """All lines, or those about one *business*, in the order in which they were written."""
        with closing(self._connect()) as book:
            rows = book.execute(
                "SELECT at, what, handler, business, fingerprint, pid, run FROM notes"
                " WHERE business LIKE ? ORDER BY id",
                (business,),
            )
            return [Note(*row) for row in rows]

    def open_runs(self) -> dict[str, int]:
        """The runs that have begun and not ended, the latest last, and who runs them."""
        notes = self.notes()
        ended = {note.run for note in notes if note.what == "end"}
        return {note.run: note.pid for note in notes if note.run not in ended}

    def count(self, what: str, business: str = "%") -> int:
        """How many lines of the kind *what* there are."""
        return sum(note.what == what for note in self.notes(business))

    def _connect(self) -> sqlite3.Connection:
        book = sqlite3.connect(self._path, timeout=30, isolation_level=None)
        book.execute("PRAGMA synchronous=OFF")  # Processes are killed here, not the machine.
        return book
