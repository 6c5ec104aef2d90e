"""Pages of what a store remembers, one after the other.

A store answers each page quickly, so that deliveries that arrive meanwhile need not wait.
"""

from __future__ import annotations

from dataclasses import replace
from heapq import merge
from itertools import islice
from typing import TYPE_CHECKING

from florentin_webhooks.core.stores.queries import (
    DeadLetter,
    ListDeadLetters,
    ListRecords,
    Record,
    RecordPage,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from florentin_webhooks.core.stores.base import Store

__all__ = ["dead_letters", "merge_pages", "record_pages"]


def record_pages(store: Store, wanted: ListRecords) -> Iterator[RecordPage]:
    """Yield all pages that *wanted* begins, also empty ones; raises :class:`Unavailable`."""
    while True:
        page = store.execute(wanted)
        yield page
        if page.following is None:
            return
        wanted = replace(wanted, before=page.following)


def merge_pages(pages: Sequence[RecordPage], limit: int) -> RecordPage:
    """Return one page of several that were asked the same, such as those of parts of a store.

    It ends where one of *pages* has stopped, since others may lie before that.
    """
    stopped = max((page.following for page in pages if page.following), default=None)
    newest = merge(*(page.records for page in pages), key=_position, reverse=True)
    known = [each for each in newest if stopped is None or each.position >= stopped]
    records = tuple(islice(known, limit))
    return RecordPage(records, records[-1].position if len(known) > limit else stopped)


def dead_letters(store: Store, limit: int | None = None) -> Iterator[DeadLetter]:
    """Yield at most *limit* dead letters, the oldest first; raises :class:`Unavailable`."""
    return islice(_dead_letters(store), limit)


def _dead_letters(store: Store) -> Iterator[DeadLetter]:
    wanted = ListDeadLetters()
    while page := store.execute(wanted):
        yield from page
        wanted = replace(wanted, after=page[-1])


def _position(record: Record) -> tuple[int, str]:
    return record.position
