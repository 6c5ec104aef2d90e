"""Questions of operators and tests to the store for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.queries import ResetMode

if TYPE_CHECKING:
    from florentin_webhooks.core.stores.queries import (
        FindDeliveryId,
        FindFingerprints,
        GetRecord,
        ListRecords,
        Record,
        ResetRecord,
    )
    from florentin_webhooks.testing.store.entries import Entry
    from florentin_webhooks.testing.store.memory import Memory

__all__ = [
    "find_delivery_id",
    "find_fingerprints",
    "get_record",
    "list_records",
    "reset_record",
]


def get_record(memory: Memory, query: GetRecord) -> Record | None:
    """Return the record with a key, or None."""
    entry = memory.find(query.key)
    return entry.to_record() if entry else None


def list_records(memory: Memory, query: ListRecords) -> tuple[Record, ...]:
    """Return the newest records that match."""
    newest = sorted(memory.entries.values(), key=_received, reverse=True)
    matching = (each for each in newest if _matches(each, query))
    records = [each.to_record(body=query.bodies) for each in matching]
    return tuple(records[: query.limit])


def _received(entry: Entry) -> float:
    return entry.delivery.received_at.timestamp()


def _matches(entry: Entry, query: ListRecords) -> bool:
    delivery = entry.delivery
    return (
        (not query.states or entry.state in query.states)
        and query.event in (None, delivery.event)
        and (query.since is None or delivery.received_at >= query.since)
        and (query.until is None or delivery.received_at <= query.until)
    )


def find_fingerprints(memory: Memory, query: FindFingerprints) -> tuple[str, ...]:
    """Return fingerprints that begin with a prefix."""
    found = (key.hex() for key in memory.entries if key.hex().startswith(query.prefix))
    return tuple(found)[: query.limit]


def find_delivery_id(memory: Memory, query: FindDeliveryId) -> tuple[str, ...]:
    """Return the fingerprints of what came under a delivery id."""
    found = [key for each in query.keys for key in memory.find_delivery_id(each)]
    return tuple(key.hex() for key in dict.fromkeys(found))


def reset_record(memory: Memory, query: ResetRecord) -> State | None:
    """Make a finished delivery runnable again, or drop it."""
    entry = memory.find(query.key)
    if entry is None:
        return None
    before = entry.state
    if query.mode is ResetMode.DROP:
        entry.parts.clear()
        entry.complete(memory.clock())
        return before
    entry.endings.clear()
    entry.notes.clear()
    entry.parts.clear()
    entry.state, entry.finished_at, entry.attempt = State.FAILED, None, 0
    return before
