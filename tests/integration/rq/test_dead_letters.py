"""Dead letters: kept, revived and requeued; jobs that cannot run are not lost."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest

from florentin_webhooks import Delivery, RetryLater
from florentin_webhooks.core.replay import drop
from florentin_webhooks.core.stores.base import State
from florentin_webhooks.events import Event
from florentin_webhooks.rq.sweeper import requeue_lost
from tests.support.vectors import CANONICAL, delivery, envelope
from tests.support.workshop import Workshop, open_workshop, stamped


@pytest.fixture
def shop(redis_url: str, redis_prefix: str) -> Iterator[Workshop]:
    with open_workshop(redis_url, redis_prefix) as opened:
        yield opened


@pytest.mark.answers("EVT-11")
def test_delivery_is_dead_with_its_body_after_its_last_retry(shop: Workshop) -> None:
    shop.does("bill", *[ValueError()] * 3)
    fingerprint = shop.accept()
    assert shop.life(fingerprint) == float("inf")
    shop.work_it_off()
    assert shop.ran == ["bill"] * 3
    record = shop.record(fingerprint)
    assert record.state is State.DEAD
    assert record.body == delivery().body
    assert record.reasons == {shop.queue: f"{shop.named('bill')}: ValueError"}
    assert 29.9 * 86400 < shop.life(fingerprint) <= 30 * 86400


@pytest.mark.parametrize("again", [0, 7], ids=["the same bytes", "new timestamp"])
def test_duplicate_revives_a_dead_delivery_with_all_retries(shop: Workshop, again: int) -> None:
    shop.does("bill")
    shop.does("mail", *[ValueError()] * 5)
    fingerprint = shop.accept()
    shop.work_it_off()
    assert shop.accept(stamped(again) if again else None) == fingerprint
    assert shop.record(fingerprint).state is State.QUEUED
    assert shop.life(fingerprint) == float("inf")
    shop.work_it_off()
    assert shop.ran == ["bill", *["mail"] * 6]
    assert shop.record(fingerprint).state is State.DONE


def test_stale_duplicate_revives_a_dead_delivery(shop: Workshop) -> None:
    shop.does("bill", *[ValueError()] * 3)
    fingerprint = shop.accept()
    shop.work_it_off()
    shop.clock.forward(days=3)
    assert shop.accept() == fingerprint
    shop.work()
    assert shop.record(fingerprint).state is State.DONE


def test_part_of_one_queue_dies_while_the_other_runs(shop: Workshop) -> None:
    other = f"{shop.queue}-other"
    shop.does("bill", *[ValueError()] * 3)
    shop.does("mail", ValueError(), queue=other)
    fingerprint = shop.accept()
    assert (shop.listed(), shop.listed(other)) == (
        [shop.job_id(fingerprint)],
        [shop.job_id(fingerprint, other)],
    )
    shop.work_it_off()
    assert shop.record(fingerprint).state is State.DEAD
    assert shop.life(fingerprint) == float("inf")  # The other part may have to wait for weeks.
    shop.work(other)
    assert shop.record(fingerprint).state is State.DEAD
    shop.work_it_off(other)
    assert shop.record(fingerprint).state is State.DEAD
    assert shop.life(fingerprint) < float("inf")
    assert shop.accept(stamped(3)) == fingerprint
    assert shop.listed(other) == []
    shop.work_it_off()
    assert shop.ran == ["bill"] * 3 + ["mail"] * 2 + ["bill"]
    assert shop.record(fingerprint).state is State.DONE


def test_retry_later_in_the_last_attempt_is_not_dead(shop: Workshop) -> None:
    shop.does("bill", ValueError(), ValueError(), RetryLater(1))
    fingerprint = shop.accept()
    shop.work_it_off()
    assert shop.ran == ["bill"] * 4
    assert shop.record(fingerprint).state is State.DONE


@pytest.mark.answers("RQ-14")
def test_removed_handler_keeps_the_delivery_unfinished(
    shop: Workshop, caplog: pytest.LogCaptureFixture
) -> None:
    shop.does("bill")
    shop.does("mail")
    fingerprint = shop.accept()
    router = shop.hooks.router
    handlers, router.handlers = router.handlers, router.handlers[:1]
    shop.work_it_off()
    assert shop.ran == ["bill"]
    assert shop.record(fingerprint).state is State.DEAD
    assert f"{shop.named('mail')} attempt=1: The handler is missing here" in caplog.text
    router.handlers = handlers
    assert shop.accept() == fingerprint
    shop.work()
    assert shop.ran == ["bill", "mail"]
    assert shop.record(fingerprint).state is State.DONE


def test_handler_added_after_accept_does_not_run(shop: Workshop) -> None:
    shop.does("bill")
    fingerprint = shop.accept()
    shop.hooks.router.frozen_because = None
    shop.does("late")
    shop.work()
    assert shop.ran == ["bill"]
    assert shop.record(fingerprint).state is State.DONE


def test_renamed_queue_is_processed_under_its_old_name(
    shop: Workshop,
) -> None:
    shop.does("bill")
    fingerprint = shop.accept()
    old, shop.hooks.queue.name = shop.queue, "renamed"  # type: ignore[union-attr, misc]  # a deploy.
    shop.work(old)
    assert shop.ran == ["bill"]
    assert shop.record(fingerprint).state is State.DONE


def test_job_pushed_by_hand_runs_nothing_again(shop: Workshop) -> None:
    shop.does("bill")
    fingerprint = shop.accept()
    shop.client.rpush(shop.rq().key, shop.job_id(fingerprint))
    shop.work_it_off()
    shop.hooks.queue.build("x:y", fingerprint, shop.queue)  # type: ignore[union-attr]  # it has one.
    assert shop.ran == ["bill"]
    assert shop.record(fingerprint).state is State.DONE


def test_job_requeued_by_rq_runs_its_unfinished_handlers(shop: Workshop) -> None:
    shop.does("bill")
    shop.does("mail", *[ValueError()] * 3)
    fingerprint = shop.accept()
    shop.work_it_off()
    shop.rq().failed_job_registry.requeue(shop.job_id(fingerprint))
    shop.work_it_off()
    assert shop.ran == ["bill", *["mail"] * 4]
    assert shop.record(fingerprint).state is State.DONE
    assert not shop.client.exists(f"{shop.prefix}dead")


@pytest.mark.answers("RQ-03")
def test_body_changed_in_redis_is_not_run(shop: Workshop, caplog: pytest.LogCaptureFixture) -> None:
    shop.does("bill")
    fingerprint = shop.accept()
    forged = envelope({"user": {"id": "usr_1"}})
    shop.client.hset(f"{shop.prefix}d".encode() + bytes.fromhex(fingerprint), "b", forged)
    shop.work_it_off()
    assert shop.ran == []
    assert shop.record(fingerprint).state is State.DEAD
    refused = [each for each in caplog.records if each.levelname == "CRITICAL"]
    assert [each.getMessage() for each in refused] == [
        f"The stored body of {fingerprint} was changed. It is not processed."
    ] * 3


def test_discarded_record_ends_its_job(shop: Workshop) -> None:
    shop.does("bill")
    fingerprint = shop.accept()
    shop.client.delete(f"{shop.prefix}d".encode() + bytes.fromhex(fingerprint))
    shop.work()
    assert shop.ran == []
    assert shop.job(fingerprint) == {}
    assert not shop.client.exists(f"{shop.prefix}pending:{shop.queue}")


@pytest.mark.answers("RQ-14")
def test_worker_without_the_receivers_module_leaves_the_job_to_others(
    shop: Workshop, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.does("bill")
    fingerprint = shop.accept()
    with monkeypatch.context() as older:
        older.delitem(sys.modules, shop.module.__name__)
        shop.work(batch=1)
        assert [each.levelname for each in caplog.records if "raised while" in each.message]
        assert shop.record(fingerprint).state is State.QUEUED
    shop.work_it_off()
    assert shop.ran == ["bill"]
    assert shop.record(fingerprint).state is State.DONE


def test_job_that_only_such_workers_had_can_be_revived(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.does("bill")
    fingerprint = shop.accept()
    with monkeypatch.context() as older:
        older.delitem(sys.modules, shop.module.__name__)
        shop.work_it_off(batch=1)
    requeue_lost(shop.hooks, shop.rq(), -1)
    assert shop.record(fingerprint).state is State.DEAD
    assert shop.accept() == fingerprint
    shop.work()
    assert shop.record(fingerprint).state is State.DONE


def test_hundred_dead_letters_requeued_twice_run_once_each(
    redis_url: str, redis_prefix: str
) -> None:
    with open_workshop(redis_url, redis_prefix, retries=(1,)) as shop:
        die_and_requeue(shop)


def die_and_requeue(shop: Workshop) -> None:
    failing = [True]

    @shop.handles("bill")
    def bill(_event: Event, delivery: Delivery) -> None:
        if failing:
            raise ValueError
        shop.ran.append(delivery.fingerprint)

    sent = [
        shop.accept(delivery(CANONICAL.replace(b"F-0001", b"F-%d" % n), delivery_id=f"id-{n}"))
        for n in range(100)
    ]
    shop.work_it_off()
    failing.clear()
    registry = shop.rq().failed_job_registry
    for fingerprint in sent:
        job_id = shop.job_id(fingerprint)
        registry.requeue(job_id)
        shop.client.rpush(shop.rq().key, job_id)
    shop.work_it_off()
    assert sorted(shop.ran) == sorted(sent)
    assert {shop.record(each).state for each in sent} == {State.DONE}


def remains(shop: Workshop, fingerprint: str) -> list[str]:
    """Return the keys of RQ that name the job of a delivery, or have it as a member."""
    client: Any = shop.client
    members = {b"list": client.lrange, b"zset": client.zrange}
    found = []
    for key in client.scan_iter("rq:*"):
        read = members.get(client.type(key))
        listed = read(key, 0, -1) if read else []
        if fingerprint.encode() in b" ".join([key, *listed]):
            found.append(key.decode())
    return found


def test_discarded_dead_letter_leaves_nothing_behind(shop: Workshop) -> None:
    shop.does("bill", *[ValueError()] * 3)
    fingerprint = shop.accept()
    shop.work_it_off()
    assert len(remains(shop, fingerprint)) == 3
    drop(shop.hooks, fingerprint)
    assert remains(shop, fingerprint) == []


def test_discarded_retry_leaves_nothing_behind(shop: Workshop) -> None:
    shop.does("bill", ValueError())
    fingerprint = shop.accept()
    shop.work()
    assert f"rq:scheduled:{shop.queue}" in remains(shop, fingerprint)
    drop(shop.hooks, fingerprint)
    assert remains(shop, fingerprint) == []


def test_expired_dead_letter_leaves_nothing_behind(shop: Workshop) -> None:
    shop.does("bill", *[ValueError()] * 3)
    fingerprint = shop.accept()
    shop.work_it_off()
    shop.client.delete(shop.store.record_key(fingerprint))
    shop.client.zadd(shop.store.schema.dead, {shop.job_id(fingerprint): 1})
    requeue_lost(shop.hooks, shop.rq(), -1)
    assert remains(shop, fingerprint) == []
