"""Lists page by page: each entry is on one page, also where entries go away meanwhile."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from florentin_webhooks.core.search.pages import dead_letters, record_pages
from florentin_webhooks.core.stores.accept import Finish
from florentin_webhooks.core.stores.base import State, Store
from florentin_webhooks.core.stores.jobs import ListPendingJobs
from florentin_webhooks.core.stores.queries import (
    FindFingerprints,
    ListDeadLetters,
    ListRecords,
    Position,
    Record,
    ResetMode,
    ResetRecord,
    Status,
)
from florentin_webhooks.protocol.fingerprint import fingerprint
from tests.conformance.stores.conftest import Make
from tests.support.operations import begin, queued
from tests.support.parts import job
from tests.support.stores import LOOKING, NOON, QUEUEING, Span, Subject, accept, content

looking = pytest.mark.parametrize("make", LOOKING, indirect=True)
queueing = pytest.mark.parametrize("make", QUEUEING, indirect=True)
SOON = timedelta(minutes=1)


@pytest.fixture
def store(make: Make) -> Subject:
    """A store that keeps everything."""
    return make(Span(history=1000))


@pytest.fixture
def short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two entries on a page where Redis itself chooses how many."""
    for name in (
        *("deliveries._MOST_READ", "deliveries._MOST_SEEN", "deliveries._MOST_EXAMINED"),
        *("pages._MOST_FINGERPRINTS", "pages._MOST_LETTERS", "sources._MOST_PLACES"),
        *("state_index._MOST_INDEXED", "state_index._MOST_OLD", "jobs._MOST_PENDING"),
    ):
        monkeypatch.setattr(f"florentin_webhooks.redis.codec.{name}", 2)


class Asked:
    """The subject as the functions of the search call it."""

    def __init__(self, subject: Subject) -> None:
        self.execute = subject.ask


def as_store(subject: Subject) -> Store:
    return cast("Store", Asked(subject))


def pages(subject: Subject, wanted: ListRecords) -> list[tuple[Record, ...]]:
    return [page.records for page in record_pages(as_store(subject), wanted)]


def found(subject: Subject, **wanted: object) -> list[str]:
    """Return the fingerprints on all pages of at most two."""
    query = ListRecords(2, **wanted)  # type: ignore[arg-type]  # as ListRecords takes them.
    return [each.fingerprint for page in pages(subject, query) for each in page]


def came(store: Subject, number: int, *, at: datetime = NOON, **given: object) -> str:
    """Accept the delivery *number*, and return its fingerprint."""
    asked = accept(content(number), under=f"id-{number}", **given)  # type: ignore[arg-type]  # as accept() takes.
    store.accept(replace(asked, delivery=replace(asked.delivery, received_at=at)))
    return fingerprint(content(number)).hex()


def waiting(store: Subject, count: int) -> list[bytes]:
    """Queue deliveries and return their keys."""
    for number in range(count):
        store.accept(queued(content(number), under=f"id-{number}"))
    return [fingerprint(content(number)) for number in range(count)]


def begun(store: Subject, number: int) -> bytes:
    key, part = fingerprint(content(number)), job(content(number), handlers=())
    store.ask(begin(part, key=key))
    return key


def ended(store: Subject, number: int, state: State, wait: float | None = None) -> str:
    """Run the job of a delivery, which ends in *state*."""
    key, part = begun(store, number), job(content(number), handlers=())
    store.finish(Finish(key, b"worker", state, wait=wait, part=part))
    return key.hex()


@looking
def test_each_delivery_is_on_one_page(store: Subject) -> None:
    same = sorted(came(store, number) for number in range(5))
    later = [came(store, number, at=NOON + timedelta(seconds=number)) for number in range(5, 8)]
    assert found(store) == [*later[::-1], *same[::-1]]
    assert found(store, until=NOON) == same[::-1]
    assert found(store, since=NOON + SOON) == []
    assert max(map(len, pages(store, ListRecords(2)))) == 2


@looking
def test_page_continues_where_its_end_has_gone(store: Subject) -> None:
    keys = sorted(came(store, number, valid=False) for number in range(5))[::-1]
    first = store.ask(ListRecords(2))
    assert [each.fingerprint for each in first.records] == keys[:2]
    store.ask(ResetRecord(bytes.fromhex(keys[1]), ResetMode.DROP))
    assert found(store, before=first.following) == keys[2:]


@looking
def test_position_of_another_list_is_a_time(store: Subject) -> None:
    first, second = came(store, 1), came(store, 2, at=NOON + SOON)
    instant = round(NOON.timestamp() * 1_000_000)
    assert found(store, before=Position(instant, "r000000001")) == [first]
    assert found(store, before=Position(instant + 1, "r000000001")) == [first]
    assert found(store, before=Position(instant + 61_000_000, "r1")) == [second, first]


@looking
def test_deliveries_are_listed_by_delivery_id(store: Subject) -> None:
    keys = [came(store, number) for number in range(5)]
    assert found(store, delivery_id="id-3") == [keys[3]]
    assert found(store, delivery_id="id-9") == []


@looking
@pytest.mark.usefixtures("short_pages")
def test_rare_deliveries_are_found_on_later_pages(store: Subject) -> None:
    keys = [came(store, number, valid=number != 2) for number in range(9)]
    assert found(store, states=(State.INVALID,)) == [keys[2]]
    assert found(store, status=Status.INVALID) == [keys[2]]
    assert found(store, event="a.c") == []
    assert store.ask(FindFingerprints(keys[2][:12])) == (keys[2],)


@queueing
@pytest.mark.usefixtures("short_pages")
def test_queued_deliveries_are_found_by_what_they_do(store: Subject) -> None:
    waiting(store, 7)
    running = begun(store, 3).hex()
    scheduled = ended(store, 4, State.QUEUED, wait=60)
    dead = ended(store, 1, State.DEAD)
    assert found(store, status=Status.RUNNING) == [running]
    assert found(store, status=Status.SCHEDULED) == [scheduled]
    assert found(store, status=Status.DEAD) == [dead]
    assert len(found(store, status=Status.QUEUED)) == 6


@queueing
@pytest.mark.usefixtures("short_pages")
def test_each_dead_letter_is_on_one_page(store: Subject) -> None:
    waiting(store, 5)
    dead = {ended(store, number, State.DEAD) for number in range(5)}
    letters = list(dead_letters(as_store(store)))
    assert sorted(each.fingerprint for each in letters) == sorted(dead)
    assert letters == sorted(letters, key=lambda each: each.died_at)
    assert len(list(dead_letters(as_store(store), 3))) == 3
    for number in range(4):  # Those before the last one, with all that leads to them.
        if (key := fingerprint(content(number))).hex() != letters[-1].fingerprint:
            store.ask(ResetRecord(key, ResetMode.DROP, (job(content(number)),)))
    assert letters[-1] in store.ask(ListDeadLetters(after=letters[1]))


@queueing
@pytest.mark.usefixtures("short_pages")
def test_each_pending_job_is_on_one_page(store: Subject) -> None:
    waiting(store, 7)
    dead = {ended(store, number, State.DEAD) for number in (2, 3)}
    wanted, ids = ListPendingJobs("q", datetime.now(UTC) + SOON), list[str]()
    while True:
        page = store.ask(wanted)
        ids += page.ids
        if page.following is None:
            break
        wanted = replace(wanted, after=page.following)
    assert len(ids) == len(set(ids)) == 5
    assert not {each[:32] for each in ids} & dead
