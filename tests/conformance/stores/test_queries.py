"""The records of every store that keeps them for operators."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from florentin_webhooks.core.stores.accept import AcceptDecision
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.queries import (
    FindFingerprints,
    GetRecord,
    ListDeadLetters,
    ListRecords,
    Record,
    ResetMode,
    ResetRecord,
)
from florentin_webhooks.protocol.fingerprint import fingerprint
from tests.conformance.stores.conftest import Make
from tests.support.operations import done, found, listed
from tests.support.stores import (
    LOOKING,
    NOON,
    Span,
    Subject,
    accept,
    claimed,
    content,
    finish,
)

BODY = content()
KEY = fingerprint(BODY)
pytestmark = pytest.mark.parametrize("make", LOOKING, indirect=True)


@pytest.fixture
def store(make: Make) -> Subject:
    """A store that keeps everything."""
    return make(Span(history=1000))


def test_unknown_record_is_not_found(store: Subject) -> None:
    assert store.ask(GetRecord(KEY)) is None
    assert store.ask(ListRecords()) == ()


def test_restamped_retry_has_no_own_record(store: Subject) -> None:
    restamped = content(stamped="12:00:30")
    done(store, 1)
    assert store.accept(accept(restamped)).decision in {
        AcceptDecision.DUPLICATE,
        AcceptDecision.RUN,
    }
    record = store.ask(GetRecord(fingerprint(restamped)))
    assert record is None or record.state


@pytest.mark.parametrize("history", [0, 1, 1000])
def test_newest_completed_records_are_kept_in_full(make: Make, history: int) -> None:
    store = make(Span(history=history))
    keys = [done(store, number) for number in range(5)]
    full = [key for key in keys if store.body(key)]
    assert full == keys[max(0, 5 - history) :]
    assert listed(store) == [key.hex() for key in sorted(full, reverse=True)]
    for key in keys:
        record = found(store, key)
        assert record.state is State.DONE
        assert bool(record.handlers) == (key in full)


@pytest.mark.parametrize("history", [0, 1])
def test_delivery_beyond_the_history_is_a_duplicate(make: Make, history: int) -> None:
    store = make(Span(history=history))
    for number in range(3):
        done(store, number)
    for number in range(3):
        again = accept(content(number), token=b"again", under=f"id-{number}")
        assert store.accept(again).decision is AcceptDecision.DUPLICATE


def test_failed_records_are_kept_beyond_the_history(make: Make) -> None:
    store = make(Span(history=1))
    claimed(store, BODY)
    store.finish(finish(BODY, State.FAILED))
    for number in range(10, 20):
        done(store, number)
    assert found(store, KEY).body == BODY
    assert listed(store, state=State.FAILED) == [KEY.hex()]


def test_running_or_unknown_delivery_is_not_reopened(store: Subject) -> None:
    assert store.ask(ResetRecord(KEY, ResetMode.ALL)) is None
    claimed(store, BODY)
    assert store.ask(ResetRecord(KEY, ResetMode.ALL)) is State.RUNNING
    assert store.finish(finish(BODY)) is State.DONE


def test_failed_record_has_finished_handlers_and_reasons(store: Subject) -> None:
    claimed(store, BODY)
    store.finish(finish(BODY, State.RUNNING, handler="m:bill"))
    store.finish(replace(finish(BODY, State.FAILED), reason="m:mail: KeyError"))
    assert found(store, KEY) == Record(
        KEY.hex(),
        State.FAILED,
        event="a.b",
        delivery_id="id-1",
        received_at=NOON,
        secret="secret-1",
        attempt=1,
        handlers={"m:bill": "done"},
        reasons={"": "m:mail: KeyError"},
        body=BODY,
    )


def test_completed_record_has_its_end_time(store: Subject) -> None:
    key = done(store, 1)
    record = found(store, key)
    assert record.finished_at is not None
    assert record.finished_at.utcoffset() == timedelta(0)


def test_inline_deliveries_are_listed_by_state_event_and_time(store: Subject) -> None:
    first = done(store, 1).hex()
    claimed(store, content(2), under="id-2")
    second = fingerprint(content(2)).hex()
    assert sorted(listed(store)) == sorted([first, second])
    assert listed(store, state=State.DONE) == [first]
    assert listed(store, state=State.RUNNING, event="a.b") == [second]
    assert listed(store, state=State.FAILED) == []
    assert len(listed(store, event="a.b", limit=1)) == 1
    assert listed(store, event="a.c") == []
    assert len(listed(store, since=NOON, until=NOON)) == 2
    later = timedelta(milliseconds=1)
    assert listed(store, since=NOON + later) == listed(store, until=NOON - later) == []


def test_newest_deliveries_are_listed_first(store: Subject) -> None:
    bodies = [content(number) for number in range(4)]
    for number, body in enumerate(bodies):
        asked = accept(body, under=f"id-{number}")
        came = replace(asked.delivery, received_at=NOON + timedelta(seconds=number))
        store.accept(replace(asked, delivery=came))
    store.finish(finish(bodies[0]))
    assert listed(store) == [fingerprint(body).hex() for body in reversed(bodies)]


def test_bodies_are_listed_on_request(store: Subject) -> None:
    claimed(store, BODY)
    assert [record.body for record in store.ask(ListRecords())] == [BODY]
    assert [record.body for record in store.ask(ListRecords(bodies=False))] == [b""]


def test_fingerprint_is_found_by_its_prefix(store: Subject) -> None:
    keys = [done(store, number).hex() for number in range(20)]
    for digits in (0, 1, 2, 8, 32):
        prefix = keys[0][:digits]
        some = store.ask(FindFingerprints(prefix, limit=100))
        assert sorted(some) == sorted(key for key in keys if key.startswith(prefix))
    assert len(store.ask(FindFingerprints("", limit=3))) == 3


@pytest.mark.parametrize("prefix", ["zz", "0" * 33, "%", "\x00"])
def test_other_prefix_finds_no_fingerprint(store: Subject, prefix: str) -> None:
    done(store, 1)
    assert store.ask(FindFingerprints(prefix)) == ()


def test_failed_inline_delivery_is_not_dead(store: Subject) -> None:
    claimed(store, BODY)
    store.finish(finish(BODY, State.FAILED))
    assert store.ask(ListDeadLetters()) == ()


@pytest.mark.parametrize("state", [State.DONE, State.FAILED])
def test_reopened_inline_delivery_runs_all_handlers(store: Subject, state: State) -> None:
    claimed(store, BODY)
    store.finish(finish(BODY, State.RUNNING, handler="m:bill"))
    store.finish(finish(BODY, state))
    assert store.ask(ResetRecord(KEY, ResetMode.ALL)) is state
    assert found(store, KEY).state is State.FAILED
    assert claimed(store, BODY, token=b"again").done == set()


def test_dropped_failed_delivery_is_done(store: Subject) -> None:
    claimed(store, BODY)
    store.finish(finish(BODY, State.FAILED))
    assert store.ask(ResetRecord(KEY, ResetMode.DROP)) is State.FAILED
    assert store.body(KEY) is None
    assert listed(store) == []
    assert store.accept(accept(BODY, token=b"again")).decision is AcceptDecision.DUPLICATE


def test_stale_or_invalid_delivery_can_be_reopened(store: Subject) -> None:
    store.accept(accept(BODY, fresh=False))
    store.accept(accept(content(2), under="id-2", valid=False))
    assert listed(store, state=State.STALE) == [KEY.hex()]
    assert store.ask(ResetRecord(KEY, ResetMode.ALL)) is State.STALE
    assert store.accept(accept(BODY, token=b"late", fresh=False)).decision is AcceptDecision.RUN
