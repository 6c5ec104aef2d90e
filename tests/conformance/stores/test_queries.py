"""The records of every store that keeps them for operators."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from florentin_webhooks import Discard
from florentin_webhooks.core.log import discard_reason
from florentin_webhooks.core.stores.accept import AcceptDecision, Finish, HandlerOutcome
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.guards import GuardDecision, GuardStep, Once
from florentin_webhooks.core.stores.queries import (
    FindDeliveryId,
    FindFingerprints,
    GetRecord,
    ListDeadLetters,
    ListRecords,
    Record,
    ResetMode,
    ResetRecord,
    Status,
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
NOW = partial(datetime.now, UTC)
pytestmark = pytest.mark.parametrize("make", LOOKING, indirect=True)


@pytest.fixture
def store(make: Make) -> Subject:
    """A store that keeps everything."""
    return make(Span(history=1000))


def test_unknown_record_is_not_found(store: Subject) -> None:
    assert store.ask(GetRecord(KEY)) is None
    assert store.ask(ListRecords()).records == ()


def test_restamped_retry_leads_to_the_first_record(store: Subject) -> None:
    restamped = content(stamped="12:00:30")
    first = done(store, 1)
    assert store.accept(accept(restamped)).decision is AcceptDecision.DUPLICATE
    assert found(store, fingerprint(restamped)).fingerprint == first.hex()


def test_deliveries_are_found_by_delivery_id(store: Subject) -> None:
    keys = {done(store, 1).hex(), done(store, 2).hex()}
    same_id = content(3)
    store.accept(accept(same_id, under="id-2"))
    ids = [(fingerprint(each.encode()),) for each in ("id-1", "id-2", "id-3")]
    answers = [store.ask(FindDeliveryId(each)) for each in ids]
    one, two, none = map(set, answers)
    assert one | two == keys | {fingerprint(same_id).hex()}
    assert (len(one), len(two), none) == (1, 2, set())


@pytest.mark.parametrize("text", ["a test: no customer", "no file \0 \udcff", "x" * 2000])
def test_reason_of_a_discard_is_kept(store: Subject, text: str) -> None:
    claimed(store, BODY)
    outcome, note = HandlerOutcome.DISCARDED, discard_reason(Discard(text))
    assert note[:8] == text[:8]
    assert len(note) <= 1000
    store.finish(Finish(KEY, b"first", State.DONE, "m:bill", outcome, note=note))
    record = found(store, KEY)
    assert (record.handlers, record.notes) == ({"m:bill": "discarded"}, {"m:bill": note})


@pytest.mark.parametrize("fresh", [True, False], ids=["invalid", "stale"])
def test_reason_is_kept_until_the_delivery_runs(store: Subject, *, fresh: bool) -> None:
    refused = accept(BODY, fresh=fresh, valid=not fresh)
    store.accept(replace(refused, reason="data.amount is missing"))
    assert found(store, KEY).reasons == {"": "data.amount is missing"}
    store.ask(ResetRecord(KEY, ResetMode.ALL))
    claimed(store, BODY, token=b"again")
    store.finish(finish(BODY, token=b"again"))
    assert found(store, KEY).reasons == {}


def test_postponed_delivery_is_scheduled_until_it_runs(store: Subject) -> None:
    claimed(store, BODY)
    assert found(store, KEY).status(NOW()) is Status.RUNNING
    store.finish(Finish(KEY, b"first", State.FAILED, reason="m:bill: RetryLater", wait=90))
    record = found(store, KEY)
    assert record.status(NOW()) is Status.SCHEDULED
    assert record.status(NOW() + timedelta(seconds=91)) is Status.FAILED
    claimed(store, BODY, token=b"again")
    record = found(store, KEY)
    assert (record.status(NOW()), record.next_attempts) == (Status.RUNNING, {})
    assert record.status(NOW() + timedelta(days=1)) is Status.FAILED  # Its lease has expired.


@pytest.mark.parametrize("history", [0, 1, 1000])
def test_newest_completed_records_are_kept_in_full(make: Make, history: int) -> None:
    store = make(Span(history=history))
    keys = [done(store, number) for number in range(5)]
    full = [key for key in keys if store.body(key)]
    newest = keys[max(0, 5 - history) :]
    assert full == newest if store.lanes == 1 else {*full} >= {*newest}
    assert len(full) <= history * store.lanes
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


def test_delivery_that_has_ended_twice_counts_once_in_the_history(make: Make) -> None:
    store = make(Span(history=2))
    first = done(store, 1)
    store.ask(ResetRecord(first, ResetMode.ALL))
    assert done(store, 1) == first
    second = done(store, 2)
    assert {found(store, key).body for key in (first, second)} == {content(1), content(2)}


def test_failed_records_are_kept_beyond_the_history(make: Make) -> None:
    store = make(Span(history=1))
    claimed(store, BODY)
    store.finish(finish(BODY, State.FAILED))
    for number in range(10, 20):
        done(store, number)
    assert found(store, KEY).body == BODY
    assert listed(store, states=(State.FAILED,)) == [KEY.hex()]


def test_finished_delivery_without_a_history_is_not_listed(make: Make) -> None:
    store = make(Span(history=0))
    done(store, 1)
    assert listed(store) == []


def test_reopened_record_is_kept_beyond_the_history(make: Make) -> None:
    store = make(Span(history=1))
    reopened = done(store, 1)
    store.ask(ResetRecord(reopened, ResetMode.ALL))
    done(store, 2)
    done(store, 3)
    assert found(store, reopened).body == content(1)


def test_running_or_unknown_delivery_is_not_reopened(store: Subject) -> None:
    assert store.ask(ResetRecord(KEY, ResetMode.ALL)) is None
    claimed(store, BODY)
    assert store.ask(ResetRecord(KEY, ResetMode.ALL)) is None
    assert store.finish(finish(BODY)) is State.DONE


@pytest.mark.parametrize("mode", ResetMode)
def test_delivery_whose_process_has_died_can_be_reset(make: Make, mode: ResetMode) -> None:
    store = make(Span(lease=60))
    claimed(store, BODY)
    store.passes(61)
    assert store.ask(ResetRecord(KEY, mode)) is State.RUNNING
    expected = State.DONE if mode is ResetMode.DROP else State.LOST
    assert store.finish(finish(BODY, handler="m:bill")) is expected
    decision = store.accept(accept(BODY, token=b"second")).decision
    assert decision is AcceptDecision("duplicate" if mode is ResetMode.DROP else "run")


def test_delivery_that_has_changed_meanwhile_is_not_reset(store: Subject) -> None:
    claimed(store, BODY)
    store.finish(finish(BODY, State.FAILED))
    assert store.ask(ResetRecord(KEY, ResetMode.ALL, seen=State.DONE)) is None
    assert store.ask(ResetRecord(KEY, ResetMode.DROP, seen=State.FAILED)) is State.FAILED
    assert store.ask(ResetRecord(KEY, ResetMode.DROP, seen=State.FAILED)) is None


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
    assert listed(store, states=(State.DONE,)) == [first]
    assert listed(store, states=(State.RUNNING,), event="a.b") == [second]
    assert listed(store, states=(State.FAILED,)) == []
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
    assert [record.body for record in store.ask(ListRecords()).records] == [BODY]
    assert [record.body for record in store.ask(ListRecords(bodies=False)).records] == [b""]


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


def test_late_owner_and_duplicate_change_no_record(make: Make) -> None:
    store = make(Span(lease=60, history=9))
    claimed(store, BODY)
    store.passes(60)
    claimed(store, BODY, token=b"second")
    running = found(store, KEY)
    assert store.finish(finish(BODY, State.FAILED, handler="m:mail")) is State.LOST
    assert found(store, KEY) == running
    store.finish(finish(BODY, token=b"second"))
    ended = found(store, KEY)
    assert store.accept(accept(BODY, token=b"third")).decision is AcceptDecision.DUPLICATE
    store.finish(finish(BODY, State.FAILED, handler="m:mail"))
    assert found(store, KEY) == ended


def charge_once(store: Subject, token: bytes = b"first") -> GuardDecision:
    """Run a guarded block of the delivery, and return whether it ran."""
    begun = store.ask(Once(KEY, "charge", token, GuardStep.BEGIN, 60))
    store.ask(Once(KEY, "charge", token, GuardStep.DONE, 60))
    return begun.decision


@pytest.mark.parametrize("state", [State.DONE, State.FAILED])
def test_reopened_inline_delivery_runs_all_handlers(store: Subject, state: State) -> None:
    claimed(store, BODY)
    charge_once(store)
    store.finish(finish(BODY, State.RUNNING, handler="m:bill"))
    store.finish(finish(BODY, state))
    assert store.ask(ResetRecord(KEY, ResetMode.ALL)) is state
    assert found(store, KEY).state is State.FAILED
    assert claimed(store, BODY, token=b"again").done == set()
    assert charge_once(store, b"again") is GuardDecision.RUN


def test_reopened_delivery_is_known_by_its_restamped_retry(store: Subject) -> None:
    later = content(stamped="12:00:30")
    claimed(store, BODY)
    store.finish(finish(BODY))
    assert store.accept(accept(later, token=b"other")).decision is AcceptDecision.DUPLICATE
    store.ask(ResetRecord(KEY, ResetMode.ALL))
    assert claimed(store, later, token=b"again", under="id-2").key == KEY


def test_chosen_handler_alone_runs_again(store: Subject) -> None:
    claimed(store, BODY)
    charge_once(store)
    store.finish(finish(BODY, State.RUNNING, handler="m:bill"))
    store.finish(finish(BODY, State.RUNNING, handler="m:mail"))
    store.finish(finish(BODY, State.DONE))
    assert store.ask(ResetRecord(KEY, ResetMode.ALL, handlers=("m:mail",))) is State.DONE
    assert found(store, KEY).handlers.keys() == {"m:bill"}
    assert claimed(store, BODY, token=b"again").done == {"m:bill"}
    assert charge_once(store, b"again") is GuardDecision.DONE
    store.finish(finish(BODY, token=b"again", handler="m:mail"))
    assert found(store, KEY).handlers.keys() == {"m:bill", "m:mail"}


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
    assert listed(store, states=(State.STALE,)) == [KEY.hex()]
    assert store.ask(ResetRecord(KEY, ResetMode.ALL)) is State.STALE
    assert store.accept(accept(BODY, token=b"late", fresh=False)).decision is AcceptDecision.RUN
