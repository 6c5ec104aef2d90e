"""Events that wait to be delivered, in the database, so that a restart loses none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from florentin_webhooks.simulator.webhooks.entries import AttemptKind, State
from florentin_webhooks.simulator.webhooks.faults import Fault, Faults

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from florentin_webhooks.senders.base import Sample
    from florentin_webhooks.simulator.webhooks.entries import Attempt

__all__ = ["HELD_SECONDS", "Outbox", "Target", "Task"]

HELD_SECONDS = 2.0
"""The longest time for which a delivery is held back until the next one was sent."""
_KEPT = 100_000
"""Deliveries in the log; the oldest that are not pending are deleted."""

_CLAIM = """
UPDATE deliveries SET due_at = NULL, is_held = 0, number = number + 1 WHERE sequence IN
    (SELECT sequence FROM deliveries WHERE due_at <= ? ORDER BY due_at LIMIT ?)
RETURNING sequence, id, endpoint, header, body, number, kind, fault
"""


class Target(NamedTuple):
    """A URL that gets deliveries, and the secret that signs them."""

    id: int
    url: str
    secret: str

    def __repr__(self) -> str:
        return f"Target({self.id}, {self.url!r})"


@dataclass(frozen=True, slots=True)
class Task:
    """An attempt to make: *number* counts from 1; *fault* is one that was asked for."""

    sequence: int
    id: str
    endpoint: int
    header: str
    body: bytes
    number: int
    kind: AttemptKind
    fault: str


class Outbox:
    """The endpoints and deliveries in a database; all times are seconds since 1970."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def register(self, url: str, secret: str) -> int:
        """Add an endpoint, or replace its secret, and return its number."""
        query = (
            "INSERT INTO endpoints (url, secret) VALUES (?, ?)"
            " ON CONFLICT (url) DO UPDATE SET secret = excluded.secret RETURNING id"
        )
        return int(self._connection.execute(query, (url, secret)).fetchone()[0])

    def remove(self, number: int) -> None:
        """Remove an endpoint; what is pending for it fails."""
        self._connection.execute("DELETE FROM endpoints WHERE id = ?", (number,))
        self._connection.execute(
            "UPDATE deliveries SET due_at = NULL,"
            " state = CASE state WHEN ? THEN ? ELSE state END WHERE endpoint = ?",
            (State.PENDING, State.FAILED, number),
        )

    def endpoints(self) -> Sequence[Target]:
        """Return the endpoints in the order of their registration."""
        rows = self._connection.execute("SELECT id, url, secret FROM endpoints ORDER BY id")
        return [Target(*row) for row in rows]

    def add(self, endpoint: Target, event: str, sample: Sample, key: str, now: float) -> int:
        """Add a delivery of *event*, due now, and return its number in the log."""
        values = (
            *(key, endpoint.id, endpoint.url, event, sample.event, sample.body, now),
            *(State.PENDING, 0, now, AttemptKind.SCHEDULED, "", 0),
        )
        marks = ", ".join("?" * len(values))
        cursor = self._connection.execute(
            f"INSERT INTO deliveries VALUES (NULL, {marks})",  # noqa: S608 - question marks.
            values,
        )
        return cursor.lastrowid or 0

    def disturb(
        self, endpoint: Target, sequence: int, faults: Faults, now: float, longest: float
    ) -> None:
        """Delay a new delivery where *faults* say so, and let through what was held for it."""
        release = "UPDATE deliveries SET is_held = 0, due_at = ? WHERE is_held AND endpoint = ?"
        fault = faults.choose(sequence, 0)
        if fault is not Fault.REORDER:
            self._connection.execute(release, (now + 0.05, endpoint.id))
        if fault is None:
            return
        due = HELD_SECONDS if fault is Fault.REORDER else faults.seconds(sequence, longest)
        postpone = "UPDATE deliveries SET due_at = ?, is_held = ?, fault = ? WHERE sequence = ?"
        is_held = fault is Fault.REORDER
        self._connection.execute(postpone, (now + due, is_held, fault, sequence))

    def force(self, sequence: int, fault: str) -> None:
        """Put *fault* on the first attempt of a new delivery."""
        query = "UPDATE deliveries SET fault = ? WHERE sequence = ?"
        self._connection.execute(query, (fault, sequence))

    def prune(self, sequence: int) -> None:
        """Delete what is older than the log is long."""
        old = "FROM deliveries WHERE sequence <= ? AND state <> ?"
        limit = (sequence - _KEPT, State.PENDING)
        self._connection.execute(
            f"DELETE FROM attempts WHERE delivery IN (SELECT id {old})",  # noqa: S608
            limit,
        )
        self._connection.execute(f"DELETE {old}", limit)

    def claim(self, now: float, most: int) -> Sequence[Task]:
        """Return at most *most* attempts that are due; no later call returns them again."""
        rows = self._connection.execute(_CLAIM, (now, most)).fetchall()
        return [
            Task(sequence, key, endpoint, header, body, number, AttemptKind(kind), fault)
            for sequence, key, endpoint, header, body, number, kind, fault in rows
        ]

    def next_due(self) -> float | None:
        """Return the time of the next attempt, or None."""
        query = "SELECT MIN(due_at) FROM deliveries WHERE due_at IS NOT NULL"
        due: float | None = self._connection.execute(query).fetchone()[0]
        return due

    def record(self, task: Task, attempt: Attempt) -> None:
        """Add an attempt to the log."""
        began_at = attempt.began_at.timestamp()
        values = (task.id, attempt.number, attempt.kind, attempt.fault, began_at, attempt.seconds)
        self._connection.execute(
            "INSERT INTO attempts VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*values, *attempt.result),
        )

    def close(self, task: Task, *, ok: bool, due_at: float | None) -> None:
        """Set what is next for a delivery after an attempt: it is *ok*, due again, or failed."""
        failed = State.PENDING if due_at else State.FAILED
        state = State.DELIVERED if ok else failed
        self._connection.execute(
            "UPDATE deliveries SET due_at = ?, kind = ?, fault = '',"
            " state = CASE state WHEN ? THEN state ELSE ? END WHERE sequence = ?",
            (due_at, AttemptKind.SCHEDULED, State.DELIVERED, state, task.sequence),
        )

    def replay(self, key: str, fault: str, now: float) -> bool:
        """Make a delivery due that is not under way; return whether that was possible."""
        cursor = self._connection.execute(
            "UPDATE deliveries SET due_at = ?, kind = ?, fault = ?,"
            " state = CASE state WHEN ? THEN ? ELSE state END"
            " WHERE id = ? AND state <> ? AND due_at IS NULL"
            " AND endpoint IN (SELECT id FROM endpoints)",
            (now, AttemptKind.REPLAY, fault, State.FAILED, State.PENDING, key, State.PENDING),
        )
        return cursor.rowcount == 1

    def recover(self, now: float) -> None:
        """Make due what was under way when the program ended."""
        self._connection.execute(
            "UPDATE deliveries SET due_at = ? WHERE state = ? AND due_at IS NULL",
            (now, State.PENDING),
        )
