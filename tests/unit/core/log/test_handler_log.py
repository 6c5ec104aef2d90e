"""The log of handlers: each failure once, with its place, its stack and its facts."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from datetime import UTC, datetime, timedelta

import pytest

from florentin_webhooks import Discard, MemoryStore, Receiver, RetryLater
from florentin_webhooks.events import Event
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.testing import Provider
from tests.support.handling import Receive, as_function, asynchronous, both_ways, raises
from tests.support.identity import recorded_key
from tests.support.shop import SECRET


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, logger="florentin_webhooks")
    return caplog


def parse_amount(text: str) -> int:
    return int(json.loads(text)["amount"])


def bill(_: Event) -> None:
    parse_amount("{")


@both_ways
def test_failure_is_one_record_with_its_facts(
    log: pytest.LogCaptureFixture, receive: Receive
) -> None:
    receiver, made = (
        Receiver(SECRET, store=MemoryStore(), name="crm"),
        Provider(SECRET).make("invoice.created"),
    )
    receiver.on("invoice.created")(bill)
    assert receive(receiver, made).outcome is Outcome.HANDLER_FAILED
    receive(receiver, made)
    first, second = log.records
    key = recorded_key(made.body, SECRET, "crm").hex()
    facts = vars(second)
    assert (first.levelno, vars(first)["attempt"]) == (logging.ERROR, 1)
    assert facts["outcome"] == "handler-failed"
    assert facts["fingerprint"] == facts["delivery"] == key
    assert facts["handler"] == f"{__name__}:bill"
    assert (facts["event"], facts["receiver"]) == ("invoice.created", "crm")
    assert (facts["attempt"], facts["next_attempt"], facts["queue"]) == (2, None, "")
    assert 0 <= facts["duration"] < 60


def test_failure_is_placed_in_the_module_of_its_handler(log: pytest.LogCaptureFixture) -> None:
    receiver = Receiver(SECRET, store=MemoryStore())
    receiver.on("invoice.created")(bill)
    receiver.receive(*Provider(SECRET).make("invoice.created"))
    line = parse_amount.__code__.co_firstlineno + 1  # And not where json raised it.
    assert f"JSONDecodeError at test_handler_log.py:{line}" in log.text
    assert f'test_handler_log.py", line {line}, in parse_amount' in log.text
    assert 'json/decoder.py", line' in log.text


def test_full_tracebacks_hold_the_exception_itself(log: pytest.LogCaptureFixture) -> None:
    receiver, error = (
        Receiver(SECRET, store=MemoryStore(), tracebacks="full"),
        ValueError("no such customer"),
    )
    receiver.on("invoice.created")(as_function(raises(error)))
    receiver.receive(*Provider(SECRET).make("invoice.created"))
    (record,) = log.records
    assert record.exc_info is not None
    assert record.exc_info[1] is error
    assert "ValueError: no such customer at handling.py:" in record.getMessage()


def test_time_out_is_logged_with_its_limit(log: pytest.LogCaptureFixture) -> None:
    receiver = Receiver(SECRET, store=MemoryStore(), timeout=timedelta(milliseconds=20))

    @receiver.on("invoice.created")
    async def slow(_: Event) -> None:
        await asyncio.sleep(60)

    asynchronous(receiver, Provider(SECRET).make("invoice.created"))
    line = slow.__code__.co_firstlineno + 2
    assert f"took longer than 0.02 s (timeout=) at test_handler_log.py:{line}" in log.text


def test_time_out_of_a_thread_is_logged_with_its_limit(log: pytest.LogCaptureFixture) -> None:
    receiver = Receiver(SECRET, store=MemoryStore(), timeout=timedelta(milliseconds=20))
    is_logged = threading.Event()

    @receiver.on("invoice.created")
    def slow(_: Event) -> None:
        is_logged.wait(30)

    async def program() -> None:
        await receiver.areceive(*Provider(SECRET).make("invoice.created"))
        is_logged.set()

    asyncio.run(program())
    (record, *_) = log.records
    assert record.getMessage().endswith("took longer than 0.02 s (timeout=)")


def test_time_out_of_a_handlers_own_is_its_failure(log: pytest.LogCaptureFixture) -> None:
    receiver = Receiver(SECRET, store=MemoryStore())

    @receiver.on("invoice.created")
    async def impatient(_: Event) -> None:
        async with asyncio.timeout(0.01):
            await asyncio.sleep(60)

    asynchronous(receiver, Provider(SECRET).make("invoice.created"))
    assert "TimeoutError at test_handler_log.py:" in log.text
    assert "(timeout=)" not in log.text


def test_discard_is_logged_with_its_reason(log: pytest.LogCaptureFixture) -> None:
    receiver = Receiver(SECRET, store=MemoryStore())
    receiver.on("invoice.created")(as_function(raises(Discard("a test\ncustomer" + "x" * 300))))
    receiver.receive(*Provider(SECRET).make("invoice.created"))
    discarded, processed = log.records
    assert (discarded.levelno, vars(discarded)["outcome"]) == (logging.INFO, "discarded")
    assert ": a test\\ncustomerxx" in discarded.getMessage()
    assert len(discarded.getMessage()) < 500
    assert vars(processed)["outcome"] == "processed"


def test_retry_later_is_logged_at_info_with_its_time(log: pytest.LogCaptureFixture) -> None:
    receiver = Receiver(SECRET, store=MemoryStore())
    receiver.on("invoice.created")(as_function(raises(RetryLater(90))))
    receiver.receive(*Provider(SECRET).make("invoice.created"))
    (record,) = log.records
    assert (record.levelno, vars(record)["outcome"]) == (logging.INFO, "scheduled")
    wait = datetime.fromisoformat(vars(record)["next_attempt"]) - datetime.now(UTC)
    assert 80 < wait.total_seconds() <= 90


def test_error_that_cannot_be_written_is_logged_by_its_type(
    log: pytest.LogCaptureFixture,
) -> None:
    class Odd(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    receiver = Receiver(SECRET, store=MemoryStore(), tracebacks="full")
    receiver.on("invoice.created")(as_function(raises(Odd())))
    reply = receiver.receive(*Provider(SECRET).make("invoice.created"))
    assert reply.outcome is Outcome.HANDLER_FAILED
    assert "Odd at handling.py:" in log.text
