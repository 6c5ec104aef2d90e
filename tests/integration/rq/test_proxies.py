"""Workers behind a proxy that loses its server: they wait, and end in time when they must."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from threading import Thread, Timer
from time import monotonic
from typing import Any

import pytest
import redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from florentin_webhooks.core.stores.base import State
from florentin_webhooks.redis import waiting_retry
from florentin_webhooks.rq import resilience, shutdown
from tests.support.proxy import Cut, Proxy
from tests.support.waiting import eventually
from tests.support.workshop import Workshop, ended_by_signal, open_workshop

AWAY = "is away, and the worker waits"
BOUND = 8.0
"""Seconds in which a worker ends; RQ's takes minutes, with its 40 s for each answer."""

cuts = pytest.mark.parametrize("cut", list(Cut))
two_cuts = pytest.mark.parametrize("cut", [Cut.RESET, Cut.HALF])


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten what a worker waits for an answer."""
    monkeypatch.setattr(resilience, "_LONGEST_POLL", 1)
    monkeypatch.setattr(resilience, "_MARGIN", 0.2)
    monkeypatch.setattr(shutdown, "_FAREWELL", 0.2)
    monkeypatch.setattr(waiting_retry, "_LONG", 0.5)
    monkeypatch.setattr(waiting_retry, "_LAST_WAIT", 0.5)


@pytest.fixture
def proxy(redis_url: str) -> Iterator[Proxy]:
    with Proxy(redis_url) as opened:
        yield opened


@pytest.fixture
def shop(proxy: Proxy, redis_prefix: str) -> Iterator[Workshop]:
    with open_workshop(proxy.url, redis_prefix) as opened:
        yield opened


@pytest.fixture
def client(proxy: Proxy) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(proxy.url, socket_timeout=0.1) as opened:  # RQ raises it.
        yield opened


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


def work_until_signal(worker: Any, is_due: Callable[[], object]) -> float:  # Any: RQ's.
    """Work, send SIGTERM when *is_due*, and return how many seconds later the worker ended."""
    sent = list[float]()

    def end() -> None:
        eventually(is_due)
        sent.append(monotonic())
        os.kill(os.getpid(), signal.SIGTERM)

    thread = Thread(target=end)
    with ended_by_signal():
        thread.start()
        worker.work(logging_level="ERROR")
    thread.join()
    return monotonic() - sent[0]


@cuts
def test_idle_worker_ends_soon_while_redis_is_away(
    shop: Workshop, proxy: Proxy, client: redis.Redis, stack: ExitStack, cut: Cut
) -> None:
    worker = shop.worker(client)

    def waits() -> bool:
        if not proxy.asked_for(b"BLMOVE"):
            return False
        stack.enter_context(proxy.cutting(cut))
        return True

    assert work_until_signal(worker, waits) < BOUND


@two_cuts
def test_worker_that_claims_ends_soon_while_redis_is_away(
    shop: Workshop,
    proxy: Proxy,
    client: redis.Redis,
    stack: ExitStack,
    caplog: pytest.LogCaptureFixture,
    cut: Cut,
) -> None:
    worker = shop.worker(client)
    worker.subscribe = lambda: None
    take = worker.queues[0].source

    def take_in_vain(*words: Any) -> Any:
        stack.enter_context(proxy.cutting(cut))
        return take(*words)

    worker.queues[0].source = take_in_vain
    assert work_until_signal(worker, lambda: AWAY in caplog.text) < BOUND


@two_cuts
def test_worker_with_an_effect_to_record_ends_soon_and_warns(
    shop: Workshop,
    proxy: Proxy,
    client: redis.Redis,
    stack: ExitStack,
    caplog: pytest.LogCaptureFixture,
    cut: Cut,
) -> None:
    @shop.handles("bill")
    def bill(_event: object) -> None:
        shop.ran.append("bill")
        stack.enter_context(proxy.cutting(cut))

    shop.accept()
    worker = shop.worker(client)
    assert work_until_signal(worker, lambda: AWAY in caplog.text) < BOUND
    assert "another worker repeats" in caplog.text


def test_failure_that_cannot_be_recorded_is_no_other_failure(
    shop: Workshop,
    proxy: Proxy,
    client: redis.Redis,
    stack: ExitStack,
    caplog: pytest.LogCaptureFixture,
) -> None:
    @shop.handles("bill")
    def bill(_event: object) -> None:
        stack.enter_context(proxy.cutting(Cut.RESET))
        os.kill(os.getpid(), signal.SIGTERM)
        raise ValueError

    def lose_the_next_answer(batch: Any) -> None:  # To the step that comes before the handler.
        enter(batch)
        proxy.lose_answer(b"EVALSHA")

    shop.accept()
    worker = shop.worker(client)
    enter, worker.enter_batch = worker.enter_batch, lose_the_next_answer
    with ended_by_signal():
        worker.work(logging_level="ERROR")
    assert "is retried in 5 s. Redis at redis://127.0.0.1" in caplog.text
    assert "another worker repeats" in caplog.text
    assert "IndexError" not in caplog.text


def test_worker_that_ends_records_an_effect_once_redis_is_back(
    shop: Workshop,
    proxy: Proxy,
    client: redis.Redis,
    stack: ExitStack,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    @shop.handles("bill")
    def bill(_event: object) -> None:
        shop.ran.append("bill")
        stack.enter_context(proxy.cutting(Cut.RESET))
        os.kill(os.getpid(), signal.SIGTERM)
        restoring.start()

    monkeypatch.setattr(waiting_retry, "_LAST_WAIT", 20)
    restoring = Timer(1.5, stack.close)  # Longer than a connection is opened again and again.
    fingerprint = shop.accept()
    with ended_by_signal():
        shop.worker(client).work(logging_level="ERROR")
    restoring.join()
    assert shop.record(fingerprint).state is State.DONE


@two_cuts
def test_effect_is_recorded_once_redis_is_back(
    shop: Workshop,
    proxy: Proxy,
    client: redis.Redis,
    stack: ExitStack,
    caplog: pytest.LogCaptureFixture,
    cut: Cut,
) -> None:
    def restore() -> None:
        eventually(lambda: AWAY in caplog.text)
        stack.close()

    @shop.handles("bill")
    def bill(_event: object) -> None:
        shop.ran.append("bill")
        stack.enter_context(proxy.cutting(cut))
        thread.start()

    thread = Thread(target=restore)
    fingerprint = shop.accept()
    with ended_by_signal():
        shop.worker(client).work(burst=True, logging_level="ERROR")
    thread.join()
    assert shop.ran == ["bill"]
    assert shop.record(fingerprint).state is State.DONE
    assert caplog.text.count(AWAY) == 1
    assert "accepts commands again" in caplog.text


@pytest.mark.parametrize("error", [RedisConnectionError("reset"), RedisTimeoutError("silent")])
def test_listener_goes_on_after_a_lost_connection(
    shop: Workshop, client: redis.Redis, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(resilience, "_LISTEN_AGAIN", 0)
    shop.worker(client)._pubsub_exception_handler(error, None, None)


def test_connection_that_the_listener_has_closed_ends_no_worker(
    shop: Workshop, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_closed(*_: object) -> None:
        raise ValueError("I/O operation on closed file.")

    worker = shop.worker(client)
    worker.subscribe()
    with monkeypatch.context() as patched:
        patched.setattr(worker.pubsub, "unsubscribe", read_closed)
        worker.unsubscribe()
    worker.pubsub_thread.join(10)
    assert not worker.pubsub_thread.is_alive()


def test_listener_ends_without_a_word_after_the_worker(
    shop: Workshop, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resilience, "_LISTEN_AGAIN", 0)
    worker = shop.worker(client)
    worker.unsubscribe()
    worker._pubsub_exception_handler(ValueError("closed file"), None, None)
