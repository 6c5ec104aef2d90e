"""Jobs in workers: retried, discarded or delayed, each handler once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from florentin_webhooks import Delivery, Discard, RedisStore, RetryLater
from florentin_webhooks.core.stores.base import Operation, State
from florentin_webhooks.core.stores.jobs import ClaimJob
from florentin_webhooks.errors import ConfigurationError, Unavailable
from florentin_webhooks.events import Event
from tests.support.aging import age
from tests.support.workshop import Workshop, open_workshop, stamped


@pytest.fixture
def shop(redis_url: str, redis_prefix: str) -> Iterator[Workshop]:
    with open_workshop(redis_url, redis_prefix) as opened:
        yield opened


def test_queued_handler_runs_only_in_a_worker(shop: Workshop) -> None:
    shop.does("bill")
    fingerprint = shop.accept()
    assert shop.ran == []
    assert shop.record(fingerprint).state is State.QUEUED
    shop.work()
    assert shop.ran == ["bill"]
    assert shop.record(fingerprint).state is State.DONE
    assert shop.record(fingerprint).handlers == {shop.named("bill"): "done"}


def test_finished_job_leaves_nothing_in_rq(shop: Workshop) -> None:
    shop.does("bill", RetryLater(1), ValueError())
    shop.accept()
    shop.work_it_off()
    assert shop.ran == ["bill"] * 3
    left = {key.decode() for key in shop.client.scan_iter("rq:*")}
    assert {key for key in left if ":job:" in key or ":results:" in key} == set()
    assert {key for key in left if shop.queue in key} <= {f"rq:clean_registries:{shop.queue}"}
    assert not list(shop.client.scan_iter(f"{shop.prefix}pending:*"))


@pytest.mark.answers("RQ-05", "RQ-06")
def test_duplicate_of_a_queued_delivery_adds_no_job(shop: Workshop) -> None:
    shop.does("bill")
    fingerprint = shop.accept()
    assert shop.send().outcome == "duplicate"
    assert shop.send(stamped(5)).outcome == "duplicate"
    assert shop.listed() == [shop.job_id(fingerprint)]
    shop.work()
    assert shop.send().outcome == "duplicate"
    assert shop.send(stamped(9)).outcome == "duplicate"
    shop.work()
    assert shop.ran == ["bill"]


@pytest.mark.answers("EVT-08")
def test_retry_runs_only_unfinished_handlers(shop: Workshop) -> None:
    shop.does("bill")
    shop.does("mail", ValueError())
    shop.does("count")
    fingerprint = shop.accept()
    shop.work()
    assert shop.ran == ["bill", "mail", "count"]
    assert shop.record(fingerprint).reasons == {shop.queue: f"{shop.named('mail')}: ValueError"}
    assert shop.hurry() == 1
    shop.work()
    assert shop.ran == ["bill", "mail", "count", "mail"]
    assert shop.record(fingerprint).state is State.DONE
    assert shop.record(fingerprint).attempts == {shop.queue: 2}


def test_retries_wait_for_the_configured_seconds(shop: Workshop) -> None:
    shop.does("bill", ValueError(), ValueError(), ValueError())
    fingerprint = shop.accept()
    waits = []
    for _ in range(2):
        shop.work()
        key = shop.rq().scheduled_job_registry.key
        due = shop.client.zscore(key, shop.job_id(fingerprint))
        waits.append(round(float(due) - shop.client.time()[0]))  # type: ignore[arg-type]  # rq's.
        shop.hurry()
    assert [abs(wait - result) <= 1 for wait, result in zip(waits, (5, 30), strict=True)] == [
        True
    ] * 2


def test_inline_handlers_run_first_and_then_the_jobs_are_pushed(shop: Workshop) -> None:
    shop.does("check", inline=True)
    shop.does("bill")
    fingerprint = shop.accept()
    assert shop.ran == ["check"]
    shop.work()
    assert shop.ran == ["check", "bill"]
    assert shop.record(fingerprint).state is State.DONE


def test_jobs_are_pushed_only_after_all_inline_handlers_succeed(shop: Workshop) -> None:
    shop.does("check", inline=True)
    shop.does("limit", ValueError(), inline=True)
    shop.does("bill")
    assert shop.send().outcome == "handler-failed"
    assert shop.listed() == []
    fingerprint = shop.accept(stamped(30))
    assert shop.ran == ["check", "limit", "limit"]
    shop.work()
    assert shop.ran == ["check", "limit", "limit", "bill"]
    assert shop.record(fingerprint).state is State.DONE


def test_retry_later_uses_no_attempt(shop: Workshop) -> None:
    shop.does("bill", *[RetryLater(1)] * 5, ValueError(), RetryLater(0), ValueError())
    fingerprint = shop.accept()
    shop.work_it_off()
    assert shop.ran == ["bill"] * 9
    assert shop.record(fingerprint).state is State.DONE


def test_retry_later_beside_a_failure_is_a_failure(shop: Workshop) -> None:
    shop.does("bill", *[RetryLater(1)] * 3)
    shop.does("mail", *[ValueError()] * 3)
    fingerprint = shop.accept()
    shop.work_it_off()
    assert shop.ran == ["bill", "mail"] * 3
    assert shop.record(fingerprint).state is State.DEAD
    assert shop.accept() == fingerprint
    shop.work_it_off()
    assert shop.record(fingerprint).state is State.DONE


def test_retry_later_inline_sends_retry_after(shop: Workshop) -> None:
    shop.does("check", RetryLater(12.2), inline=True)
    shop.does("bill")
    reply = shop.send()
    assert (reply.outcome, reply.status) == ("handler-failed", 500)
    assert ("Retry-After", "13") in reply.headers
    assert shop.accept()


def test_retry_later_beside_an_inline_failure_sends_no_retry_after(shop: Workshop) -> None:
    shop.does("check", RetryLater(12), inline=True)
    shop.does("limit", ValueError(), inline=True)
    assert "Retry-After" not in dict(shop.send().headers)


def test_discarded_event_is_done_and_logged(shop: Workshop) -> None:
    shop.does("bill", Discard("a test account"))
    shop.does("mail", ValueError())
    fingerprint = shop.accept()
    shop.work_it_off()
    assert shop.ran == ["bill", "mail", "mail"]
    record = shop.record(fingerprint)
    assert record.handlers == {shop.named("bill"): "discarded", shop.named("mail"): "done"}


def test_return_value_of_a_handler_is_ignored(shop: Workshop) -> None:
    @shop.handles("bill")
    def bill(_event: Event) -> object:
        shop.ran.append("bill")
        return {1j: object(), "socket": shop.client}

    fingerprint = shop.accept()
    shop.work()
    assert shop.record(fingerprint).state is State.DONE


def test_asyncio_handlers_run_in_workers(shop: Workshop) -> None:
    @shop.handles("bill")
    async def bill(event: Event, delivery: Delivery) -> None:
        async with delivery.once("mail") as first:
            shop.ran.append(f"{event.event} {first}")

    fingerprint = shop.accept()
    shop.work()
    assert shop.ran == ["invoice.created True"]
    assert shop.record(fingerprint).state is State.DONE


@pytest.mark.parametrize(
    "error", [SystemExit(1), KeyboardInterrupt(), GeneratorExit(), MemoryError()]
)
def test_error_of_a_handler_does_not_end_the_worker(shop: Workshop, error: BaseException) -> None:
    shop.does("bill", error)
    fingerprint = shop.accept()
    shop.work_it_off()
    assert shop.ran == ["bill", "bill"]
    assert shop.record(fingerprint).state is State.DONE


def test_busy_part_is_retried_later(shop: Workshop) -> None:
    shop.does("bill")
    fingerprint = shop.accept()
    part, _ = shop.hooks.dispatcher.build_job(fingerprint, shop.queue)

    held = ClaimJob(bytes.fromhex(fingerprint), b"another", part, 60, shop.key_ids)
    assert shop.store.execute(held).decision == "run"
    shop.work()
    assert shop.ran == []
    age(shop.client, shop.prefix, 60)
    shop.work_it_off()
    assert shop.ran == ["bill"]
    assert shop.job(fingerprint) == {}
    assert shop.record(fingerprint).state is State.DONE


@pytest.mark.answers("TIME-19")
def test_delivery_runs_after_any_wait(shop: Workshop) -> None:
    shop.does("bill")
    fingerprint = shop.accept()
    shop.clock.forward(days=20)
    shop.work()
    assert shop.ran == ["bill"]
    assert shop.record(fingerprint).state is State.DONE


def test_unavailable_store_uses_no_attempt(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.does("bill", ValueError(), ValueError())
    fingerprint = shop.accept()
    plain, gone = RedisStore.execute, [True] * 5

    def execute(self: RedisStore, operation: Operation[object]) -> object:
        if isinstance(operation, ClaimJob) and gone:
            gone.pop()
            raise Unavailable("gone")
        return plain(self, operation)

    monkeypatch.setattr(RedisStore, "execute", execute)
    shop.work_it_off()
    assert gone == []
    assert shop.ran == ["bill"] * 3
    assert shop.record(fingerprint).state is State.DONE


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"redis_version": "6.0.16"}, "has version 6.0.16, which is too old"),
        (redis.ResponseError("unknown command `HELLO`, with args"), "older than version 6.2"),
        ({"redis_version": "8.0.1", "cluster_enabled": 1}, "is a node of a cluster"),
    ],
)
def test_worker_refuses_a_server_without_what_it_needs(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch, answer: object, said: str
) -> None:
    def info(*_: object) -> object:
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(shop.client, "info", info)
    with pytest.raises(ConfigurationError, match=said):
        shop.worker(shop.client)
