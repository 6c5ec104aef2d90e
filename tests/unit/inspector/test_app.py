"""The ASGI mount: any prefix, forms, and streams that end."""

from __future__ import annotations

import asyncio
import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from florentin_webhooks import Receiver, events
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.inspector import Inspector
from florentin_webhooks.inspector.app import _MOST_STREAMS, _read, mount_inspector
from florentin_webhooks.inspector.forgery import COOKIE, FIELD
from florentin_webhooks.testing import Provider
from tests.support.http import Answer, call, scope_of
from tests.support.inspected import SECRET, TOKEN
from tests.support.vectors import Request

pytestmark = pytest.mark.anyio
HEADERS = ((b"host", b"127.0.0.1"), (b"cookie", f"{COOKIE}={TOKEN}".encode()))


async def not_found(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@pytest.fixture
def hooks() -> Receiver:
    made = Receiver(SECRET, name="shop")
    made.ran = []  # type: ignore[attr-defined]

    @made.on("user.login")
    async def greet(_: events.UserLogin) -> None:
        made.ran.append(asyncio.get_running_loop())  # type: ignore[attr-defined]

    return made


async def ask(
    app: Any, path: str, method: str = "GET", body: bytes = b"", root: str = ""
) -> Answer:
    scope = scope_of(Request(HEADERS, b"", method), path, root_path=root)
    path, _, query = path.partition("?")
    answer = await call(app, {**scope, "path": path, "query_string": query.encode()}, (body,))
    assert answer is not None
    return answer


@pytest.mark.parametrize(
    ("mounted", "path", "root"),
    [
        (lambda app: app, "/", ""),
        (lambda app: app, "/behind/proxy/", "/behind/proxy"),
        (lambda app: Starlette(routes=[Mount("/hooks/look", app)]), "/hooks/look/", ""),
        (lambda app: Starlette(routes=[Mount("/look", app)]), "/root/look/", "/root"),
        (lambda app: mount_inspector(not_found, app, "/_florentin"), "/_florentin/", ""),
    ],
    ids=["alone", "root_path", "Mount", "Mount under root_path", "in front"],
)
async def test_pages_work_under_any_prefix(
    mounted: Any, path: str, root: str, hooks: Receiver
) -> None:
    app = mounted(Inspector(hooks))
    made = Provider(SECRET).make("user.login")
    reply = await hooks.areceive(*made)
    page = await ask(app, path, root=root)
    found = re.search(rb'href="(deliveries/\w+)"', page.body)
    assert found, page
    detail = await ask(app, path + found[1].decode(), root=root)
    assert (reply.status, detail.status) == (200, 200)
    assert b'href="../static/' in detail.body


async def test_prefix_without_a_slash_leads_to_the_page(hooks: Receiver) -> None:
    app = mount_inspector(not_found, Inspector(hooks), "/_florentin")
    answer = await ask(app, "/_florentin")
    assert (answer.status, answer.headers["location"]) == (307, "_florentin/")
    assert (await ask(app, "/_florentine/")).status == 404


async def test_replay_runs_in_the_loop_of_the_program(hooks: Receiver) -> None:
    app, made = Inspector(hooks), Provider(SECRET).make("user.login")
    await hooks.areceive(*made)
    key = hooks.verify(*made)[0].fingerprint
    form = f"{FIELD}={TOKEN}&what=all".encode()
    answer = await ask(app, f"/deliveries/{key}/replay", "POST", form)
    assert answer.status == 303
    assert hooks.ran == [asyncio.get_running_loop()] * 2  # type: ignore[attr-defined]


async def test_form_that_is_too_large_is_refused(hooks: Receiver) -> None:
    answer = await ask(Inspector(hooks), "/trigger", "POST", b"x" * 1_200_000)
    assert answer.status == 413


async def test_form_whose_client_leaves_is_not_read() -> None:
    messages = [
        {"type": "http.request", "body": b"what=all", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Any:
        return messages.pop(0)

    assert await _read(receive) is None


async def test_head_has_no_body(hooks: Receiver) -> None:
    answer = await ask(Inspector(hooks), "/", "HEAD")
    assert (answer.status, answer.body) == (200, b"")
    assert int(answer.headers["content-length"]) > 1000
    assert (await ask(Inspector(hooks), "/events", "HEAD")).body == b""  # Not a stream.


async def test_stream_sends_an_event_for_each_change(hooks: Receiver) -> None:
    stopping: list[bool] = []
    app = Inspector(hooks, is_stopping=lambda: bool(stopping))
    sent: list[bytes] = []
    first, second = asyncio.Event(), asyncio.Event()

    async def send(message: Any) -> None:
        sent.append(message.get("body", b""))
        count = b"".join(sent).count(b"event: change")
        for event in (first, second)[:count]:
            event.set()

    async def receive() -> Any:
        await asyncio.Event().wait()

    scope = scope_of(Request(HEADERS, b"", "GET"), "/events")
    stream = asyncio.create_task(app(scope, receive, send))
    await asyncio.wait_for(first.wait(), 30)
    await hooks.areceive(*Provider(SECRET).make("user.login"))
    await asyncio.wait_for(second.wait(), 30)
    stopping.append(True)
    await asyncio.wait_for(stream, 30)  # It ends by itself where the program stops.


async def test_stream_ends_when_the_client_leaves(hooks: Receiver) -> None:
    async def receive() -> Any:
        return {"type": "http.disconnect"}

    started: list[Any] = []

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            started.append(message)

    app, scope = Inspector(hooks), scope_of(Request(HEADERS, b"", "GET"), "/events")
    for _ in range(_MOST_STREAMS + 1):  # Each leaves its place to the next one.
        await asyncio.wait_for(app(scope, receive, send), 30)
    assert (b"x-accel-buffering", b"no") in started[-1]["headers"]
    assert [each["status"] for each in started] == [200] * (_MOST_STREAMS + 1)


async def test_streams_are_limited(hooks: Receiver) -> None:
    app = Inspector(hooks)
    app._streams = _MOST_STREAMS
    answer = await ask(app, "/events")
    assert (answer.status, answer.headers["retry-after"]) == (503, "15")


@pytest.mark.parametrize("shows", [False, True])
async def test_bodies_are_shown_on_request(hooks: Receiver, *, shows: bool) -> None:
    app, made = Inspector(hooks, show_bodies=shows), Provider(SECRET).make("user.login")
    await hooks.areceive(*made)
    page = await ask(app, f"/deliveries/{hooks.verify(*made)[0].fingerprint}")
    name = json.loads(made.body)["data"]["user"]["name"].encode()
    assert (name in page.body) is shows


@pytest.mark.parametrize("kind", ["lifespan", "websocket"])
async def test_only_requests_reach_an_inspector_in_front(hooks: Receiver, kind: str) -> None:
    seen: list[object] = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        seen.append(scope)

    scope = {"type": kind, "path": "/_florentin/"}
    await mount_inspector(app, Inspector(hooks), "/_florentin")(scope, not_found, not_found)  # type: ignore[arg-type]
    assert seen == [scope]


async def test_websocket_is_closed_and_lifespan_is_served(hooks: Receiver) -> None:
    sent: list[str] = []
    messages = ["lifespan.startup", "lifespan.shutdown"]

    async def receive() -> Any:
        return {"type": messages.pop(0)}

    async def send(message: Any) -> None:
        sent.append(message["type"])

    await Inspector(hooks)({"type": "lifespan"}, receive, send)
    await Inspector(hooks)({"type": "websocket"}, receive, send)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete", "websocket.close"]


async def test_inspector_needs_a_receiver() -> None:
    with pytest.raises(ConfigurationError, match="no receiver"):
        Inspector()


def test_replay_leaves_the_threads_of_the_loop_to_handlers() -> None:
    async def program() -> Answer:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
        await hooks.areceive(*made)
        key = hooks.verify(*made)[0].fingerprint
        return await ask(
            app, f"/deliveries/{key}/replay", "POST", f"{FIELD}={TOKEN}&what=all".encode()
        )

    hooks = Receiver(SECRET, name="shop", timeout=timedelta(seconds=3))
    hooks.on("user.login")(lambda _: None)  # Blocking, so it runs in the loop's only thread.
    app, made = Inspector(hooks), Provider(SECRET).make("user.login")
    assert "Replayed" in asyncio.run(program()).headers["set-cookie"]


@pytest.mark.parametrize(("scheme", "is_secure"), [("https", True), ("http", False)])
async def test_cookie_follows_the_scheme_of_the_request(
    hooks: Receiver, scheme: str, is_secure: bool
) -> None:
    scope = scope_of(Request(((b"host", b"127.0.0.1"),), b"", "GET"), "/")
    answer = await call(Inspector(hooks), {**scope, "scheme": scheme, "query_string": b""}, (b"",))
    assert answer is not None
    assert ("Secure" in answer.headers["set-cookie"]) is is_secure
