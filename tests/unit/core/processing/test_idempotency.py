"""Guards around what must happen once, and what handlers raise beside errors."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest

from florentin_webhooks import Delivery, Discard, MemoryStore, Receiver, RetryLater, errors
from florentin_webhooks.core.processing.idempotency import HighWaterMark, OnceGuard, open_guard
from florentin_webhooks.core.processing.lease import Lease
from florentin_webhooks.core.routing.handler import HandlerOptions, build_handler
from florentin_webhooks.core.stores import base
from florentin_webhooks.core.stores.base import Operation, Store
from florentin_webhooks.core.stores.guards import GuardDecision, GuardGrant, GuardStep, Once
from florentin_webhooks.errors import ConfigurationError, Unavailable
from tests.support.vectors import SECRET, T0
from tests.unit.core.routing.test_dispatch import INVOICE, bill

KEY = b"\0" * 16


class Answering:
    """A store that gives *answers* in turn, and keeps which steps it was asked for."""

    def __init__(self, *answers: GuardGrant | Exception) -> None:
        self.answers = list(answers)
        self.steps: list[GuardStep] = []

    def execute(self, operation: Operation[GuardGrant]) -> GuardGrant:
        assert isinstance(operation, Once)
        self.steps.append(operation.step)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def aexecute(self, operation: Operation[GuardGrant]) -> GuardGrant:
        return self.execute(operation)


RUN = GuardGrant(GuardDecision.RUN)
GONE = Unavailable("gone")
AWAY = Unavailable("away", may_pass=True)


def enter(store: Answering, error: Exception | None, *, asynchronous: bool, part: str = "") -> bool:
    """Go through the guard, raising *error* inside; say whether this was the first time."""
    guard = OnceGuard(cast("Store", store), KEY, "mail", b"token", 60, part)

    def inside(first: bool) -> bool:
        if error is not None:
            raise error
        return first

    async def through() -> bool:
        async with guard as first:
            return inside(first)

    if asynchronous:
        return asyncio.run(through())
    with guard as first:
        return inside(first)


both = pytest.mark.parametrize("asynchronous", [False, True])


@both
def test_the_first_gets_true_and_leaves_done(asynchronous: bool) -> None:
    store = Answering(RUN, RUN)
    assert enter(store, None, asynchronous=asynchronous) is True
    assert store.steps == [GuardStep.BEGIN, GuardStep.DONE]


@both
def test_later_callers_get_false(asynchronous: bool) -> None:
    done = GuardGrant(GuardDecision.DONE)
    assert enter(Answering(done, done), None, asynchronous=asynchronous) is False


@both
def test_an_error_inside_releases_and_goes_through(asynchronous: bool) -> None:
    store = Answering(RUN, RUN)
    with pytest.raises(KeyError):
        enter(store, KeyError(), asynchronous=asynchronous)
    assert store.steps == [GuardStep.BEGIN, GuardStep.RELEASE]


@both
def test_unavailable_store_does_not_hide_an_inner_error(asynchronous: bool) -> None:
    with pytest.raises(Discard):
        enter(Answering(RUN, GONE), Discard(), asynchronous=asynchronous)


@both
def test_what_could_not_be_noted_as_done_is_said(asynchronous: bool) -> None:
    with pytest.raises(Unavailable):
        enter(Answering(RUN, GONE), None, asynchronous=asynchronous)


@both
def test_store_that_may_answer_soon_is_asked_again(
    asynchronous: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "_PATIENCE", 10)
    monkeypatch.setattr(base, "_PAUSE", 0)
    store = Answering(RUN, AWAY, AWAY, RUN)
    assert enter(store, None, asynchronous=asynchronous) is True
    assert store.steps == [GuardStep.BEGIN, *[GuardStep.DONE] * 3]


@both
def test_worker_whose_client_has_waited_asks_once(
    asynchronous: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "_PATIENCE", 10)
    with pytest.raises(Unavailable):
        enter(Answering(RUN, AWAY), None, asynchronous=asynchronous, part="papers")


@both
def test_another_one_inside_means_later(asynchronous: bool) -> None:
    with pytest.raises(RetryLater) as raised:
        enter(Answering(GuardGrant(GuardDecision.BUSY, 7.5)), None, asynchronous=asynchronous)
    assert raised.value.seconds == 7.5


@pytest.mark.parametrize("seconds", [-1, -0.001, float("nan"), float("inf"), 1e12])
def test_retry_later_takes_a_time_that_a_queue_can_wait(seconds: float) -> None:
    with pytest.raises(ConfigurationError, match="RetryLater"):
        RetryLater(seconds)


@pytest.mark.parametrize("seconds", [0, 0.5, 86400 * 30])
def test_retry_later_knows_its_time(seconds: float) -> None:
    assert RetryLater(seconds).seconds == seconds


def test_handler_signals_are_not_webhook_errors() -> None:
    assert not issubclass(Discard, errors.WebhookError)
    assert not issubclass(RetryLater, errors.WebhookError)


LEASE = Lease(Receiver(SECRET).blocking, MemoryStore())


def watermark(entity: object, name: str = "m:f") -> HighWaterMark | None:
    handler = build_handler(bill, type(INVOICE), HandlerOptions(latest=lambda _event: entity))
    return HighWaterMark.of(replace(handler, name=name), INVOICE, "", LEASE)


def test_no_entity_has_no_watermark() -> None:
    assert watermark(None) is None
    assert HighWaterMark.of(build_handler(bill, type(INVOICE)), INVOICE, "", LEASE) is None


def test_entities_have_separate_watermarks() -> None:
    entities = [1, "1", 1.0, (1,), "a", b"a", "", 0, False]
    seen = {made.entity for each in entities if (made := watermark(each))}
    assert len(seen) == len(entities)
    assert watermark("a", "m:f") != watermark("a", "m:g")
    assert watermark("a") == watermark("a")


def test_watermark_is_the_event_time_in_milliseconds() -> None:
    made = watermark("a")
    assert made is not None
    assert made.timestamp == round(T0.timestamp() * 1000)


def a_delivery(fingerprint: str = "ab" * 16) -> Delivery:
    return Delivery(fingerprint, "a.b", T0, None, "secret-1", T0, b"")


def test_idempotency_key_is_stable_for_delivery_and_label() -> None:
    keys = {
        a_delivery(fingerprint).idempotency_key(label)
        for fingerprint in ("ab" * 16, "cd" * 16)
        for label in ("charge", "mail", "")
    }
    assert len(keys) == 6
    assert a_delivery().idempotency_key("charge") == a_delivery().idempotency_key("charge")
    assert all(len(key) == 32 and key.isalnum() for key in keys)
    assert not any("ab" * 16 in key for key in keys)


def test_once_is_refused_outside_a_handler() -> None:
    with pytest.raises(ConfigurationError, match="outside a handler"):
        a_delivery().once("mail")


def test_stores_can_keep_a_label_that_is_not_utf8() -> None:
    lease = cast("Lease", SimpleNamespace(key="00", store=None, token=b"token", seconds=60))
    labels = ["mail", "a\0b", "a\udcff", "a\udcfe"]
    kept = [open_guard(lease, label).label for label in labels]
    assert kept == ["mail", "a\0b", "a\\udcff", "a\\udcfe"]
