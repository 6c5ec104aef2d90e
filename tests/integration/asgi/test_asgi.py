"""Being a good ASGI citizen: what is not ours passes untouched, with a lifespan and without."""

from __future__ import annotations

import asyncio
import threading
from typing import Any, Literal

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from florentin_webhooks import MemoryStore
from florentin_webhooks.asgi import WebhookApp, WebhookMiddleware
from florentin_webhooks.errors import ConfigurationError
from tests.support.http import Connection, ask, call, raw, scope_of
from tests.support.receivers import Target
from tests.support.server import under_uvicorn
from tests.support.vectors import Request, delivery
from tests.support.waiting import eventually

PATH = "/webhooks/florentin"
READERS = pytest.mark.parametrize("reader", ["h11", "httptools"])


class Passed:
    """An application that keeps what it was called with."""

    def __init__(self) -> None:
        self.calls: list[tuple[Scope, Receive, Send]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.calls.append((scope, receive, send))


class ClosingStore(MemoryStore):
    """A store that records when it is closed."""

    def __init__(self, seen: list[str]) -> None:
        super().__init__()
        self._seen = seen

    async def aclose(self) -> None:
        self._seen.append("store closed")


async def silent_receive() -> Message:
    raise AssertionError("a message of another request was received")


async def silent_send(_: Message) -> None:
    raise AssertionError("a message of another request was sent")


@pytest.mark.answers("ADP-08")
@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("http", "/"),
        ("http", "/webhooks"),
        ("http", f"{PATH}/x"),
        ("http", f"/x{PATH}"),
        ("http", PATH.upper()),
        ("websocket", "/chat"),
        ("websocket", PATH),
    ],
)
def test_other_requests_reach_the_program_unchanged(kind: str, path: str) -> None:
    program = Passed()
    scope: dict[str, Any] = {"type": kind, "path": path, "root_path": "", "headers": []}
    middleware = WebhookMiddleware(program, receiver=Target().receiver, path=PATH)
    asyncio.run(middleware(scope, silent_receive, silent_send))
    ((given, receive, send),) = program.calls
    assert given is scope
    assert receive is silent_receive
    assert send is silent_send


@pytest.mark.parametrize(
    ("root", "path", "served"),
    [
        ("/web", PATH, True),  # The path begins with the same letters.
        ("/web", f"/web{PATH}", True),
        ("/web/", f"/web{PATH}/", True),
        ("/", PATH, True),
        (PATH, PATH, True),
        ("/webhooks", PATH, True),
        ("/web", f"/webs{PATH}", False),
        ("/x", f"/y{PATH}", False),
    ],
)
def test_root_path_is_removed_as_whole_segments(root: str, path: str, served: bool) -> None:
    program, target = Passed(), Target()
    middleware = WebhookMiddleware(program, receiver=target.receiver, path=PATH)
    asyncio.run(call(middleware, scope_of(delivery(), path, root_path=root), [delivery().body]))
    assert (bool(target.ran), bool(program.calls)) == (served, not served)


REFUSED = [
    (405, delivery()._replace(method="PUT")),
    (413, delivery().with_headers(("Content-Length", "9999999"))),
    (415, delivery().with_headers(("Content-Encoding", "gzip"))),
]


@pytest.mark.parametrize(("status", "refused"), REFUSED)
def test_refusal_closes_the_connection_except_below_wsgi(status: int, refused: Request) -> None:
    app, scope = WebhookApp(Target().receiver), scope_of(refused, PATH)
    bridged = {**scope, "wsgi_environ": {}}  # a2wsgi adds it; PEP 3333 forbids the header.
    answers = [asyncio.run(call(app, each)) for each in (scope, bridged)]
    seen = [(each.status, each.headers.get("connection")) for each in answers if each]
    assert seen == [(status, "close"), (status, None)]


def lived(app: ASGIApp, seen: list[str]) -> None:
    """Start and end *app* by the lifespan protocol."""
    incoming: list[Message] = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]

    async def receive() -> Message:
        return incoming.pop(0)

    async def send(message: Message) -> None:
        seen.append(message["type"])

    async def live() -> None:
        await app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, receive, send)

    asyncio.run(live())


