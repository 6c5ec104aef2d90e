"""Deliveries through the test clients of ASGI frameworks, and what cannot be one."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from florentin_webhooks import Receiver
from florentin_webhooks.asgi import WebhookApp
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.fastapi import webhook_router
from florentin_webhooks.testing import AsyncWebhooks, Webhooks, open_webhooks
from florentin_webhooks.testing.kit.rehearsal import open_kit

SECRET = "a-secret-of-the-test-kit-s-tests"
hooks = Receiver(SECRET)


@hooks.on("user.login")
async def greet(_: object) -> None: ...


@pytest.fixture
def webhooks() -> Iterator[Webhooks]:
    with open_webhooks(hooks) as webhooks:
        yield webhooks


@pytest.fixture
def starlette() -> TestClient:
    return TestClient(Starlette(routes=[Mount("/hooks", WebhookApp(hooks))]))


def test_client_of_starlette_reaches_the_receiver(
    webhooks: Webhooks, starlette: TestClient
) -> None:
    result = webhooks.through(starlette, "/hooks/").deliver("user.login")
    assert (str(result), result.ok) == ("200 processed", True)
    webhooks.assert_handled(by=greet)
    assert webhooks.redeliver().outcome == "duplicate"


def test_client_of_fastapi_reaches_the_receiver(webhooks: Webhooks) -> None:
    app = FastAPI()
    app.include_router(webhook_router(hooks))
    webhooks.through(TestClient(app)).deliver("user.login")
    webhooks.assert_handled(by=greet)


@pytest.mark.anyio
async def test_asynchronous_client_is_awaited() -> None:
    transport = httpx2.ASGITransport(WebhookApp(hooks))
    with open_kit(hooks, blocking=False) as kit:
        webhooks = AsyncWebhooks(kit)
        async with httpx2.AsyncClient(transport=transport, base_url="http://shop") as client:
            await webhooks.through(client).deliver("user.login")
            await webhooks.redeliver()
        webhooks.assert_duplicate()
        webhooks.assert_handled(by=greet)


@pytest.mark.anyio
async def test_blocking_fixture_in_an_async_test_names_the_other(webhooks: Webhooks) -> None:
    with pytest.raises(ConfigurationError, match="Use the fixture async_webhooks"):
        webhooks.deliver("user.login")


def test_path_that_is_not_served_is_named(webhooks: Webhooks, starlette: TestClient) -> None:
    with pytest.raises(ConfigurationError, match="serves nothing at /webhooks/florentin"):
        webhooks.through(starlette).deliver("user.login")


def test_program_with_another_receiver_is_noticed(webhooks: Webhooks) -> None:
    other = Receiver(SECRET)
    other.on("user.login")(repr)
    client = TestClient(WebhookApp(other))
    with pytest.raises(ConfigurationError, match="Another receiver than the one under test"):
        webhooks.through(client, "/").deliver("user.login")


def test_client_that_cannot_be_used_is_refused(webhooks: Webhooks) -> None:
    with pytest.raises(ConfigurationError, match="object is not a test client"):
        webhooks.through(object())
    with pytest.raises(ConfigurationError, match="Use the fixture async_webhooks, or"):
        webhooks.through(httpx2.AsyncClient())
