"""Pages of several lists become one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from florentin_webhooks.core.search.pages import merge_pages
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.queries import Record, RecordPage

START = datetime(2026, 6, 6, 12, tzinfo=UTC)


def record(second: int) -> Record:
    return Record(f"{second:032x}", State.DONE, received_at=START + timedelta(seconds=second))


def page(*seconds: int, stopped: int | None = None) -> RecordPage:
    """Return a page of records, the newest first, that has stopped at one of a *stopped* second."""
    following = None if stopped is None else record(stopped).position
    return RecordPage(tuple(map(record, seconds)), following)


@pytest.mark.parametrize(
    ("pages", "merged"),
    [
        ([], page()),
        ([page(9, 5), page(7)], page(9, 7, 5)),
        ([page(9, 5, stopped=5), page(7, 3)], page(9, 7, 5, stopped=5)),
        ([page(9, stopped=6), page(7, 3, stopped=2)], page(9, 7, stopped=6)),
        ([page(stopped=6), page(3)], page(stopped=6)),
        ([page(9, 8, 7), page(6, 5)], page(9, 8, 7, stopped=7)),
        ([page(9, 8, stopped=1), page(7, stopped=4)], page(9, 8, 7, stopped=4)),
    ],
)
def test_merged_page_ends_where_one_has_stopped(
    pages: list[RecordPage], merged: RecordPage
) -> None:
    assert merge_pages(pages, 3) == merged
