"""Encode lists of deliveries as script calls, page by page, and decode their answers.

A script holds the server until its end. So none looks at more than some hundred records: what finds
fewer than it was asked for says where it stopped. For a state that few deliveries have, only these
are looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from florentin_webhooks.core.stores.queries import Position, RecordPage, Status
from florentin_webhooks.redis.codec.records import to_milliseconds, to_record
from florentin_webhooks.redis.codec.sources import (
    Bounds,
    Sources,
    choose_sources,
    find_places,
)
from florentin_webhooks.redis.codec.state_index import KINDS, READ_RECORDS, split
from florentin_webhooks.redis.codec.steps import Steps, begin
from florentin_webhooks.redis.schema import INDEXES, KeySchema, ScriptCall, Words, load_script

if TYPE_CHECKING:
    from florentin_webhooks.core.stores.queries import ListRecords

__all__ = ["list_fingerprints", "list_records", "to_score"]

_MOST_READ = 150
"""The most records that one call returns, in 2 ms of the server's time."""
_MOST_SEEN, _MOST_EXAMINED = 600, 300
"""The most records that one call with a filter looks at: by known fields, or by any of a kind."""
_FIELDS = {Status.RUNNING: "u:", Status.SCHEDULED: "w:"}
"""The beginning of a field without which a record cannot have the status."""

_LIST_FINGERPRINTS = load_script("list_fingerprints", helpers="pages")


class _Page(NamedTuple):
    """The fingerprints of a page, and the place of the last one; None where the list ends."""

    keys: Sequence[bytes]
    following: Position | None


def list_records(schema: KeySchema, operation: ListRecords) -> ScriptCall:
    """Encode :class:`ListRecords`: a call that finds fingerprints leads to one that reads."""
    return begin(_list_records(schema, operation))


def _list_records(schema: KeySchema, operation: ListRecords) -> Steps[RecordPage]:
    bounds, sources = _bounds(operation), choose_sources(operation)
    found = None
    if sources is not None:
        found = yield from find_places(schema, sources, bounds)
    if found is None:
        page, sources = (yield from _read_log(schema, operation, bounds)), None
    else:
        keys = [place.key for place in found.places]
        last = found.places[-1] if found.has_more else None
        page = _Page(keys, Position(last.arrival * 1000, last.key.hex()) if last else None)
    if not page.keys:
        return RecordPage(())
    records: RecordPage = yield _read_records(schema, operation, page, sources)
    return records


def list_fingerprints(schema: KeySchema, bounds: Bounds, limit: int) -> ScriptCall:
    """Encode a page of the log; read as fingerprints, joined, and the arrival of the last one.

    The arrival is None at the end of the log.
    """
    return ScriptCall(_LIST_FINGERPRINTS, (schema.log,), (*bounds, limit), _to_fingerprints)


def _to_fingerprints(answer: tuple[bytes, bytes]) -> tuple[bytes, int | None]:
    joined, arrival = answer
    return joined, int(arrival) if arrival else None


def to_score(time: datetime | None, unbounded: str) -> str | int:
    """Return a bound of a sorted set by time."""
    return unbounded if time is None else to_milliseconds(time)


def _read_log(schema: KeySchema, operation: ListRecords, bounds: Bounds) -> Steps[_Page]:
    joined, arrival = yield list_fingerprints(schema, bounds, _most_seen(operation))
    keys = split(joined)
    return _Page(keys, None if arrival is None else Position(arrival * 1000, keys[-1].hex()))


def _most_seen(operation: ListRecords) -> int:
    """Return how many records one call may look at, which holds the server for about 2 ms."""
    if operation.status in _FIELDS:
        return _MOST_EXAMINED
    is_filtered = operation.wanted_states or operation.event or operation.delivery_id
    return _MOST_SEEN if is_filtered else min(operation.limit, _MOST_READ)


def _bounds(operation: ListRecords) -> Bounds:
    until, earliest = to_score(operation.until, "+inf"), to_score(operation.since, "-inf")
    before = operation.before
    if before is None:
        return Bounds(until, earliest, b"")
    arrival = before.microseconds // 1000
    if isinstance(until, int) and until < arrival:
        return Bounds(until, earliest, b"")
    return Bounds(arrival, earliest, _to_key(before.fingerprint))


def _to_key(fingerprint: str) -> bytes:
    """Return the bytes of a fingerprint in hex; none for other texts, such as in a URL."""
    try:
        return bytes.fromhex(fingerprint)
    except ValueError:
        return b""


def _read_records(
    schema: KeySchema, operation: ListRecords, page: _Page, sources: Sources | None
) -> ScriptCall:
    states = operation.wanted_states
    indexes = sources.indexes if sources else ()
    arguments: Words = (
        min(operation.limit, _MOST_READ),
        f" {' '.join(states)} " if states else "",
        operation.event or "",
        operation.delivery_id or "",
        _FIELDS.get(operation.status, "") if operation.status else "",
        int(operation.bodies),
        *(KINDS[INDEXES.index(name)] for name in indexes),
    )
    keys = (*map(schema.record, page.keys), *map(schema.index, indexes))
    return ScriptCall(READ_RECORDS, keys, arguments, partial(_to_page, page))


def _to_page(page: _Page, answer: Sequence[Any]) -> RecordPage:  # Any: what a RESP parser returns.
    seen: int = answer[0]
    found: Sequence[tuple[int, Sequence[bytes]]] = answer[2:]
    records = tuple(to_record(page.keys[number - 1], words) for number, words in found)
    following = page.following
    if seen < len(page.keys):  # It stopped at the last one that matches.
        following = records[-1].position
    return RecordPage(records, following)
