"""Receivers with secrets of their own on one store, rotations, and records without a key id."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest

from florentin_webhooks import Delivery, MemoryStore, Receiver, RedisStore, RetryLater
from florentin_webhooks.core.stores.base import Store
from florentin_webhooks.events import InvoiceCreated
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.protocol.fingerprint import NO_IDENTITY, Identity
from florentin_webhooks.testing import Provider, SignedDelivery
from tests.support.senders import CASES, NOW

BILLING, CRM = "whsec_of_the_billing_endpoint", "whsec_of_the_crm_endpoint__"


@pytest.fixture(params=["memory", "redis", "default", "postgresql"])
def new_store(request: pytest.FixtureRequest) -> Iterator[Callable[[], Store]]:
    """What returns one store, for each receiver."""
    with _STORES.get(request.param, _django)(request) as make:
        yield make


@contextmanager
def _memory(_request: pytest.FixtureRequest) -> Iterator[Callable[[], Store]]:
    store = MemoryStore()
    yield lambda: store


@contextmanager
def _redis(request: pytest.FixtureRequest) -> Iterator[Callable[[], Store]]:
    url, prefix = request.getfixturevalue("redis_url"), f"{uuid4().hex}:"
    store = RedisStore(url, prefix=prefix)
    yield lambda: store
    store.close()


@contextmanager
def _django(request: pytest.FixtureRequest) -> Iterator[Callable[[], Store]]:
    from tests.support.django_stores import store_on  # Django loads for those who want it.

    store = store_on(request.param)
    yield lambda: store
    store.close()


_STORES = {"memory": _memory, "redis": _redis}


class Program:
    """A receiver for invoices that notes its runs."""

    def __init__(self, store: Store, secrets: Any, **options: Any) -> None:  # Any: as Receiver.
        self.hooks = Receiver(secrets, store=store, **options)
        self.ran: list[Delivery] = []
        self.hooks.on("invoice.created")(self._run)

    def _run(self, _: InvoiceCreated, delivery: Delivery) -> None:
        self.ran.append(delivery)

    def receive(self, made: SignedDelivery) -> str:
        return self.hooks.receive(*made).outcome.value


def signed(secret: str, body: bytes, number: str = "d-1") -> SignedDelivery:
    return Provider(secret).sign("invoice.created", body, delivery_id=number)


def body() -> bytes:
    return json.dumps(json.loads(Provider(BILLING).make("invoice.created").body)).encode()


def restamped(content: bytes) -> bytes:
    """Return the same event with another timestamp, as a sender stamps a retry."""
    envelope = json.loads(content)
    digit = "2" if envelope["timestamp"].endswith("1Z") else "1"
    return json.dumps({**envelope, "timestamp": f"{envelope['timestamp'][:-2]}{digit}Z"}).encode()


def same(content: bytes) -> bytes:
    return content


def test_same_bytes_run_at_each_receiver(new_store: Callable[[], Store]) -> None:
    billing, crm = Program(new_store(), BILLING), Program(new_store(), CRM)
    content = body()
    assert billing.receive(signed(BILLING, content)) == "processed"
    assert crm.receive(signed(CRM, content)) == "processed"
    assert crm.receive(signed(CRM, restamped(content))) == "duplicate"
    first, second = billing.ran[0], crm.ran[0]
    assert first.fingerprint != second.fingerprint
    assert first.idempotency_key("charge") != second.idempotency_key("charge")


def test_lease_of_another_receiver_delays_nothing(new_store: Callable[[], Store]) -> None:
    content, inner = body(), []
    crm = Program(new_store(), CRM)
    billing = Receiver(BILLING, store=new_store())

    @billing.on("invoice.created")
    def bill(_: InvoiceCreated) -> None:
        inner.append(crm.receive(signed(CRM, content)))

    billing.receive(*signed(BILLING, content))
    assert inner == ["processed"]


def test_once_of_another_receiver_is_separate(new_store: Callable[[], Store]) -> None:
    content, firsts = body(), []
    for secret in (BILLING, CRM):
        hooks = Receiver(secret, store=new_store())

        @hooks.on("invoice.created")
        def mail(_: InvoiceCreated, delivery: Delivery) -> None:
            with delivery.once("mail") as first:
                firsts.append(first)

        hooks.receive(*signed(secret, content))
    assert firsts == [True, True]


def latest_program(store: Store, secrets: Any, ran: list[str]) -> Receiver:  # Any: as Receiver.
    hooks = Receiver(secrets, store=store)

    @hooks.on("invoice.created", latest=lambda _: "entity")
    def count(event: InvoiceCreated) -> None:
        ran.append(event.timestamp.isoformat())

    return hooks


def test_newest_event_of_another_receiver_supersedes_nothing(
    new_store: Callable[[], Store],
) -> None:
    ran: list[str] = []
    old, new = sorted((content := body(), restamped(content)))
    latest_program(new_store(), BILLING, ran).receive(*signed(BILLING, new))
    latest_program(new_store(), CRM, ran).receive(*signed(CRM, old, "d-2"))
    assert len(ran) == 2


def test_newest_event_is_known_after_a_rotation(new_store: Callable[[], Store]) -> None:
    ran: list[str] = []
    old, new = sorted((content := body(), restamped(content)))
    latest_program(new_store(), BILLING, ran).receive(*signed(BILLING, new))
    rotated = latest_program(new_store(), {"new": CRM, "old": BILLING}, ran)
    assert rotated.receive(*signed(CRM, old, "d-2")).outcome == "processed"
    assert len(ran) == 1


@pytest.mark.parametrize("change", [same, restamped])
def test_retry_signed_with_the_new_secret_is_a_duplicate(
    new_store: Callable[[], Store], change: Callable[[bytes], bytes]
) -> None:
    content = body()
    assert Program(new_store(), BILLING).receive(signed(BILLING, content)) == "processed"
    rotating = Program(new_store(), {"new": CRM, "old": BILLING})
    assert rotating.receive(signed(CRM, change(content))) == "duplicate"
    after = Program(new_store(), CRM)
    assert after.receive(signed(CRM, change(content))) == "duplicate"
    assert not rotating.ran + after.ran


def test_delivery_that_failed_before_a_rotation_is_retried(new_store: Callable[[], Store]) -> None:
    content, failing = body(), Receiver(BILLING, store=new_store())

    @failing.on("invoice.created")
    def fail(_: InvoiceCreated) -> None:
        raise RetryLater(1)

    failing.receive(*signed(BILLING, content))
    rotating = Program(new_store(), [CRM, BILLING])
    assert rotating.receive(signed(CRM, content)) == "processed"
    assert rotating.receive(signed(BILLING, content)) == "duplicate"
    assert len(rotating.ran) == 1


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("change", [same, restamped])
def test_delivery_is_known_after_a_rotation_under_any_id(
    new_store: Callable[[], Store], change: Callable[[bytes], bytes], *, fails: bool
) -> None:
    content, before = body(), Receiver(BILLING, store=new_store())

    @before.on("invoice.created")
    def end(_: InvoiceCreated) -> None:
        if fails:
            raise RetryLater(1)

    for each in (content, restamped(content)):
        before.receive(*signed(BILLING, each))
    rotating = Program(new_store(), [CRM, BILLING])
    again = rotating.receive(signed(CRM, change(content), "d-2"))
    assert again == ("processed" if fails else "duplicate")
    assert rotating.receive(signed(BILLING, content, "d-3")) == "duplicate"
    assert len(rotating.ran) == fails


def test_simultaneous_requests_under_both_keys_run_once(new_store: Callable[[], Store]) -> None:
    rotating = Program(new_store(), [CRM, BILLING])
    content, start = body(), Barrier(2)

    def receive(secret: str) -> str:
        start.wait()
        try:
            return rotating.receive(signed(secret, content))
        finally:
            if not isinstance(rotating.hooks.store, RedisStore):
                rotating.hooks.close()  # A database connection belongs to its thread.

    with ThreadPoolExecutor(2) as pool:
        outcomes = set(pool.map(receive, (CRM, BILLING)))
    assert outcomes in ({"processed", "duplicate"}, {"processed", "in-progress"})
    assert len(rotating.ran) == 1


@pytest.mark.parametrize("change", [same, restamped])
def test_delivery_recorded_without_a_key_id_is_a_duplicate(
    new_store: Callable[[], Store],
    change: Callable[[bytes], bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    content = body()
    with monkeypatch.context() as before:
        before.setattr(Identity, "of", lambda *_: NO_IDENTITY)
        earlier = Program(new_store(), BILLING)
        assert earlier.receive(signed(BILLING, content)) == "processed"
    now = Program(new_store(), BILLING, name="")
    assert now.receive(signed(BILLING, change(content))) == "duplicate"
    assert not now.ran


def test_receivers_with_one_secret_and_two_names_never_meet(new_store: Callable[[], Store]) -> None:
    content = body()
    named = [Program(new_store(), BILLING, name=each) for each in ("crm", "ledger")]
    assert [each.receive(signed(BILLING, content)) for each in named] == ["processed"] * 2


@pytest.mark.one_process
def test_receivers_of_three_senders_share_a_store(new_store: Callable[[], Store]) -> None:
    cases = [case for case in CASES if case.name in {"standard_webhooks", "github", "twilio"}]
    runs: list[str] = []
    receivers = [case.receiver(store=new_store(), name=case.name) for case in cases]
    for case, receiver in zip(cases, receivers, strict=True):
        case.subscribe(receiver, lambda event: runs.append(event.event))
    for second in (0, 1):  # Those with a time sign it again, under the same id.
        for case, receiver in zip(cases, receivers, strict=True):
            request = case.make(NOW - timedelta(seconds=second))
            reply = receiver.receive(request.headers, request.body, request.url)
            expected = Outcome.DUPLICATE if second else Outcome.PROCESSED
            assert reply.outcome is expected, case.name
    assert runs == [case.event for case in cases]
