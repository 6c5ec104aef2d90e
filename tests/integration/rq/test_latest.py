"""``latest`` in workers: safe under two of them, and not forgotten by failures."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

import pytest

from florentin_webhooks import Discard, RetryLater
from florentin_webhooks.core.job import JobResult, process_job
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.events import InvoiceCreated
from tests.support.vectors import CANONICAL, Request, delivery
from tests.support.workshop import Workshop, open_workshop


@pytest.fixture
def shop(redis_url: str, redis_prefix: str) -> Iterator[Workshop]:
    with open_workshop(redis_url, redis_prefix) as opened:
        yield opened


def invoice(number: str, seconds: int, *, of: str = "inv_1") -> Request:
    """An event of its own about the invoice *of*, *seconds* after the others."""
    body = CANONICAL.replace(b"12:00:00", b"12:00:%02d" % seconds)
    body = body.replace(b"F-0001", number.encode()).replace(b"inv_1", of.encode())
    return delivery(body, delivery_id=f"id-{number}")


def by_invoice(event: InvoiceCreated) -> str:
    return event.data.invoice.id


def numbers(shop: Workshop, *errors: BaseException | None, **options: object) -> None:
    """Register a handler that notes which invoice it saw."""
    left = list(errors)

    @shop.handles("bill", InvoiceCreated, **{"latest": by_invoice, **options})
    def bill(event: InvoiceCreated) -> None:
        shop.ran.append(event.data.invoice.number)
        if left and (error := left.pop(0)):
            raise error


def endings(shop: Workshop, fingerprint: str) -> list[str]:
    return [*shop.record(fingerprint).handlers.values()]


@pytest.mark.answers("EVT-14")
def test_event_older_than_the_newest_handled_is_superseded(shop: Workshop) -> None:
    numbers(shop)
    newer, older = shop.accept(invoice("new", 30)), shop.accept(invoice("old", 10))
    shop.work()
    assert shop.ran == ["new"]
    assert (endings(shop, newer), endings(shop, older)) == (["done"], ["superseded"])
    assert shop.record(older).state is State.DONE


def test_events_with_equal_or_newer_times_run(shop: Workshop) -> None:
    numbers(shop)
    for number, seconds in [("a", 10), ("b", 10), ("c", 11)]:
        shop.accept(invoice(number, seconds))
    shop.work()
    assert shop.ran == ["a", "b", "c"]


def test_each_entity_has_its_own_newest_event(shop: Workshop) -> None:
    numbers(shop)
    shop.accept(invoice("new", 30, of="inv_1"))
    shop.accept(invoice("old", 10, of="inv_2"))
    shop.work()
    assert shop.ran == ["new", "old"]


def test_event_without_an_entity_always_runs(shop: Workshop) -> None:
    numbers(shop, latest=lambda _event: None)
    shop.accept(invoice("new", 30))
    shop.accept(invoice("old", 10))
    shop.work()
    assert shop.ran == ["new", "old"]


@pytest.mark.parametrize(
    ("error", "ran"),
    [
        (ValueError(), ["new", "old"]),
        (RetryLater(60), ["new", "old"]),
        (Discard(), ["new"]),
    ],
)
def test_only_a_handled_event_supersedes(
    shop: Workshop, error: BaseException, ran: list[str]
) -> None:
    numbers(shop, error)
    shop.accept(invoice("new", 30))
    shop.work()
    shop.accept(invoice("old", 10))
    shop.work()
    assert shop.ran == ran


def test_error_in_latest_fails_the_handler(shop: Workshop) -> None:
    numbers(shop, latest=lambda event: event.data.nothing)
    fingerprint = shop.accept(invoice("new", 30))
    shop.work()
    assert shop.ran == []
    assert shop.record(fingerprint).reasons == {shop.queue: f"{shop.named('bill')}: AttributeError"}


def in_two_workers(shop: Workshop, first: str, second: str) -> tuple[JobResult, JobResult]:
    """Run two parts at once: the second while the handler of the first waits in ``inside``."""

    def run(fingerprint: str) -> JobResult:
        return process_job(
            shop.hooks, shop.store, fingerprint, shop.queue, last=False, since=monotonic()
        )

    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(run, first)
        assert shop.inside.wait(60)
        try:
            other = run(second)
        finally:
            shop.outside.set()
        return running.result(), other


def test_two_workers_handle_an_entity_one_at_a_time(shop: Workshop) -> None:
    @shop.handles("bill", InvoiceCreated, latest=by_invoice)
    def bill(event: InvoiceCreated) -> None:
        shop.ran.append(event.data.invoice.number)
        shop.inside.set()
        assert shop.outside.wait(60)

    old, new = shop.accept(invoice("old", 10)), shop.accept(invoice("new", 30))
    ended, put_off = in_two_workers(shop, old, new)
    assert shop.ran == ["old"]
    assert ended.seconds is None
    assert put_off.seconds is not None
    assert 60 < put_off.seconds <= 70  # The rest of the other's lease, at most.
    shop.work_it_off()
    assert shop.ran == ["old", "new"]
