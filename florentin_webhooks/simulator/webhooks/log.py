"""The delivery log as people and programs read it."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from io import StringIO
from typing import TYPE_CHECKING

from florentin_webhooks.core.times import to_iso
from florentin_webhooks.simulator.webhooks.entries import (
    Attempt,
    AttemptKind,
    Delivery,
    Result,
    State,
)

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping

__all__ = ["COLUMNS", "DeliveryLog", "to_csv", "to_json"]

COLUMNS = (
    *("id", "event", "endpoint", "state", "attempts", "last_status"),
    *("created_at", "last_attempt_at"),
)
"""The columns of the log as CSV, and the keys of each delivery in JSON."""

_DELIVERY = "sequence, id, event, url, state, created_at, due_at, body"


class DeliveryLog:
    """The deliveries in a database, the newest first."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def page(self, size: int, *, before: int | None = None, state: str = "") -> list[Delivery]:
        """Return at most *size* deliveries that are older than number *before*."""
        conditions = ["sequence < ?"] * (before is not None) + ["state = ?"] * bool(state)
        where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
        given = [each for each in (before, state) if each not in (None, "")]
        query = f"SELECT {_DELIVERY} FROM deliveries {where} ORDER BY sequence DESC LIMIT ?"  # noqa: S608
        rows = self._connection.execute(query, (*given, size)).fetchall()
        return [self._delivery(row) for row in rows]

    def find(self, key: str) -> Delivery | None:
        """Return the delivery with an id, or None."""
        query = f"SELECT {_DELIVERY} FROM deliveries WHERE id = ?"  # noqa: S608 - a constant.
        row = self._connection.execute(query, (key,)).fetchone()
        return self._delivery(row) if row else None

    def counts(self) -> dict[State, int]:
        """Return the number of deliveries in each state."""
        query = "SELECT state, COUNT(*) FROM deliveries GROUP BY state"
        found = dict(self._connection.execute(query).fetchall())
        return {state: found.get(state, 0) for state in State}

    def version(self) -> tuple[int, int, int]:
        """Return numbers that differ once there is something new."""
        query = (
            "SELECT (SELECT COALESCE(MAX(sequence), 0) FROM deliveries),"
            " (SELECT COALESCE(MAX(sequence), 0) FROM attempts),"
            " (SELECT COUNT(*) FROM deliveries WHERE state = ?)"
        )
        first, second, third = self._connection.execute(query, (State.PENDING,)).fetchone()
        return first, second, third

    def _delivery(
        self, row: tuple[int, str, str, str, str, float, float | None, bytes]
    ) -> Delivery:
        sequence, key, event, url, state, created_at, due_at, body = row
        due = None if due_at is None else _time(due_at)
        return Delivery(
            *(sequence, key, event, url, State(state), _time(created_at), due),
            tuple(self._attempts(key)),
            body,
        )

    def _attempts(self, key: str) -> Iterator[Attempt]:
        query = (
            "SELECT number, kind, fault, began_at, seconds, status, outcome, problem"
            " FROM attempts WHERE delivery = ? ORDER BY sequence"
        )
        for number, kind, fault, began_at, seconds, *result in self._connection.execute(
            query, (key,)
        ):
            yield Attempt(
                number, AttemptKind(kind), fault, _time(began_at), seconds, Result(*result)
            )


def to_csv(deliveries: list[Delivery]) -> str:
    """Return the log as CSV, one delivery in a line."""
    stream = StringIO()
    writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(map(_summary, deliveries))
    return stream.getvalue()


def to_json(deliveries: list[Delivery]) -> str:
    """Return the log as JSON: a list of deliveries with their attempts."""
    return json.dumps([{**_summary(each), "log": _log(each)} for each in deliveries], indent=1)


def _summary(delivery: Delivery) -> Mapping[str, object]:
    last = delivery.last
    known = {each.number for each in delivery.attempts if each.kind is not AttemptKind.COPY}
    values = (
        *(delivery.id, delivery.event, delivery.url, delivery.state.value, len(known)),
        *(last.result.status if last else None, to_iso(delivery.created_at)),
        to_iso(last.began_at) if last else None,
    )
    return dict(zip(COLUMNS, values, strict=True))


def _log(delivery: Delivery) -> list[Mapping[str, object]]:
    return [
        {
            "number": each.number,
            "kind": each.kind.value,
            "fault": each.fault or None,
            "at": to_iso(each.began_at),
            "seconds": round(each.seconds, 3),
            "status": each.result.status,
            "problem": each.result.problem or None,
        }
        for each in delivery.attempts
    ]


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
