"""The mounts of health checks answer alike: ASGI, Flask and Django."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from django.test import RequestFactory
from flask import Flask
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from florentin_webhooks import MemoryStore, Receiver, RedisStore
from florentin_webhooks.asgi import HealthApp
from florentin_webhooks.core.health import Probe, answer_probe
from florentin_webhooks.core.spool import SpoolFacts
from florentin_webhooks.flask import health_blueprint
from tests.support.django_settings import configure
from tests.support.shop import SECRET

configure()

Get = Callable[[Receiver, str], tuple[int, str, str, bytes]]


def asgi(hooks: Receiver, path: str) -> tuple[int, str, str, bytes]:
    app = Starlette(routes=[Mount("/health", HealthApp(hooks))])
    with TestClient(app) as client:
        found = client.get(path)
    return found.status_code, *_headers(found.headers), found.content


def flask(hooks: Receiver, path: str) -> tuple[int, str, str, bytes]:
    app = Flask("health")
    app.register_blueprint(health_blueprint(hooks))
    found = app.test_client().get(path)
    return found.status_code, *_headers(found.headers), found.data


def django(hooks: Receiver, path: str) -> tuple[int, str, str, bytes]:
    from florentin_webhooks.django import health_path

    match: Any = health_path("health", hooks).resolve(path.lstrip("/"))
    found = match.func(RequestFactory().get(path))
    assert match.func.login_required is False
    return found.status_code, *_headers(found.headers), found.content


def _headers(headers: Any) -> tuple[str, str]:
    return headers["Content-Type"], headers["Cache-Control"]


mounts = pytest.mark.parametrize("get", [asgi, flask, django])


@mounts
@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready", "/health/ready/"])
def test_healthy_receiver_is_200(get: Get, path: str) -> None:
    status, content_type, caching, body = get(Receiver(SECRET, store=MemoryStore()), path)
    assert (status, content_type, caching) == (200, "application/json", "no-store")
    assert json.loads(body)["ok"] is True


@mounts
def test_store_that_does_not_answer_is_live_and_not_ready(
    get: Get, caplog: pytest.LogCaptureFixture
) -> None:
    hooks = Receiver(SECRET, store=RedisStore("redis://:made-up-password@127.0.0.1:1/0"))
    assert get(hooks, "/health/live")[0] == 200
    status, _, _, body = get(hooks, "/health/ready")
    assert (status, json.loads(body)["ready"]) == (503, False)
    assert b"127.0.0.1" not in body
    assert "redis://127.0.0.1:1/0" in caplog.text
    assert "made-up-password" not in caplog.text


def test_reply_does_not_name_the_file_of_a_spool(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "spool.db")
    hooks = Receiver(SECRET, store=MemoryStore(), spool=path)
    lost = SpoolFacts(path, error=f"The spool {path} is lost.")
    monkeypatch.setattr(hooks.spool, "measure", lambda: lost)
    _, body = answer_probe(hooks, Probe.ALL)
    assert b"The spool cannot be used." in body
    assert str(tmp_path).encode() not in body
    assert str(tmp_path) in caplog.text


def test_only_the_last_part_of_a_path_names_a_probe() -> None:
    paths = ["/health", "/live/health", "/x/live", "/ready/", "/", "/alive"]
    every = [Probe.ALL, Probe.ALL, Probe.LIVE, Probe.READY, Probe.ALL, Probe.ALL]
    assert [Probe.of(path) for path in paths] == every


def test_health_app_ignores_other_scopes() -> None:
    app = HealthApp(Receiver(SECRET, store=MemoryStore()))
    asyncio.run(cast("Any", app)({"type": "lifespan"}, None, None))


def test_websocket_is_closed() -> None:
    async def send(message: Any) -> None:
        sent.append(message["type"])

    sent: list[str] = []
    app: Any = HealthApp(Receiver(SECRET, store=MemoryStore()))
    asyncio.run(app({"type": "websocket"}, None, send))
    assert sent == ["websocket.close"]
