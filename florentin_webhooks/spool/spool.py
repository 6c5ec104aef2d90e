"""The spool of one machine: a SQLite file that several processes may append to and drain."""

from __future__ import annotations

import os
import time
from collections import deque
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from florentin_webhooks.core.spool import SpooledDelivery, SpoolEntry, SpoolFacts
from florentin_webhooks.errors import ConfigurationError, Unavailable
from florentin_webhooks.spool import file
from florentin_webhooks.spool.codec import decode, encode
from florentin_webhooks.spool.connection import Connector
from florentin_webhooks.spool.seal import Seal, UnreadableContent

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Spool"]

MAX_BYTES = 100 * 1024 * 1024
_LEAST_BYTES = 1024 * 1024


@dataclass(slots=True, eq=False)
class _Ticket:
    """A row to write; *error* is set if it was not."""

    row: file.Row
    is_done: bool = False
    error: Unavailable | None = None


class Spool:
    """A spool in the file at *path*, of at most *max_bytes*, on a disk that outlives the process.

    All processes of one machine that have the same receiver use the same file; its folder must
    exist. With *keys* (of ``Fernet``; the first encrypts, all decrypt) the deliveries in it are
    encrypted. Nothing runs from it: its deliveries are accepted when the store answers again.

    Raises :class:`ConfigurationError` for a path that cannot be written, and for a weak key.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        max_bytes: int = MAX_BYTES,
        keys: Sequence[str | bytes] | str | bytes = (),
    ) -> None:
        self._path = _absolute(path)
        self._max_bytes = _check_size(max_bytes)
        _check_path(self._path)
        self._seal = Seal([keys] if isinstance(keys, str | bytes) else keys)
        self._connector = Connector(self._path, max_bytes)
        self._connector.check()
        self._tickets: deque[_Ticket] = deque()

    def __repr__(self) -> str:
        return f"Spool({self.path!r})"

    @property
    def path(self) -> str:
        """The absolute path of the file."""
        return str(self._path)

    @property
    def is_encrypted(self) -> bool:
        """Whether deliveries are encrypted."""
        return self._seal.has_keys

    def append(self, delivery: SpooledDelivery) -> None:
        """Write *delivery*; returns when it is on the disk.

        Deliveries that arrive meanwhile share the next write. Raises :class:`Unavailable`.
        """
        content = self._seal.close(encode(delivery))
        received_at = file.to_milliseconds(delivery.received_at)
        columns = (delivery.fingerprint, delivery.owner, received_at)
        ticket = _Ticket(file.Row(*columns, self._seal.has_keys, content))
        self._tickets.append(ticket)
        with self._connector.lock:
            if not ticket.is_done:
                self._write([self._tickets.popleft() for _ in range(len(self._tickets))])
        if ticket.error is not None:
            raise ticket.error

    def has_waiting(self) -> bool:
        """Return whether any delivery waits. Raises :class:`Unavailable`."""
        return self._path.exists() and self._connector.run(file.has_rows)

    def read(self, after: int, limit: int) -> list[SpoolEntry]:
        """Return up to *limit* entries after the number *after*. Raises :class:`Unavailable`."""
        if not self._path.exists():
            return []
        rows = self._connector.run(partial(file.read, after=after, limit=limit))
        return [self._entry(*row) for row in rows]

    def remove(self, numbers: Sequence[int]) -> None:
        """Remove the entries with *numbers*. Raises :class:`Unavailable`."""
        self._connector.run(partial(file.remove, numbers=numbers))

    def claim(self, holder: str, seconds: float) -> bool:
        """Take the lease, or return False where another process has it; see the port."""
        now = time.time()
        return self._connector.run(partial(file.claim, holder=holder, seconds=seconds, now=now))

    def release(self, holder: str) -> None:
        """End the lease of *holder*. Raises :class:`Unavailable`."""
        self._connector.run(partial(file.release, holder=holder))

    def measure(self) -> SpoolFacts:
        """Return what is found; creates no file, and never raises."""
        facts = SpoolFacts(self.path, capacity=self._max_bytes)
        try:
            _check_path(self._path)
            if not self._path.exists():
                return facts
            waiting, oldest, size = self._connector.run(file.measure)
        except (ConfigurationError, Unavailable) as error:
            return facts._replace(error=error.message)
        since = None if oldest is None else file.from_milliseconds(oldest)
        return facts._replace(waiting=waiting, oldest=since, size=size)

    def close(self) -> None:
        """Close the file; the next call opens it again."""
        self._connector.close()

    def _write(self, tickets: Sequence[_Ticket]) -> None:
        """Write all *tickets* at once or, where that fails, those that can be written."""
        error = self._insert([ticket.row for ticket in tickets])
        for ticket in tickets:
            is_alone = error is None or len(tickets) == 1
            ticket.error = error if is_alone else self._insert([ticket.row])
            ticket.is_done = True

    def _insert(self, rows: Sequence[file.Row]) -> Unavailable | None:
        try:
            self._connector.run(partial(file.insert, rows=rows))
        except Unavailable as error:
            return error
        return None

    def _entry(
        self,
        number: int,
        fingerprint: str,
        owner: str,
        received_at: int,
        is_sealed: int,
        content: bytes,
    ) -> SpoolEntry:
        arrived, delivery, problem = file.from_milliseconds(received_at), None, ""
        try:
            opened = self._seal.open(content) if is_sealed else content
            delivery = decode(fingerprint, owner, arrived, opened)
        except UnreadableContent as error:
            problem = str(error)
        return SpoolEntry(number, fingerprint, owner, arrived, delivery, problem)


def _absolute(path: object) -> Path:
    if not isinstance(path, str | os.PathLike):
        raise ConfigurationError(f"path of the spool is {path!r}.", "Pass the path of a file.")
    return Path(cast("str", path)).absolute()


def _check_size(max_bytes: object) -> int:
    if not isinstance(max_bytes, int) or max_bytes < _LEAST_BYTES:
        raise ConfigurationError(
            f"max_bytes of the spool is {max_bytes!r}.",
            f"Set it to {_LEAST_BYTES} or more.",
        )
    return max_bytes


def _check_path(path: Path) -> None:
    """Raise :class:`ConfigurationError` unless *path* is a spool, or one can be created there."""
    folder = path.parent
    _check_name(path)
    if not folder.is_dir():
        raise ConfigurationError(f"The folder of the spool {path} is missing.", f"Create {folder}.")
    if path.is_dir():
        raise ConfigurationError(
            f"The spool {path} is a folder.", "Set it to a file in that folder, such as spool.db."
        )
    # SQLite writes beside the file, so it needs the folder as well.
    places = [folder, path] if path.exists() else [folder]
    for place in places:
        if not os.access(place, os.R_OK | os.W_OK):
            raise ConfigurationError(
                f"The spool {path} cannot be written: {place} is not writable.",
                "Make it writable for the user of this process, or choose another path.",
            )


def _check_name(path: Path) -> None:
    """Raise :class:`ConfigurationError` if no file can have the name *path*."""
    try:
        path.stat()
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ConfigurationError(
            f"The spool {str(path)!r} cannot be used: {reason}.", "Choose another path."
        ) from None
