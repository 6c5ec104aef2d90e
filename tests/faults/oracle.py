"""What really happened, written down by the processes themselves, outside Redis.

One line of JSON for each note, appended by one write: it survives the process that wrote it.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple


class Note(NamedTuple):
    """A run of *handler* has begun (``start``), had its ``effect``, or ended (``end``).

    *business* is what the event is about, in any delivery of it.
    """

    at: float
    what: str
    handler: str
    business: str
    fingerprint: str
    pid: int
    run: str


class Run(NamedTuple):
    """A run of a handler, which can write notes."""

    oracle: Oracle
    handler: str
    business: str
    fingerprint: str
    name: str

    def note(self, what: str) -> None:
        about = (self.handler, self.business, self.fingerprint)
        self.oracle.write(Note(time.time(), what, *about, os.getpid(), self.name))


class Oracle:
    """The notes in the file at *path*."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def clear(self) -> None:
        self._path.write_bytes(b"")

    @contextmanager
    def run(self, handler: str, business: str, fingerprint: str) -> Iterator[Run]:
        """Write that a run begins and, unless it is killed or raises, that it ends."""
        run = Run(self, handler, business, fingerprint, f"{os.getpid()}-{time.monotonic_ns()}")
        run.note("start")
        yield run
        run.note("end")

    def write(self, note: Note) -> None:
        with self._path.open("ab", buffering=0) as file:
            file.write(json.dumps(note).encode() + b"\n")

    def notes(self, business: str | None = None) -> list[Note]:
        """Return all notes, or those about one *business*, in the order of their writing."""
        notes = [Note(*json.loads(line)) for line in self._path.read_bytes().splitlines()]
        return [note for note in notes if business in (None, note.business)]

    def open_runs(self) -> dict[str, int]:
        """Return the runs that have begun and not ended, the latest last, and their processes."""
        notes = self.notes()
        ended = {note.run for note in notes if note.what == "end"}
        return {note.run: note.pid for note in notes if note.run not in ended}

    def count(self, what: str, business: str | None = None) -> int:
        return sum(note.what == what for note in self.notes(business))
