"""``once`` in workers: safe with two of them, and kept after failures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

import pytest

from florentin_webhooks import Delivery, MemoryStore, Receiver
from florentin_webhooks.core.job import process_job
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.core.stores.jobs import ClaimJob
from florentin_webhooks.events import Event
from tests.support.vectors import SECRET, T0, delivery
from tests.support.workshop import Workshop, open_workshop

Handler = Callable[[Event, Delivery], None]


@pytest.fixture
def shop(redis_url: str, redis_prefix: str) -> Iterator[Workshop]:
    with open_workshop(redis_url, redis_prefix) as opened:
        yield opened


def test_once_block_runs_once_in_a_retried_handler(shop: Workshop) -> None:
    failing = [ValueError(), ValueError(), None]

    @shop.handles("bill")
    def bill(_event: Event, delivery: Delivery) -> None:
        with delivery.once("mail") as first:
            shop.ran.append(f"mail {first}")
        if error := failing.pop(0):
            raise error

    shop.accept()
    shop.work_it_off()
    assert shop.ran == ["mail True", "mail False", "mail False"]


def test_once_block_that_failed_runs_again(shop: Workshop) -> None:
    failing = [ValueError(), None]

    @shop.handles("bill")
    def bill(_event: Event, delivery: Delivery) -> None:
        with delivery.once("mail") as first:
            shop.ran.append(f"mail {first}")
            if error := failing.pop(0):
                raise error

    shop.accept()
    shop.work_it_off()
    assert shop.ran == ["mail True", "mail True"]


def test_each_label_is_guarded_for_the_whole_delivery(shop: Workshop) -> None:
    def guarded(*labels: str) -> Handler:
        def handler(_event: Event, delivery: Delivery) -> None:
            for label in labels:
                with delivery.once(label) as first:
                    shop.ran.append(f"{label} {first}")

        return handler

    shop.handles("check", inline=True)(guarded("mail"))
    shop.handles("bill")(guarded("mail", "sms"))
    shop.accept()
    shop.work()
    assert shop.ran == ["mail True", "mail False", "sms True"]


def test_second_worker_of_a_once_block_comes_later(
    shop: Workshop,
) -> None:
    other = f"{shop.queue}-other"

    def guarded(_event: Event, delivery: Delivery) -> None:
        with delivery.once("mail") as first:
            shop.ran.append(f"mail {first}")
            shop.inside.set()
            assert shop.outside.wait(60)

    shop.handles("bill")(guarded)

    @shop.handles("mail", queue=other)
    def mail(event: Event, delivery: Delivery) -> None:
        guarded(event, delivery)

    fingerprint = shop.accept()

    def run(queue: str) -> float | None:
        ended = process_job(
            shop.hooks, shop.store, fingerprint, queue, last=False, since=monotonic()
        )
        return ended.seconds

    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(run, shop.queue)
        assert shop.inside.wait(60)
        seconds = run(other)
        shop.outside.set()
        assert running.result() is None
    assert seconds is not None
    assert seconds > 60
    assert run(other) is None
    assert shop.ran == ["mail True", "mail False"]


def test_once_block_of_an_expired_lease_does_not_run(shop: Workshop) -> None:
    part: list[object] = []

    @shop.handles("bill")
    def bill(_event: Event, delivery: Delivery) -> None:
        if not part:
            part.append("late")
            lapse(shop, fingerprint)
            shop.work_it_off()  # Another worker takes the delivery over and ends it.
        with delivery.once("mail") as first:
            shop.ran.append(f"mail {first}")

    fingerprint = shop.accept()
    ended = process_job(
        shop.hooks, shop.store, fingerprint, shop.queue, last=False, since=monotonic()
    )
    assert shop.ran == ["mail True", "mail False"]
    assert ended.failures == ()
    assert shop.record(fingerprint).state is State.DONE


def test_once_block_of_a_lost_lease_comes_later(shop: Workshop) -> None:
    @shop.handles("bill")
    def bill(_event: Event, delivery: Delivery) -> None:
        lapse(shop, fingerprint)
        taken, _ = shop.hooks.dispatcher.build_job(fingerprint, shop.queue)
        shop.store.execute(
            ClaimJob(bytes.fromhex(fingerprint), b"another", taken, 60, shop.key_ids)
        )
        with delivery.once("mail") as first:
            shop.ran.append(f"mail {first}")

    fingerprint = shop.accept()
    ended = process_job(
        shop.hooks, shop.store, fingerprint, shop.queue, last=True, since=monotonic()
    )
    assert shop.ran == []
    assert ended.seconds is not None
    assert shop.record(fingerprint).state is State.QUEUED


def lapse(shop: Workshop, fingerprint: str) -> None:
    """Expire the lease of a delivery's part."""
    key = f"{shop.prefix}d".encode() + bytes.fromhex(fingerprint)
    assert shop.client.hset(key, f"u:{shop.queue}", 1) == 0


def test_idempotency_key_is_the_same_in_every_attempt(shop: Workshop) -> None:
    failing = [ValueError(), None]

    @shop.handles("bill")
    def bill(_event: Event, delivery: Delivery) -> None:
        shop.ran += [delivery.idempotency_key("charge"), delivery.idempotency_key("mail")]
        if error := failing.pop(0):
            raise error

    shop.accept()
    shop.work_it_off()
    charge, mail, *again = shop.ran
    assert again == [charge, mail]
    assert charge != mail


def test_once_works_in_inline_handlers_of_the_memory_store() -> None:
    ran: list[bool] = []
    failing = [ValueError(), None]
    hooks = Receiver(SECRET, store=MemoryStore(), clock=lambda: T0)

    @hooks.on(Event)
    def bill(_event: Event, delivery: Delivery) -> None:
        with delivery.once("mail") as first:
            ran.append(first)
        if error := failing.pop(0):
            raise error

    request = delivery()
    assert hooks.receive(request.headers, request.body).outcome == "handler-failed"
    assert hooks.receive(request.headers, request.body).outcome == "processed"
    assert ran == [True, False]


def test_lost_lease_leaves_the_job_in_place(shop: Workshop) -> None:
    @shop.handles("bill")
    def bill(_event: Event) -> None:
        lapse(shop, fingerprint)
        taken, _ = shop.hooks.dispatcher.build_job(fingerprint, shop.queue)
        shop.store.execute(
            ClaimJob(bytes.fromhex(fingerprint), b"another", taken, 60, shop.key_ids)
        )

    fingerprint = shop.accept()
    ended = process_job(
        shop.hooks, shop.store, fingerprint, shop.queue, last=True, since=monotonic()
    )
    assert (ended.seconds, ended.failures) == (15, ())  # RQ would delete a job that has succeeded.
    assert shop.record(fingerprint).state is State.QUEUED
