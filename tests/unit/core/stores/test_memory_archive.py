"""Finished deliveries in memory: small, unseen by the collector, and forgotten in time."""

from __future__ import annotations

import gc
import tracemalloc
from datetime import timedelta

from florentin_webhooks import MemoryStore
from florentin_webhooks.core.stores.accept import Accept, AcceptDecision, Finish
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.memory_archive import FinishedDeliveries, SentContents
from florentin_webhooks.protocol.fingerprint import RetryKey, fingerprint
from tests.support.stores import accept, content, finish

MANY = 20_000
KEYS = [bytes([number]) * 16 for number in range(8)]
TRACE = RetryKey(b"d" * 16, b"c" * 16)


def remember(store: MemoryStore, first: int, number: int) -> None:
    """Accept and finish *number* deliveries, each with an id of its own."""
    like = accept(content(0)).delivery
    for each in range(first, first + number):
        key = fingerprint(b"%d" % each)
        trace = RetryKey(fingerprint(b"id %d" % each), fingerprint(b"content %d" % each))
        store.execute(Accept(key, trace, b"token", like, fresh=True, valid=True))
        assert store.execute(Finish(key, b"token", State.DONE, "shop:bill")) is State.DONE


def test_finished_delivery_takes_at_most_420_bytes() -> None:
    store = MemoryStore()
    remember(store, 0, 10)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        remember(store, 10, MANY)
        assert (tracemalloc.get_traced_memory()[0] - before) / MANY <= 420
    finally:
        tracemalloc.stop()


def test_collector_tracks_no_finished_delivery() -> None:
    store = MemoryStore()
    remember(store, 0, 10)
    gc.collect()
    before = len(gc.get_objects())
    remember(store, 10, 1_000)
    gc.collect()
    assert len(gc.get_objects()) - before < 20


def test_collector_visits_no_list_of_finished_deliveries() -> None:
    finished = FinishedDeliveries()
    for number in range(1_000):
        finished.add(fingerprint(b"%d" % number), TRACE, (), number)
    gc.collect()
    tracked = [part for part in vars(finished).values() if gc.is_tracked(part)]
    assert sum(len(gc.get_referents(part)) for part in tracked) < 20


def test_expired_deliveries_leave_nothing_behind() -> None:
    finished = FinishedDeliveries()
    for number, key in enumerate(KEYS):
        finished.add(key, TRACE, (), number)
    assert list(finished.drop_expired(3)) == [(TRACE, 1)] * 4
    assert finished.next_expiry() == 4
    assert list(finished.drop_expired(9)) == [(TRACE, 1)] * 4
    assert (finished.packed, finished.next_expiry()) == ({}, None)


def test_alias_extends_a_finished_delivery() -> None:
    finished = FinishedDeliveries()
    finished.add(KEYS[0], None, (KEYS[1],), 10)
    finished.add(KEYS[2], TRACE, (), 15)
    finished.add_alias(KEYS[0], KEYS[3], 20)
    finished.add_alias(KEYS[0], KEYS[4], 30)
    assert finished.next_expiry() == 15
    assert list(finished.drop_expired(29)) == [(TRACE, 1)]
    assert {finished.first_key(each) for each in (KEYS[0], KEYS[1], KEYS[3], KEYS[4])} == {KEYS[0]}
    assert list(finished.drop_expired(30)) == [(None, 4)]
    assert (finished.packed, finished.first_keys) == ({}, {})


def test_contents_of_one_id_are_removed_one_by_one() -> None:
    sent, other = SentContents(), RetryKey(TRACE.delivery_id, b"e" * 16)
    sent.add(TRACE, KEYS[0])
    sent.add(other, KEYS[1])
    assert sent.first_keys(TRACE.delivery_id) == {TRACE.content: KEYS[0], other.content: KEYS[1]}
    sent.remove(TRACE)
    assert sent.first_keys(TRACE.delivery_id) == {other.content: KEYS[1]}
    sent.remove(other)
    assert sent.packed == {}


def test_restamped_retry_extends_the_retention_of_a_finished_delivery() -> None:
    now = [0.0]
    store = MemoryStore(retention=timedelta(seconds=100), clock=lambda: now[0])
    store.execute(accept(content(0)))
    store.execute(finish(content(0)))
    for moment, stamp in ((90, "12:00:30"), (180, "12:01:00")):
        now[0] = moment
        again = store.execute(accept(content(0, stamped=stamp), token=b"other"))
        assert again.decision is AcceptDecision.DUPLICATE
    assert len(store) == 3
    now[0] = 280
    assert store.execute(accept(content(0), token=b"other")).decision is AcceptDecision.RUN
