"""Pages of the list: filters, search, and a cursor that shows each delivery once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from florentin_webhooks import Receiver
from florentin_webhooks.core.stores.base import Operation, State
from florentin_webhooks.core.stores.memory import MemoryStore
from florentin_webhooks.core.stores.queries import (
    FindDeliveryId,
    FindFingerprints,
    GetRecord,
    ListRecords,
    Position,
    Record,
    RecordPage,
)
from florentin_webhooks.inspector.sources import Sources
from florentin_webhooks.inspector.trail import Trail
from florentin_webhooks.inspector.views.deliveries import PAGE, Listing, ListPage
from florentin_webhooks.inspector.views.query import Query
from tests.support.inspected import SECRET

START = datetime(2026, 6, 6, 12, tzinfo=UTC)


def record(number: int, **fields: object) -> Record:
    """Return the record *number*; three come in each microsecond."""
    received = START + timedelta(microseconds=number // 3)
    given: dict[str, object] = {"event": "a.b", "received_at": received, **fields}
    return Record(f"{number:032x}", State.DONE, **given)  # type: ignore[arg-type]  # of Record.


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no search end because this machine is busy."""
    monkeypatch.setattr("florentin_webhooks.inspector.views.deliveries._SECONDS", 100)


class Records(MemoryStore):
    """A store of *records*, which keeps the operations that it was asked."""

    def __init__(self, records: list[Record]) -> None:
        super().__init__()
        self._found = sorted(records, key=lambda each: (each.received_at, each.fingerprint))
        self.asked: list[ListRecords] = []

    def execute(self, operation: Operation[Any]) -> Any:
        if isinstance(operation, ListRecords):
            self.asked.append(operation)
            return self._list(operation)
        if isinstance(operation, FindFingerprints):
            names = [each.fingerprint for each in self._found]
            return tuple(name for name in names if name.startswith(operation.prefix))[:50]
        if isinstance(operation, FindDeliveryId):
            return ()
        assert isinstance(operation, GetRecord)
        return next(each for each in self._found if each.fingerprint == operation.key.hex())

    def _list(self, wanted: ListRecords) -> RecordPage:
        states, before = wanted.wanted_states, wanted.before
        matching = [
            each
            for each in reversed(self._found)
            if (not states or each.state in states)
            and wanted.event in (None, each.event)
            and (before is None or each.position < before)
        ]
        page = tuple(matching[: wanted.limit])
        return RecordPage(page, page[-1].position if len(matching) > len(page) else None)


def pages(store: Records, **filters: str) -> list[ListPage]:
    """Return all pages from the first on."""
    listing = Listing(Sources([Receiver(SECRET, store=store)]), Trail())
    found = [listing.page(Query.of(filters))]
    while following := found[-1].following:
        pairs = (pair.split("=") for pair in following.removeprefix("?").split("&"))
        found.append(listing.page(Query.of(dict(pairs))))
    return found


def names(store: Records, **filters: str) -> list[str]:
    return [row.path.rpartition("/")[2] for page in pages(store, **filters) for row in page.rows]


@pytest.mark.parametrize("count", [0, 1, PAGE - 1, PAGE, PAGE + 1, 3 * PAGE + 2])
def test_pages_show_each_delivery_once_in_order(count: int) -> None:
    store = Records([record(number) for number in range(count)])
    assert names(store) == [f"{number:032x}" for number in reversed(range(count))]


def test_many_deliveries_of_one_moment_are_shown_once() -> None:
    store = Records([record(number, received_at=START) for number in range(5 * PAGE)])
    assert names(store) == [f"{number:032x}" for number in reversed(range(5 * PAGE))]


def test_one_page_is_read_however_many_there_are() -> None:
    store = Records([record(number) for number in range(100 * PAGE)])
    listing = Listing(Sources([Receiver(SECRET, store=store)]), Trail())
    page = listing.page(Query())
    assert len(page.rows) == PAGE
    assert [asked.limit for asked in store.asked] == [PAGE + 1]
    assert not store.asked[0].bodies


def test_filters_are_those_of_the_url() -> None:
    store = Records(
        [record(1), record(2, event="c.d"), record(3, reasons={"": "m:mail: KeyError"})]
    )
    assert names(store, event="c.d") == [f"{2:032x}"]
    assert names(store, q="keyerror") == [f"{3:032x}"]
    assert names(store, q="mail", event="c.d") == []
    assert names(store, state="dead") == []
    assert names(store, state="no-state", event="") == [f"{n:032x}" for n in (3, 2, 1)]


def test_receiver_is_a_filter() -> None:
    store = Records([record(1)])
    assert names(store, receiver="another") == []


def test_fingerprint_is_found_by_its_beginning() -> None:
    far = Record("abcd" + "0" * 28, State.DONE, event="a.b", received_at=START)
    store = Records([far, *(record(number) for number in range(10 * PAGE))])
    assert names(store, q="ABCD") == [far.fingerprint]


def test_search_stops_and_continues_where_it_stopped() -> None:
    old = record(0, reasons={"": "needle"})
    store = Records([old, *(record(number) for number in range(1, 2500))])
    first, second = pages(store, q="needle")
    assert first.rows == ()
    assert first.searched_until is not None
    assert [row.reason for row in second.rows] == ["needle"]


@pytest.mark.parametrize("before", ["", "x", "-", "9" * 30, "1e9-x", "²-a"])
def test_invalid_cursor_shows_the_first_page(before: str) -> None:
    assert Query.of({"before": before}).before is None


def test_search_that_finds_nothing_yet_stops_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("florentin_webhooks.inspector.views.deliveries._SECONDS", 0)
    store = Records([record(number) for number in range(9)])
    stops = [Position.of(START + timedelta(seconds=second), "f" * 32) for second in (3, 2, 1)]

    def answer(wanted: ListRecords) -> RecordPage:
        further = [each for each in stops if wanted.before is None or each < wanted.before]
        return RecordPage((), further[0] if further else None)

    monkeypatch.setattr(store, "_list", answer)
    found = pages(store, state="failed")
    times = [START + timedelta(seconds=second) for second in (3, 2)]
    assert [page.searched_until for page in found] == [*times, None]