async def living(scope: Scope, receive: Receive, send: Send) -> None:
    """A program with a lifespan of its own."""
    assert scope["type"] == "lifespan"
    for end in ("startup", "shutdown"):
        assert (await receive())["type"] == f"lifespan.{end}"
        await send({"type": f"lifespan.{end}.complete"})


@pytest.mark.answers("ADP-08")
def test_store_is_closed_before_the_program_reports_its_shutdown() -> None:
    seen: list[str] = []
    receiver = Target(store=ClosingStore(seen)).receiver
    lived(WebhookMiddleware(living, receiver=receiver), seen)
    assert seen == ["lifespan.startup.complete", "store closed", "lifespan.shutdown.complete"]


def test_app_alone_answers_the_lifespan_protocol() -> None:
    seen: list[str] = []
    lived(WebhookApp(Target(store=ClosingStore(seen)).receiver), seen)
    assert seen == ["lifespan.startup.complete", "store closed", "lifespan.shutdown.complete"]


@READERS
@pytest.mark.parametrize("lifespan", ["on", "off", "auto"])
def test_app_alone_serves_under_uvicorn(
    reader: str, lifespan: Literal["on", "off", "auto"]
) -> None:
    with under_uvicorn(WebhookApp(Target().receiver), reader, lifespan) as port:
        answer = ask(port, delivery(), "/anything")
    assert answer is not None
    assert answer.outcome == "processed"


@pytest.mark.parametrize("lifespan", ["off", "auto"])
def test_middleware_serves_a_program_without_lifespan(
    lifespan: Literal["off", "auto"],
) -> None:
    async def program(scope: Scope, _: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            raise NotImplementedError
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    app = WebhookMiddleware(program, receiver=Target().receiver)
    with under_uvicorn(app, lifespan=lifespan) as port:
        ours, theirs = ask(port, delivery(), PATH), ask(port, delivery(), "/else")
    assert ours is not None
    assert theirs is not None
    assert (ours.outcome, theirs.status) == ("processed", 204)


@pytest.mark.answers("ADP-08")
@READERS
def test_program_behind_the_middleware_streams_its_response(reader: str) -> None:
    """As with server-sent events: what is sent arrives at once, not when all is sent."""
    go_on = threading.Event()

    async def program(_: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"first", "more_body": True})
        assert await asyncio.to_thread(go_on.wait, 10)
        await send({"type": "http.response.body", "body": b"second"})

    app = WebhookMiddleware(program, receiver=Target().receiver)
    with under_uvicorn(app, reader, "off") as port, Connection(port) as connection:
        connection.send(raw(Request((), b"", "GET"), "/stream"))
        assert connection.arrives(b"first")
        go_on.set()
        assert connection.arrives(b"second")


@pytest.mark.answers("ADP-08")
@READERS
def test_program_behind_the_middleware_receives_uploads_in_chunks(reader: str) -> None:
    received: list[bytes] = []

    async def program(_: Scope, receive: Receive, send: Send) -> None:
        more = True
        while more:
            message = await receive()
            received.append(message["body"])
            more = message["more_body"]
        await send({"type": "http.response.start", "status": 201, "headers": []})
        await send({"type": "http.response.body"})

    app = WebhookMiddleware(program, receiver=Target(max_body=10).receiver)
    upload = Request((), b"a" * 50_000 + b"b" * 50_000)
    with under_uvicorn(app, reader, "off") as port, Connection(port) as connection:
        connection.send(raw(upload, "/upload")[:-50_000])
        eventually(lambda: sum(map(len, received)) == 50_000)
        connection.send(b"b" * 50_000)
        answer = connection.answer()
    assert answer is not None
    assert answer.status == 201
    assert b"".join(received) == upload.body


def test_path_without_leading_slash_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="slash"):
        WebhookMiddleware(living, receiver=Target().receiver, path="webhooks")
