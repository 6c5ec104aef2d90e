"""Questions of operators and tests to the store for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.queries import RecordPage, ResetMode

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


def list_records(memory: Memory, query: ListRecords) -> RecordPage:
    """Return the newest records that match."""
    matching = (each for each in memory.entries.values() if _matches(each, query))
    records = [each.to_record(body=query.bodies) for each in matching]
    before = query.before
    newest = sorted(
        (each for each in records if before is None or each.position < before),
        key=_position,
        reverse=True,
    )
    rest = newest[query.limit :]
    page = tuple(newest[: query.limit])
    return RecordPage(page, page[-1].position if rest else None)


def _position(record: Record) -> tuple[int, str]:
    return record.position


def _matches(entry: Entry, query: ListRecords) -> bool:
    delivery = entry.delivery
    return (
        (not query.wanted_states or entry.state in query.wanted_states)
        and query.event in (None, delivery.event)
        and query.delivery_id in (None, delivery.delivery_id)
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
    if entry is None or query.seen not in (None, entry.state):
        return None
    if entry.state is State.RUNNING and entry.lease.left(memory.clock()):
        return None
    before = entry.state
    entry.lease.release()
    if query.mode is ResetMode.DROP:
        entry.parts.clear()
        entry.complete(memory.clock())
        return before
    for name in query.handlers or tuple(entry.endings):
        entry.endings.pop(name, None)
        entry.notes.pop(name, None)
    entry.parts.clear()
    entry.state, entry.finished_at, entry.attempt = State.FAILED, None, 0
    return before
