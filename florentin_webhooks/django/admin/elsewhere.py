"""Deliveries that are stored elsewhere, such as in Redis, as rows for the admin's list."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from florentin_webhooks.core.stores.queries import ListRecords
from florentin_webhooks.core.times import format_age
from florentin_webhooks.errors import Unavailable

if TYPE_CHECKING:
    from florentin_webhooks.core.receiver import Receiver
    from florentin_webhooks.core.stores.queries import Record

__all__ = ["recent_rows"]

_MOST = 100
_SHORT = 12


def recent_rows(hooks: Receiver[object] | None) -> list[tuple[str, ...]]:
    """Return the newest deliveries of *hooks*; none where its store does not answer."""
    if hooks is None:
        return []
    try:
        records = hooks.store.execute(ListRecords(_MOST, bodies=False)).records
    except Unavailable:
        return []
    return [_to_row(record) for record in records]


def _to_row(record: Record) -> tuple[str, ...]:
    return (
        record.fingerprint[:_SHORT],
        record.status(datetime.now(UTC)).value,
        record.event,
        str(max([record.attempt, *record.attempts.values()])),
        "; ".join([*record.reasons.values(), *record.notes.values()]) or "-",
        f"{format_age(record.received_at)} ago",
        record.delivery_id or "-",
    )
