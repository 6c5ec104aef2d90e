"""What would lose or repeat deliveries is refused before a receiver is built."""

from __future__ import annotations

from datetime import timedelta

import pytest

from florentin_webhooks import MemoryStore, Receiver, RQQueue
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.testing import Provider
from tests.support.shop import SECRET


def test_retention_shorter_than_the_window_is_refused() -> None:
    store = MemoryStore(retention=timedelta(minutes=20) - timedelta(milliseconds=1))
    with pytest.raises(ConfigurationError, match="Raise retention"):
        Receiver(SECRET, store=store)


def test_retention_as_long_as_the_window_is_accepted() -> None:
    Receiver(SECRET, store=MemoryStore(retention=timedelta(minutes=20)))


def test_lease_as_long_as_the_timeout_is_refused() -> None:
    store = MemoryStore(lease=timedelta(seconds=8))
    with pytest.raises(ConfigurationError, match="Raise lease, or lower timeout"):
        Receiver(SECRET, store=store)


def test_lease_longer_than_the_timeout_is_accepted() -> None:
    store = MemoryStore(lease=timedelta(seconds=8))
    Receiver(SECRET, store=store, timeout=timedelta(seconds=7.9))


def test_queue_with_a_store_without_jobs_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="MemoryStore cannot push jobs") as caught:
        Receiver(SECRET, store=MemoryStore(), queue=RQQueue())
    assert caught.value.hint == "Use a Redis store with a queue, or remove the queue."


def test_default_store_is_warned_about_once(caplog: pytest.LogCaptureFixture) -> None:
    receiver, provider = Receiver(SECRET), Provider(SECRET)
    for _ in range(3):
        receiver.receive(*provider.make("invoice.created"))
    assert caplog.text.count("No store is configured") == 1


def test_chosen_store_is_not_warned_about(caplog: pytest.LogCaptureFixture) -> None:
    Receiver(SECRET, store=MemoryStore()).receive(*Provider(SECRET).make("invoice.created"))
    assert caplog.records == []


def test_closing_a_receiver_closes_its_store() -> None:
    class Closing(MemoryStore):
        closed = 0

        def close(self) -> None:
            self.closed += 1

    store = Closing()
    Receiver(SECRET, store=store).close()
    assert store.closed == 1
