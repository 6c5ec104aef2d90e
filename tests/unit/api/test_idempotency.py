"""Keys of requests: of the delivery in a handler, and random ones elsewhere."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest

from florentin_webhooks import Delivery, MemoryStore, Receiver, events
from florentin_webhooks.api import AsyncFlorentinAPI, FlorentinAPI
from florentin_webhooks.testing import Provider
from tests.support.scripted_api import ScriptedAPI

SECRET = "whsec_0123456789abcdef0123456789abcdef"
PROVIDER = Provider(SECRET)


def consume(api: FlorentinAPI, amount: int = 1) -> None:
    api.credits.consume(customer="7c1f", amount=amount, reason="report")


def keys(script: ScriptedAPI) -> list[str]:
    return [body["request_id"] for body in script.bodies]


@pytest.fixture
def script() -> ScriptedAPI:
    return ScriptedAPI((200, {"data": {}}))


@pytest.fixture
def api(script: ScriptedAPI) -> FlorentinAPI:
    return script.client()


@pytest.fixture
def hooks() -> Receiver:
    return Receiver(SECRET, store=MemoryStore())


def test_every_attempt_of_a_handler_has_the_same_keys(
    api: FlorentinAPI, script: ScriptedAPI, hooks: Receiver
) -> None:
    @hooks.on("user.login")
    def charge(_: events.UserLogin) -> None:
        consume(api)
        consume(api)
        consume(api, amount=2)
        if len(script.requests) == 3:
            raise ValueError

    sent = PROVIDER.make("user.login")
    assert [hooks.receive(*sent).status, hooks.receive(*sent).status] == [500, 200]
    assert keys(script)[:3] == keys(script)[3:]
    assert len(set(keys(script))) == 3


def test_other_deliveries_and_handlers_have_other_keys(
    api: FlorentinAPI, script: ScriptedAPI, hooks: Receiver
) -> None:
    @hooks.on("user.login")
    def charge(_: events.UserLogin) -> None:
        consume(api)

    @hooks.on("user.login")
    def charge_again(_: events.UserLogin, delivery: Delivery) -> None:
        assert delivery.once_factory
        consume(api)

    for _ in range(2):
        assert hooks.receive(*PROVIDER.make("user.login")).status == 200
    assert len(set(keys(script))) == 4


@pytest.mark.anyio
async def test_handlers_of_asyncio_programs_have_keys_too(
    api: FlorentinAPI, script: ScriptedAPI, hooks: Receiver
) -> None:
    asynchronous: AsyncFlorentinAPI = script.async_client()

    @hooks.on("user.login")
    async def charge(_: events.UserLogin) -> None:
        await asynchronous.credits.consume(customer="7c1f", amount=1, reason="report")

    @hooks.on("user.login")
    def charge_in_a_thread(_: events.UserLogin) -> None:
        consume(api)
        if len(script.requests) == 2:
            raise ValueError

    sent = PROVIDER.make("user.login")
    assert (await hooks.areceive(*sent)).status == 500
    assert (await hooks.areceive(*sent)).status == 200
    first, second, third = keys(script)
    assert second == third != first


def test_blocking_program_has_keys_in_async_handlers(script: ScriptedAPI, hooks: Receiver) -> None:
    asynchronous = script.async_client()

    @hooks.on("user.login")
    async def charge(_: events.UserLogin) -> None:
        await asynchronous.credits.consume(customer="7c1f", amount=1, reason="report")
        if len(script.requests) == 1:
            raise ValueError

    sent = PROVIDER.make("user.login")
    assert [hooks.receive(*sent).status, hooks.receive(*sent).status] == [500, 200]
    first, second = keys(script)
    assert first == second


def test_own_key_is_kept(api: FlorentinAPI, script: ScriptedAPI) -> None:
    api.credits.consume(customer="7c1f", amount=1, reason="report", request_id="mine")
    api.subscriptions.cancel("5f", idempotency_key="mine too")
    first, second = script.bodies
    assert first["request_id"] == "mine"
    assert second == {"idempotency_key": "mine too"}


def test_outside_of_a_handler_each_request_has_a_new_key(
    api: FlorentinAPI, script: ScriptedAPI, hooks: Receiver
) -> None:
    hooks.on("user.login")(lambda _: consume(api))
    hooks.receive(*PROVIDER.make("user.login"))
    consume(api)
    consume(api)
    assert len(set(keys(script))) == 3


def test_client_of_a_delivery_has_its_keys_in_other_threads(
    api: FlorentinAPI, script: ScriptedAPI
) -> None:
    now = datetime(2026, 11, 29, tzinfo=UTC)
    delivery = Delivery("ab" * 16, "user.login", now, None, "secret-1", now, b"{}")
    for _ in range(2):
        bound = api.for_delivery(delivery)
        thread = threading.Thread(target=consume, args=(bound,))
        thread.start()
        thread.join()
    consume(api)
    first, second, third = keys(script)
    assert first == second != third


def test_reads_have_no_key(api: FlorentinAPI, script: ScriptedAPI) -> None:
    api.usage.summary(customer="7c1f", period="2026-11")
    (request,) = script.requests
    assert request.url.query == b"customer_id=7c1f&period=2026-11"
    assert request.content == b""
