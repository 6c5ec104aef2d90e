"""FastAPI programs around the router: where it is included, and which middlewares hurt."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any

import pytest
from fastapi import Body, FastAPI, Request
from fastapi.middleware.gzip import GZipMiddleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request as StarletteRequest
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from florentin_webhooks import MemoryStore, Receiver
from florentin_webhooks.asgi import WebhookApp, WebhookMiddleware
from florentin_webhooks.fastapi import webhook_router
from tests.support.http import ask
from tests.support.receivers import Target
from tests.support.server import Switchboard, under_uvicorn
from tests.support.vectors import CANONICAL, delivery

PATH = "/webhooks/florentin"
METHODS = ("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")


class ClosingStore(MemoryStore):
    """A store that records when it is closed."""

    def __init__(self, seen: list[str]) -> None:
        super().__init__()
        self._seen = seen

    async def aclose(self) -> None:
        self._seen.append("store closed")


# --- where it is included ---


def included(receiver: Receiver) -> ASGIApp:
    app = FastAPI()
    app.include_router(webhook_router(receiver))
    return app


def prefixed(receiver: Receiver) -> ASGIApp:
    app = FastAPI()
    app.include_router(webhook_router(receiver, "/florentin"), prefix="/webhooks")
    return app


def under_a_root_path(receiver: Receiver) -> ASGIApp:
    app = FastAPI()
    app.include_router(webhook_router(receiver, "/florentin"))

    async def rooted(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "root_path": "/webhooks"}, receive, send)

    return rooted


def mounted(receiver: Receiver) -> ASGIApp:
    inner, app = FastAPI(), FastAPI()
    inner.include_router(webhook_router(receiver, "/florentin"))
    app.mount("/webhooks", inner)
    return app


def below_a_router(receiver: Receiver) -> ASGIApp:
    app = FastAPI()
    outer = webhook_router(Target().receiver, "/another")
    outer.include_router(webhook_router(receiver, "/florentin"), prefix="/webhooks")
    app.include_router(outer)
    return app


PLACES = [included, prefixed, under_a_root_path, mounted, below_a_router]


@pytest.mark.parametrize("place", PLACES)
def test_receiver_answers_both_paths_and_every_method(
    board: Switchboard, place: Callable[[Receiver], ASGIApp]
) -> None:
    board.connect(place(Target().receiver))
    for path, outcome in ((PATH, "processed"), (f"{PATH}/", "duplicate")):
        assert board.ask(path).outcome == outcome
        for method in METHODS:
            answer = board.ask(path, delivery()._replace(method=method))
            assert (answer.status, answer.headers["allow"]) == (405, "POST"), method
            assert method == "HEAD" or answer.outcome == "method-not-allowed", method


@pytest.mark.parametrize("path", [f"{PATH}//", f"{PATH}/x", f"/x{PATH}", PATH.upper()])
def test_other_paths_are_not_served(board: Switchboard, path: str) -> None:
    target = Target()
    board.connect(included(target.receiver))
    assert board.ask(path).status in (307, 404)
    assert target.ran == []


def test_router_works_beside_other_mounts(board: Switchboard) -> None:
    targets = [Target() for _ in range(4)]
    app = FastAPI(routes=[Route("/routed", WebhookApp(targets[0].receiver))])
    app.include_router(webhook_router(targets[1].receiver))
    app.router.routes.append(Mount("/mounted", WebhookApp(targets[2].receiver)))
    board.connect(WebhookMiddleware(app, receiver=targets[3].receiver, path="/in-front"))
    for path in ("/routed", PATH, "/mounted/", "/in-front"):
        assert board.ask(path).outcome == "processed"
    assert [len(target.ran) for target in targets] == [1, 1, 1, 1]


def test_other_endpoints_stay_unchanged(board: Switchboard) -> None:
    app = FastAPI()

    @app.post("/webhooks")
    async def webhooks(body: Annotated[dict[str, Any], Body()]) -> list[str]:
        return sorted(body)

    app.include_router(webhook_router(Target().receiver))
    board.connect(app)
    assert board.ask("/webhooks").body == b'["data","event","timestamp"]'


# --- its life ---


@asynccontextmanager
async def living(_: FastAPI) -> AsyncIterator[dict[str, str]]:
    yield {"theirs": "state"}


def test_receiver_is_closed_at_shutdown() -> None:
    seen: list[str] = []
    states: list[str] = []
    app = FastAPI(lifespan=living)

    @app.post("/state")
    async def state(request: Request) -> None:
        states.append(request.state.theirs)

    app.include_router(webhook_router(Target(store=ClosingStore(seen)).receiver))
    with under_uvicorn(app, lifespan="on") as port:
        for path in (PATH, "/state"):
            answer = ask(port, delivery(), path)
            assert answer is not None
            assert answer.status == 200
        assert seen == []
    assert (seen, states) == (["store closed"], ["state"])


# --- middlewares ---


class Streams(BaseHTTPMiddleware):
    """A middleware that uses up the body."""

    async def dispatch(
        self, request: StarletteRequest, call_next: RequestResponseEndpoint
    ) -> Response:
        async for _ in request.stream():
            pass
        return await call_next(request)


class Looks(BaseHTTPMiddleware):
    """A middleware that reads the body and leaves it."""

    async def dispatch(
        self, request: StarletteRequest, call_next: RequestResponseEndpoint
    ) -> Response:
        assert await request.body() == CANONICAL
        return await call_next(request)


class Drains:
    """A middleware of plain ASGI that uses up the body, after which nothing more comes."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await StarletteRequest(scope, receive).body()
        await self.app(scope, receive, send)


def around(middleware: Callable[..., ASGIApp], **options: Any) -> FastAPI:  # Any: its own.
    app = FastAPI()
    app.add_middleware(middleware, **options)
    app.include_router(webhook_router(Target().receiver, read_timeout=0.2))
    return app


def test_middleware_that_keeps_the_body_is_harmless(board: Switchboard) -> None:
    board.connect(around(Looks))
    assert board.ask(PATH).outcome == "processed"


def test_body_streamed_by_a_middleware_is_unavailable_and_logged(
    board: Switchboard, caplog: pytest.LogCaptureFixture
) -> None:
    board.connect(around(Streams))
    answer = board.ask(PATH)
    assert (answer.outcome, answer.status) == ("body-unavailable", 500)
    ((_, level, line),) = caplog.record_tuples
    assert level == logging.ERROR
    assert "Content-Length 169, 0 bytes arrived: a middleware read the body" in line


def test_body_drained_by_a_middleware_times_out_and_is_logged(
    board: Switchboard, caplog: pytest.LogCaptureFixture
) -> None:
    board.connect(around(Drains))
    assert board.ask(PATH).outcome == "read-timeout"
    (line,) = caplog.messages
    assert "Content-Length 169, 0 bytes arrived: a middleware read the body" in line


def test_compressed_replies_are_harmless(board: Switchboard) -> None:
    board.connect(around(GZipMiddleware, minimum_size=1))
    answer = board.ask(PATH, delivery().with_headers(("Accept-Encoding", "gzip")))
    assert (answer.status, answer.headers["content-encoding"]) == (200, "gzip")


def test_body_limit_of_the_program_is_respected(board: Switchboard) -> None:
    app = FastAPI(max_body_size=100)
    app.include_router(webhook_router(Target().receiver))
    board.connect(app)
    assert board.ask(PATH).status == 413
