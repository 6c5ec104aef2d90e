"""The thread that closes batches whose time is over."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from queue import SimpleQueue
from time import monotonic
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from florentin_webhooks.rq.batch.closer import BatchCloser
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from florentin_webhooks.rq.batch.batch import Batch


def made(seconds: float) -> Batch:
    return cast("Batch", SimpleNamespace(closes_at=monotonic() + seconds))


@pytest.fixture
def closed() -> SimpleQueue[Any]:
    return SimpleQueue()


@pytest.fixture
def closer(closed: SimpleQueue[Any]) -> Iterator[BatchCloser]:
    before = threading.active_count()
    opened = BatchCloser(closed.put)
    yield opened
    opened.stop()
    assert threading.active_count() == before


def test_batch_that_runs_too_long_is_closed(closer: BatchCloser, closed: SimpleQueue[Any]) -> None:
    first, second = made(0), made(0.01)
    closer.watch(first)
    assert closed.get(timeout=10) is first
    closer.leave()
    closer.watch(second)
    assert closed.get(timeout=10) is second


def test_batch_that_has_ended_is_left_alone(closer: BatchCloser, closed: SimpleQueue[Any]) -> None:
    ended, late = made(0.5), made(0.6)
    closer.watch(ended)
    closer.leave()
    closer.watch(late)
    assert closed.get(timeout=10) is late
    assert closed.empty()


def test_batch_that_ends_just_as_it_closes_is_left_alone(
    closer: BatchCloser, closed: SimpleQueue[Any]
) -> None:
    class Ending:
        @property
        def closes_at(self) -> float:
            closer.leave()
            return 0

    late = made(0)
    closer.watch(cast("Batch", Ending()))
    eventually(lambda: closer._batch is None)
    closer.watch(late)
    assert closed.get(timeout=10) is late


def test_one_thread_closes_all_batches_also_after_it_was_stopped(
    closer: BatchCloser, closed: SimpleQueue[Any]
) -> None:
    before = threading.active_count()
    for stops in (False, True, False):
        batch = made(0)
        closer.watch(batch)
        assert closed.get(timeout=10) is batch
        assert threading.active_count() <= before + 1
        if stops:
            closer.stop()


def test_end_of_a_batch_waits_while_it_is_being_closed() -> None:
    def close(_: object) -> None:
        leaving.start()
        leaving.join(0.02)
        waited.put(leaving.is_alive())

    closer, waited = BatchCloser(close), SimpleQueue[bool]()
    leaving = threading.Thread(target=closer.leave)
    closer.watch(made(0))
    assert waited.get(timeout=10)
    closer.stop()
    leaving.join()
