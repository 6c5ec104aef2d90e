"""What the store in memory has to itself: its capacity, and what it lets go of."""

from datetime import timedelta

import pytest

from florentin_webhooks import MemoryStore
from florentin_webhooks.core.stores.accept import AcceptDecision
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.errors import ConfigurationError, Unavailable
from tests.support.stores import accept, content, finish


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(clock: Clock) -> MemoryStore:
    """A store for three deliveries."""
    return MemoryStore(capacity=3, retention=timedelta(seconds=100), clock=clock)


def fill(store: MemoryStore) -> None:
    for number in range(3):
        store.execute(accept(content(number), under=None))
        store.execute(finish(content(number)))


def test_full_store_is_unavailable(store: MemoryStore) -> None:
    fill(store)
    for fresh in (True, False):
        with pytest.raises(Unavailable, match="Raise its capacity or use RedisStore"):
            store.execute(accept(content(3), fresh=fresh))


def test_full_store_keeps_all_deliveries(store: MemoryStore) -> None:
    fill(store)
    with pytest.raises(Unavailable):
        store.execute(accept(content(3)))
    known = [store.execute(accept(content(n), token=b"other")).decision for n in range(3)]
    assert known == [AcceptDecision.DUPLICATE] * 3


def test_full_store_serves_known_deliveries(store: MemoryStore) -> None:
    fill(store)
    store.execute(accept(content(0)))
    assert store.execute(finish(content(0))) is State.DONE


def test_full_store_refuses_a_retry_with_a_new_timestamp(store: MemoryStore) -> None:
    store.execute(accept(content(9)))
    fill_two = [accept(content(number), under=None) for number in range(2)]
    for each in fill_two:
        store.execute(each)
    with pytest.raises(Unavailable):
        store.execute(accept(content(9, stamped="12:00:30"), token=b"other"))


def test_store_has_capacity_again_after_the_retention(store: MemoryStore, clock: Clock) -> None:
    fill(store)
    clock.now = 100
    assert store.execute(accept(content(3))).decision is AcceptDecision.RUN
    assert len(store) == 1


def test_duplicate_extends_the_retention(store: MemoryStore, clock: Clock) -> None:
    store.execute(accept(content(0)))
    clock.now = 99
    store.execute(finish(content(0)))
    clock.now = 198
    again = store.execute(accept(content(0), token=b"other"))
    assert again.decision is AcceptDecision.DUPLICATE
    clock.now = 199
    assert store.execute(accept(content(0), token=b"third")).decision is AcceptDecision.RUN


def test_stale_delivery_replayed_often_takes_one_entry(store: MemoryStore, clock: Clock) -> None:
    for _ in range(1000):
        clock.now += 0.01
        store.execute(accept(content(0), fresh=False))
    assert (len(store), len(store._open)) == (1, 1)


def test_expired_delivery_leaves_nothing_behind(store: MemoryStore, clock: Clock) -> None:
    store.execute(accept(content(0)))
    store.execute(accept(content(0, stamped="12:00:30"), token=b"other"))
    store.execute(accept(content(1)))
    clock.now = 100
    store.execute(finish(content(2)))
    kept = store
    assert (len(store), kept._open, kept._aliases, kept._sent.packed) == (0, {}, {}, {})


def test_expired_delivery_keeps_other_contents_of_its_id(store: MemoryStore, clock: Clock) -> None:
    store.execute(accept(content(0)))
    clock.now = 50
    store.execute(accept(content(1)))
    clock.now = 120
    later = store.execute(accept(content(1, stamped="12:00:30"), token=b"other"))
    assert later.decision is AcceptDecision.RUN  # Its lease of 60 seconds has ended.
    assert later.key == accept(content(1)).key


def test_younger_delivery_outlives_an_older_one(store: MemoryStore, clock: Clock) -> None:
    store.execute(accept(content(0), under=None))
    clock.now = 50
    store.execute(accept(content(1), under=None))
    clock.now = 110
    attempts = [
        store.execute(accept(content(n), token=b"other", under=None)).attempt for n in (0, 1)
    ]
    assert attempts == [1, 2]


def test_failed_delivery_is_kept_from_its_failure_on(store: MemoryStore, clock: Clock) -> None:
    store.execute(accept(content(0)))
    clock.now = 50
    store.execute(finish(content(0), State.FAILED))
    clock.now = 149
    assert store.execute(accept(content(0), token=b"other")).attempt == 2


def test_retry_during_a_run_leaves_nothing_behind(store: MemoryStore, clock: Clock) -> None:
    later = accept(content(0, stamped="12:00:30"), token=b"other")
    store.execute(accept(content(0)))
    assert store.execute(later).decision is AcceptDecision.IN_PROGRESS
    store.execute(finish(content(0)))
    clock.now = 100
    assert store.execute(later).decision is AcceptDecision.RUN
    assert (len(store), store._aliases) == (1, {})


def test_repr_shows_no_body(store: MemoryStore) -> None:
    store.execute(accept(b"confidential"))
    assert "confidential" not in repr(store)


@pytest.mark.parametrize("capacity", [0, -1])
def test_capacity_below_one_is_refused(capacity: int) -> None:
    with pytest.raises(ConfigurationError, match="capacity"):
        MemoryStore(capacity=capacity)
