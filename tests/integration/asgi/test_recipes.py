"""The programs of docs/asgi.md do what the page says, under a real server."""

from __future__ import annotations

import importlib.util
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import NamedTuple

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from florentin_webhooks import MemoryStore
from florentin_webhooks.asgi import WebhookMiddleware
from florentin_webhooks.testing import Provider
from tests.support.http import Connection, ask, raw
from tests.support.markdown import ROOT, Page
from tests.support.server import Switchboard, under_uvicorn
from tests.support.vectors import Request

PAGE = Page(ROOT / "docs" / "asgi.md")
PATH = "/webhooks/florentin"
SECRET = re.findall("whsec_[0-9a-f]+", PAGE.text)[0]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """The Python of the page, as a module."""
    file = tmp_path_factory.mktemp("docs") / "recipes.py"
    file.write_text(PAGE.python())
    spec = importlib.util.spec_from_file_location("recipes", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with logging_untouched():
        spec.loader.exec_module(module)
    return module


@contextmanager
def logging_untouched() -> Iterator[None]:
    """Undo what Litestar configures, for the tests that follow."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


class Row(NamedTuple):
    """What the table says of a mount, and a program that has it."""

    mount: str
    build: Callable[[ModuleType], ASGIApp]


ROWS = [
    Row("webhook_router", lambda page: page.fastapi_app),
    Row("WebhookMiddleware", lambda page: page.app),
    Row("Route for both forms", lambda page: page.starlette_app),
    Row("Route for one form", lambda page: Starlette(routes=[Route(PATH, page.endpoint)])),
    Row("asgi()", lambda page: page.litestar_app),
    Row("WebhookApp", lambda page: page.whole),
    Row("Mount", lambda page: Starlette(routes=[Mount(PATH, page.endpoint)])),
]
each_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.mount)


def claimed(mount: str) -> list[str]:
    """The cells of *mount* in the table, but for its name."""
    (cells,) = (row for name, row in PAGE.rows().items() if name.startswith(mount))
    return cells


def made(method: str = "POST") -> Request:
    """A delivery that was not sent before."""
    headers, body = Provider(SECRET).make("invoice.created")
    pairs = ((name.encode(), value.encode()) for name, value in headers.items())
    return Request(tuple(pairs), body, method)


@each_row
def test_documented_mounts_answer_as_their_table_says(
    board: Switchboard, page: ModuleType, row: Row
) -> None:
    board.connect(row.build(page))
    seen = {path: str(board.ask(path, made()).status) for path in (PATH, f"{PATH}/")}
    path = next(path for path, status in seen.items() if status == "200")
    others = {
        (answer.status, answer.headers["allow"])
        for method in ("GET", "PUT", "DELETE", "OPTIONS", "TRACE")
        for answer in [board.ask(path, made(method))]
    }
    assert claimed(row.mount)[:3] == [*seen.values(), "405"]
    assert others == {(405, "POST")}


class ClosingStore(MemoryStore):
    """A store that records when it is closed."""

    closed = 0

    async def aclose(self) -> None:
        self.closed += 1


@contextmanager
def watched(page: ModuleType) -> Iterator[ClosingStore]:
    before, page.hooks.store = page.hooks.store, ClosingStore()
    yield page.hooks.store
    page.hooks.store = before


@each_row
def test_documented_mounts_close_the_receiver_as_their_table_says(
    page: ModuleType, row: Row
) -> None:
    with watched(page) as store, under_uvicorn(row.build(page), lifespan="on") as port:
        ask(port, made(), f"{PATH}/")
        assert store.closed == 0
    theirs = row.mount in ("Route for one form", "Mount")  # As built above, without a lifespan.
    assert store.closed == (0 if theirs else 1)
    assert (claimed(row.mount)[3] == "yes") == (
        row.mount in ("webhook_router", "WebhookMiddleware", "WebhookApp")
    )


@pytest.mark.parametrize("name", ["bare", "guarded"])
@pytest.mark.parametrize("path", [PATH, f"{PATH}/"])
def test_other_documented_programs_process_deliveries(
    board: Switchboard, page: ModuleType, name: str, path: str
) -> None:
    board.connect(getattr(page, name))
    assert board.ask(path, made()).outcome == "processed"
    assert board.ask(path, made("GET")).outcome == "method-not-allowed"
    assert board.ask("/else", made()).status == 404


@pytest.mark.parametrize("name", ["bare", "litestar_app", "fastapi_app"])
def test_forgery_is_refused(board: Switchboard, page: ModuleType, name: str) -> None:
    forged = made().with_headers(("X-Florentin-Signature", "sha256=" + "0" * 64))
    board.connect(getattr(page, name))
    answer = board.ask(PATH, forged)
    assert (answer.outcome, answer.status) == ("invalid-signature", 401)


@pytest.mark.parametrize("name", ["bare", "litestar_app", "fastapi_app"])
def test_chunked_body_is_assembled(board: Switchboard, page: ModuleType, name: str) -> None:
    data = raw(made(), PATH)
    board.connect(getattr(page, name))
    with Connection(board.port) as connection:
        connection.send(data[:-20])
        connection.send(data[-20:])
        answer = connection.answer()
    assert answer is not None
    assert answer.outcome == "processed"


def test_documented_api_dependency_does_not_affect_the_receiver(
    board: Switchboard, page: ModuleType
) -> None:
    page.api.post("/whoami")(lambda: "somebody")
    board.connect(page.guarded)
    stranger = made().with_headers(("Authorization", "Bearer of-nobody"))
    assert board.ask(PATH, stranger).status == 200
    assert board.ask("/api/whoami", stranger).status == 401


def test_middleware_serves_in_front_of_litestar(board: Switchboard, page: ModuleType) -> None:
    board.connect(WebhookMiddleware(page.litestar_app, receiver=page.hooks, path="/in-front"))
    assert board.ask("/in-front", made()).outcome == "processed"
    assert board.ask(PATH, made()).outcome == "processed"
    assert board.ask("/else", made()).status == 404


def test_earlier_middleware_sees_no_delivery(board: Switchboard, page: ModuleType) -> None:
    def refusing(_: ASGIApp) -> ASGIApp:
        return PlainTextResponse("who are you?", 401)

    app = Starlette()
    app.add_middleware(refusing)
    app.add_middleware(WebhookMiddleware, receiver=page.hooks)
    board.connect(app)
    assert (board.ask(PATH, made()).status, board.ask("/else", made()).status) == (200, 401)
