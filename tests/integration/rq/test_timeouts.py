"""Timeouts of jobs: no handler swallows one unnoticed, and none loses anything."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Protocol

import pytest

from florentin_webhooks import RedisStore
from florentin_webhooks.core.stores.accept import Finish
from florentin_webhooks.core.stores.base import Operation, State
from florentin_webhooks.core.stores.jobs import ClaimJob
from florentin_webhooks.events import Event
from tests.support.workshop import Workshop, open_workshop

TOO_LONG = "The handler took longer than 1 s (timeout=)"


@pytest.fixture
def shop(redis_url: str, redis_prefix: str) -> Iterator[Workshop]:
    with open_workshop(redis_url, redis_prefix, timeout=1, retries=(5,)) as opened:
        yield opened


def ring() -> None:
    """Ring RQ's alarm now; it rings once."""
    signal.raise_signal(signal.SIGALRM)
    signal.alarm(0)


@pytest.mark.answers("EVT-10")
def test_handler_after_its_timeout_is_stopped_and_retried(shop: Workshop) -> None:
    @shop.handles("bill")
    def bill(_event: Event) -> None:
        shop.ran.append("bill")
        if len(shop.ran) == 1:
            signal.pause()

    shop.does("mail")
    fingerprint = shop.accept()
    shop.work()
    record = shop.record(fingerprint)
    assert shop.ran == ["bill"]
    assert record.handlers == {}
    assert f"{shop.named('bill')}: {TOO_LONG}" in record.reasons[shop.queue]
    shop.work_it_off()
    assert shop.ran == ["bill", "bill", "mail"]
    assert shop.record(fingerprint).state is State.DONE


def test_handler_that_swallows_its_timeout_has_failed(shop: Workshop) -> None:
    @shop.handles("bill")
    def bill(_event: Event) -> None:
        shop.ran.append("bill")
        if len(shop.ran) == 1:
            with suppress(Exception):
                signal.pause()

    fingerprint = shop.accept()
    shop.work()
    record = shop.record(fingerprint)
    assert record.handlers == {}
    assert record.reasons == {shop.queue: f"{shop.named('bill')}: {TOO_LONG}"}
    shop.work_it_off()
    assert shop.ran == ["bill"] * 2
    assert shop.record(fingerprint).state is State.DONE


def test_coroutine_is_cancelled_before_the_timeout(shop: Workshop) -> None:
    @shop.handles("bill")
    async def bill(_event: Event) -> None:
        shop.ran.append("bill")
        try:
            await asyncio.sleep(60 if len(shop.ran) == 1 else 0)
        except asyncio.CancelledError:
            shop.ran.append("cancelled")
            raise

    fingerprint = shop.accept()
    shop.work()
    assert shop.record(fingerprint).reasons == {shop.queue: f"{shop.named('bill')}: {TOO_LONG}"}
    shop.work_it_off()
    assert shop.ran == ["bill", "cancelled", "bill"]
    assert shop.record(fingerprint).state is State.DONE


def test_delivery_that_always_times_out_is_dead(shop: Workshop) -> None:
    @shop.handles("bill")
    def bill(_event: Event) -> None:
        shop.ran.append("bill")
        with suppress(Exception):
            signal.pause()

    fingerprint = shop.accept()
    shop.work_it_off()
    assert shop.ran == ["bill"] * 2
    assert shop.record(fingerprint).state is State.DEAD


class Interfere(Protocol):
    def __call__(
        self, when: Callable[[RedisStore, Operation[object]], bool], *, after: bool
    ) -> None: ...


@pytest.fixture
def alarm_while(monkeypatch: pytest.MonkeyPatch) -> Interfere:
    """Ring the alarm at a store operation, before or after its execution."""
    plain = RedisStore.execute

    def interfere(when: Callable[[RedisStore, Operation[object]], bool], *, after: bool) -> None:
        rung: list[bool] = []

        def execute(self: RedisStore, operation: Operation[object]) -> object:
            now = not rung and when(self, operation)
            if now:
                rung.append(True)
            if now and not after:
                ring()
            answer = plain(self, operation)
            if now:
                ring()
            return answer

        monkeypatch.setattr(RedisStore, "execute", execute)

    return interfere


@pytest.mark.parametrize("after", [False, True], ids=["lost", "carried out"])
def test_timeout_between_two_handlers_repeats_neither(
    shop: Workshop, alarm_while: Interfere, after: bool
) -> None:
    shop.does("bill")
    shop.does("mail")
    fingerprint = shop.accept()
    alarm_while(lambda _, step: isinstance(step, Finish) and step.handler is not None, after=after)
    shop.work_it_off()
    assert shop.ran == ["bill", "mail"]
    assert shop.record(fingerprint).state is State.DONE


def test_timeout_before_the_first_handler_is_a_failed_attempt(
    shop: Workshop, alarm_while: Interfere
) -> None:
    shop.does("bill")
    fingerprint = shop.accept()
    alarm_while(lambda _, step: isinstance(step, ClaimJob), after=True)
    shop.work(batch=1)
    assert shop.ran == []
    assert shop.hurry() == 1
    shop.work()  # The lease runs for a while, and busy means later.
    assert shop.ran == []
    assert shop.hurry() == 1
    assert shop.record(fingerprint).state is State.QUEUED


def test_lease_of_a_part_outlasts_its_timeout(redis_url: str, redis_prefix: str) -> None:
    short = timedelta(seconds=9)
    with open_workshop(redis_url, redis_prefix, timeout=600, lease=short) as shop:
        ends: list[int] = []

        def note() -> None:
            key = f"{shop.prefix}d".encode() + bytes.fromhex(fingerprint)
            ends.append(int(shop.client.hget(key, f"u:{shop.queue}") or 0))

        @shop.handles("bill")
        def bill(_event: Event) -> None:
            note()

        @shop.handles("mail")
        def mail(_event: Event) -> None:
            note()

        fingerprint = shop.accept()
        shop.work()
        seconds, _ = shop.client.time()
        assert ends[0] == ends[1]
        assert ends[0] / 1000 - seconds > 600
