"""What MemoryStore costs to remember finished deliveries: memory, and time of the collector."""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime

from benchmarks.deliveries import distinct
from benchmarks.measure import Row, against, paired
from florentin_webhooks import MemoryStore
from florentin_webhooks.core.stores.accept import Accept, Finish
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.protocol.delivery import Delivery
from florentin_webhooks.protocol.fingerprint import RetryKey, fingerprint

__all__ = ["rows"]

TOKEN = b"token-16"
NOW = datetime.now(UTC)


def rows(*, quick: bool) -> Iterator[Row]:
    """Fill a store, count its bytes, and collect garbage with and without it."""
    many = 10_000 if quick else 100_000
    gc.collect()
    before = paired({"collect": gc.collect}, 5, time.thread_time)["collect"]
    store = MemoryStore(capacity=many)
    tracemalloc.start()
    empty = tracemalloc.get_traced_memory()[0]
    _fill(store, many)
    used = tracemalloc.get_traced_memory()[0] - empty
    tracemalloc.stop()
    yield Row(f"MemoryStore, bytes for each of {many:,}", "counted", [used / many], "<= 420")
    gc.collect()
    after = paired({"collect": gc.collect}, 5, time.thread_time)["collect"]
    what = f"full garbage collection with {many:,} remembered"
    yield Row(what, "without", against(after, before), "<= 1.5")
    assert len(store) == many


def _fill(store: MemoryStore, number: int) -> None:
    """Accept and finish *number* deliveries, each with an id of its own."""
    (made,) = distinct(1)
    for each in range(number):
        key = fingerprint(b"%d" % each)
        trace = RetryKey(fingerprint(b"id %d" % each), fingerprint(b"content %d" % each))
        delivery = Delivery(key.hex(), "invoice.created", NOW, "id", "secret-1", NOW, made.body)
        store.execute(Accept(key, trace, TOKEN, delivery, fresh=True, valid=True))
        assert store.execute(Finish(key, TOKEN, State.DONE, "shop:bill")) is State.DONE
