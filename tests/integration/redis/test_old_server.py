"""A Redis that is too old for the store: programs refuse to start, or the first delivery."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
import redis
from fastapi import FastAPI

from florentin_webhooks import Receiver, RedisStore, Reply
from florentin_webhooks.asgi import WebhookApp, WebhookMiddleware
from florentin_webhooks.core.drain.one_pass import drain
from florentin_webhooks.core.processing.runtime import run_sync
from florentin_webhooks.core.stores.queries import GetRecord
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.fastapi import webhook_router
from florentin_webhooks.redis import durability
from florentin_webhooks.testing import Provider

URLS = ["redis://localhost:1/0", "redis+cluster://localhost:1"]
SECRET = "a-made-up-secret-of-an-old-server"
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
    answer = start(build(Receiver(SECRET, store=RedisStore(url))))
    assert answer["type"] == "lifespan.startup.failed"
    assert MESSAGE in answer["message"]


def test_absent_server_is_no_reason_to_refuse() -> None:
    RedisStore(URLS[0]).check_server()


@pytest.fixture
def old_url(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the URL of a server that is older than the store needs."""
    monkeypatch.setattr(durability, "OLDEST_VERSION", (99, 0))
    return redis_url


def receive(hooks: Receiver[Any]) -> Reply:
    return hooks.receive(*Provider(SECRET).make("invoice.created"))


def areceive(hooks: Receiver[Any]) -> Reply:
    async def run() -> Reply:
        return await hooks.areceive(*Provider(SECRET).make("invoice.created"))

    return asyncio.run(run())


@pytest.mark.parametrize("replicas", [0, 1])
@pytest.mark.parametrize("receive_one", [receive, areceive])
def test_old_server_is_unavailable_and_gets_nothing(
    old_url: str,
    receive_one: Callable[[Receiver[Any]], Reply],
    replicas: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    hooks = Receiver(SECRET, store=RedisStore(old_url, replicas=replicas))
    hooks.on("invoice.created", inline=True)(never)
    replies = [receive_one(hooks) for _ in "abc"]
    assert [(reply.status, reply.outcome) for reply in replies] == [(503, "unavailable")] * 3
    lines = [each.getMessage() for each in caplog.records if each.levelname == "ERROR"]
    assert [line.count("which is too old.") for line in lines] == [1, 1, 1]
    assert [line.count("Use Redis 6.2") for line in lines] == [1, 0, 0]
    with redis.Redis.from_url(old_url) as client:
        assert client.dbsize() == 0


def test_store_in_an_old_server_raises_until_it_is_newer(
    old_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, question = RedisStore(old_url), GetRecord(bytes(16))
    with pytest.raises(ConfigurationError, match="which is too old"):
        store.execute(question)
    with pytest.raises(ConfigurationError, match="which is too old"):
        asyncio.run(store.aexecute(question))
    monkeypatch.undo()
    assert store.execute(question) is None


def test_delivery_waits_in_the_spool_while_the_server_is_old(
    old_url: str, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hooks = Receiver(SECRET, store=RedisStore(old_url), spool=directory / "spool")
    done = list[str]()
    hooks.on("invoice.created", inline=True)(lambda event: done.append(event.event))
    with closing(hooks):
        assert receive(hooks).status == 202
        monkeypatch.undo()
        terms = hooks.drain_terms()
        assert terms
        assert run_sync(drain(terms)).outcomes == {"processed": 1}
    assert done == ["invoice.created"]


def never(_: object) -> None:
    raise AssertionError("A handler has run.")
