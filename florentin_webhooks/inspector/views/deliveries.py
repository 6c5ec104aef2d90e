"""The list of deliveries: one page at a time, the newest first."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from heapq import merge
from typing import TYPE_CHECKING

from florentin_webhooks.core.search.pages import record_pages
from florentin_webhooks.core.stores.queries import (
    FindDeliveryId,
    FindFingerprints,
    GetRecord,
    ListRecords,
    Position,
    Record,
    Status,
)
from florentin_webhooks.inspector.sources import name_of
from florentin_webhooks.inspector.views.progress import (
    HandlerProgress,
    HandlerState,
    follow_handlers,
)
from florentin_webhooks.inspector.views.query import REFUSED, Query

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from florentin_webhooks.core.stores.base import Store
    from florentin_webhooks.inspector.sources import Sources
    from florentin_webhooks.inspector.trail import Arrival, Trail

__all__ = ["PAGE", "REFUSED", "ListPage", "Listing", "Query", "Row"]

PAGE = 50
"""Rows on a page."""

_MOST_SCANNED = 2000
_SHORT = 8
_PREFIX = re.compile(r"[0-9a-f]{4,32}")
_OPEN = frozenset({HandlerState.WAITING, HandlerState.RUNNING, HandlerState.NOT_RUN})
_SECONDS = 0.5
"""How long a search takes at most."""


Found = tuple[Position, "Record | Arrival | None"]
"""Something for the list and its place; None: a search has come so far and found nothing."""


@dataclass(frozen=True, slots=True)
class Row:
    """One delivery of the list, or one request that was refused.

    *path* leads to its page. *done*, *failed* and *waiting* count its handlers, *repeats* its
    duplicates, and *attempts* is the highest number of attempts of one part.
    """

    path: str
    name: str
    at: datetime | None
    receiver: str
    event: str
    state: str
    delivery_id: str = ""
    done: int = 0
    failed: int = 0
    waiting: int = 0
    duration: float | None = None
    repeats: int = 0
    attempts: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ListPage:
    """A page of the list; *following* is the URL of the next one, None on the last.

    *searched_until* is set where the search has stopped before the page was full.
    """

    rows: tuple[Row, ...]
    following: str | None = None
    searched_until: datetime | None = None


class Listing:
    """Pages of what *sources* remember and *trail* has seen."""

    def __init__(self, sources: Sources, trail: Trail) -> None:
        self._sources = sources
        self._trail = trail

    def page(self, query: Query) -> ListPage:
        """Return one page; raises :class:`Unavailable`. Reads no more than it needs to fill it."""
        if query.text and query.before is None and (found := self._look_up(query.text)):
            return ListPage(tuple(map(self._to_row, found)))
        rows: list[Row] = []
        scanned, end = 0, time.monotonic() + _SECONDS
        last: Position | None = None
        for position, item in self._newest(query):
            is_late = scanned == _MOST_SCANNED or time.monotonic() > end
            if last is not None and (len(rows) == PAGE or is_late):
                until = None if len(rows) == PAGE else last.time
                return ListPage(tuple(rows), query.url(last), until)
            scanned, last = scanned + 1, position
            if item is not None and _matches(row := self._to_row(item), query):
                rows.append(row)
        return ListPage(tuple(rows))

    def _newest(self, query: Query) -> Iterator[Found]:
        parts: list[Iterable[Found]] = []
        if query.state != REFUSED:
            parts += [_records(store, query) for store in self._sources.stores]
        if query.state in ("", REFUSED):
            parts.append(_refusals(self._trail.refused(), query))
        return merge(*parts, key=_place, reverse=True)

    def _look_up(self, text: str) -> list[Record]:
        """Return what has *text* as the beginning of its fingerprint, or as delivery id."""
        found: dict[str, Record] = {}
        for store in self._sources.stores:
            for key in self._keys(store, text):
                if record := store.execute(GetRecord(bytes.fromhex(key))):
                    found[record.fingerprint] = replace(record, body=b"")
        return list(found.values())

    def _keys(self, store: Store, text: str) -> Iterator[str]:
        if _PREFIX.fullmatch(text.lower()):
            yield from store.execute(FindFingerprints(text.lower(), PAGE))
        for hooks in self._sources.receivers:
            if hooks.store is store:
                keys = hooks.identity.delivery_id_keys(text)
                yield from store.execute(FindDeliveryId(keys))

    def _to_row(self, item: Record | Arrival) -> Row:
        return self._record_row(item) if isinstance(item, Record) else refusal_row(item)

    def _record_row(self, record: Record) -> Row:
        handlers = follow_handlers(record, self._sources.handlers(record))
        states = [handler.state for handler in handlers]
        failed = states.count(HandlerState.FAILED)
        waiting = sum(state in _OPEN for state in states)
        return Row(
            path=f"deliveries/{record.fingerprint}",
            name=record.fingerprint[:_SHORT],
            at=record.received_at,
            receiver=name_of(self._sources.owner(record)),
            event=record.event,
            state=record.status(datetime.now(UTC)).value,
            delivery_id=record.delivery_id or "",
            done=len(states) - failed - waiting,
            failed=failed,
            waiting=waiting,
            duration=_duration(record),
            repeats=self._trail.repeats(record.fingerprint),
            attempts=max([record.attempt, *record.attempts.values()]),
            reason=_reason(record, handlers),
        )


def _reason(record: Record, handlers: Sequence[HandlerProgress]) -> str:
    """Return why handlers failed or have discarded it, or why it was not accepted."""
    own = [f"{each.short_name}: {each.reason}" for each in handlers if each.reason]
    return "; ".join(own or record.reasons.values())


def refusal_row(arrival: Arrival) -> Row:
    """Return the row of a request that was refused."""
    report = arrival.report
    return Row(
        path=f"refused/{arrival.number}",
        name=f"#{arrival.number}",
        at=arrival.at,
        receiver=report.receiver,
        event=report.event or report.outcome.value,
        state=REFUSED,
        duration=report.duration,
        reason=report.reason,
    )


def _records(store: Store, query: Query) -> Iterator[Found]:
    """Yield records from the place of *query* on, and where each read has stopped."""
    status = Status(query.state) if query.state else None
    wanted = ListRecords(
        PAGE + 1, event=query.event or None, before=query.before, status=status, bodies=False
    )
    for page in record_pages(store, wanted):
        yield from ((record.position, record) for record in page.records)
        if page.following is not None:
            yield page.following, None


def _refusals(refused: Iterable[Arrival], query: Query) -> Iterator[Found]:
    for arrival in refused:
        position = Position(_microseconds(arrival.at), f"r{arrival.number:09}")
        if query.before is None or position < query.before:
            yield position, arrival


def _matches(row: Row, query: Query) -> bool:
    if query.state and row.state != query.state:
        return False
    if (query.event and row.event != query.event) or query.receiver not in ("", row.receiver):
        return False
    text = query.text.lower()
    texts = (row.event, row.name, row.delivery_id, row.reason, row.path)
    return not text or any(text in each.lower() for each in texts)


def _place(found: Found) -> Position:
    return found[0]


def _microseconds(time: datetime) -> int:
    return round(time.timestamp() * 1_000_000)


def _duration(record: Record) -> float | None:
    if record.finished_at is None or record.received_at is None:
        return None
    return max(0.0, (record.finished_at - record.received_at).total_seconds())
