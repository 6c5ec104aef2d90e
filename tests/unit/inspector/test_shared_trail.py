"""What a worker has seen appears on the page of another process."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Event
from typing import Any

import pytest

from florentin_webhooks import Receiver, RedisStore
from florentin_webhooks.core.observer import AttemptReport, DeadReport, DeliveryReport
from florentin_webhooks.core.stores.trail import ReadTrail, TrailItem
from florentin_webhooks.inspector.shared_trail import (
    TrailReader,
    decode_entry,
    encode_entry,
    share_trail,
)
from florentin_webhooks.inspector.trail import Entry, Trail
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.testing import Provider
from tests.support.inspected import SECRET

NOW = datetime.now(UTC)
REPORTS = [
    DeliveryReport("shop", "Florentin", Outcome.ACCEPTED, 0.1, "a.b", "f" * 32, "s", NOW, NOW, "r"),
    AttemptReport(
        "shop", "Florentin", "a.b", "f", "m:h", "q", 2, "failed", 0.5, "E", "m.py:1", NOW
    ),
    DeadReport("shop", "Florentin", "a.b", "f", "q", 6, "m:h: E"),
]


@pytest.mark.parametrize("report", REPORTS, ids=lambda each: type(each).__name__)
def test_entry_is_the_same_after_its_way(
    report: DeliveryReport | AttemptReport | DeadReport,
) -> None:
    entry = Entry("kind", NOW.timestamp(), report)
    assert decode_entry(encode_entry(entry)) == entry


@pytest.mark.parametrize("encoded", [b"", b"[]", b"{}", b'{"type":"X","report":{}}', b"\xff"])
def test_entry_of_another_version_is_left_out(encoded: bytes) -> None:
    assert decode_entry(encoded) is None


def test_page_reads_what_other_processes_wrote_once(redis_url: str, redis_prefix: str) -> None:
    store = RedisStore(redis_url, prefix=redis_prefix)
    worker = Receiver(SECRET, store=store)
    worker.on("user.login")(lambda _: None)
    share_trail(worker)
    trail = Trail()
    reader = TrailReader([store], trail)
    made = Provider(SECRET).make("user.login")
    worker.receive(*made)
    for _ in range(2):
        reader.refresh()
    story = trail.story(worker.verify(*made)[0].fingerprint)
    assert (len(story.arrivals), len(story.attempts)) == (1, 1)
    worker.receive(*made)
    reader.refresh()
    assert trail.repeats(worker.verify(*made)[0].fingerprint) == 1
    store.close()


def test_store_of_one_process_shares_nothing() -> None:
    hooks = Receiver(SECRET)
    share_trail(hooks)
    assert hooks.reporter.notifier is None


class SlowStore:
    """A store with one entry, which waits in its first read until the second begins."""

    supports_jobs = True

    def __init__(self) -> None:
        report = DeliveryReport("shop", "Florentin", Outcome.DUPLICATE, None, fingerprint="f" * 32)
        self.entry = encode_entry(Entry("duplicate", NOW.timestamp(), report))
        self.has_second = Event()
        self.reads = 0

    def execute(self, operation: ReadTrail) -> list[Any]:
        self.reads += 1
        if self.reads > 1:
            self.has_second.set()
        self.has_second.wait(0.2)
        return [] if operation.after else [TrailItem("1", self.entry)]


def test_pages_that_read_at_once_count_an_entry_once() -> None:
    trail = Trail()
    reader = TrailReader([SlowStore()], trail)  # type: ignore[list-item]  # only execute() is used.
    with ThreadPoolExecutor(2) as threads:
        [*threads.map(lambda _: reader.refresh(), "ab")]
    assert trail.repeats("f" * 32) == 1
