"""A Redis that is too old for the store: programs with a start hook refuse to start."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
import redis
from fastapi import FastAPI

from florentin_webhooks import Receiver, RedisStore
from florentin_webhooks.asgi import WebhookApp, WebhookMiddleware
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.fastapi import webhook_router

URLS = ["redis://localhost:1/0", "redis+cluster://localhost:1"]
MESSAGE = "has version 6.0.16, which is too old"
Build = Callable[[Receiver[Any]], Any]


def host_with_router(hooks: Receiver[Any]) -> FastAPI:
    app = FastAPI()
    app.include_router(webhook_router(hooks))
    return app


async def host(*_: object) -> None:
    raise AssertionError("The program was started.")


BUILDERS: dict[str, Build] = {
    "app": WebhookApp,
    "middleware": lambda hooks: WebhookMiddleware(host, receiver=hooks),
    "fastapi": host_with_router,
}


def start(app: Any) -> dict[str, Any]:
    """Return what *app* answers to the start of its lifespan."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "lifespan.startup"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def run() -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
        await app(scope, receive, send)

    with suppress(ConfigurationError):  # Starlette raises it again, after it has answered.
        asyncio.run(run())
    (answer,) = sent
    return answer


@pytest.mark.parametrize("url", URLS, ids=["one", "cluster"])
@pytest.mark.parametrize("build", BUILDERS.values(), ids=BUILDERS)
def test_program_refuses_to_start_with_an_old_server(
    monkeypatch: pytest.MonkeyPatch, build: Build, url: str
) -> None:
    monkeypatch.setattr(redis.Redis, "info", lambda *_: {"redis_version": "6.0.16"})
    answer = start(build(Receiver("a-made-up-secret-of-an-old-server", store=RedisStore(url))))
    assert answer["type"] == "lifespan.startup.failed"
    assert MESSAGE in answer["message"]


def test_absent_server_is_no_reason_to_refuse() -> None:
    RedisStore(URLS[0]).check_server()
