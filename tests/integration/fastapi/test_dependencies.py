"""Dependencies of FastAPI programs, which run before a delivery is verified."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import pytest
from fastapi import BackgroundTasks, Body, Depends, FastAPI, Header, HTTPException, Request

from florentin_webhooks.fastapi import webhook_router
from tests.support.receivers import Target
from tests.support.server import Switchboard
from tests.support.vectors import CANONICAL
from tests.support.waiting import eventually

PATH = "/webhooks/florentin"


def lines(log: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    """What the package has logged, with the level."""
    return [(e.levelname, e.getMessage()) for e in log.records if e.name == "florentin_webhooks"]


async def reads(request: Request) -> None:
    assert await request.body() == CANONICAL


async def streams(request: Request) -> None:
    async for _ in request.stream():
        pass


def refuses() -> None:
    raise HTTPException(401, "who are you?")


def breaks() -> None:
    raise ZeroDivisionError


def wants_a_header(x_token: Annotated[str, Header()]) -> None:
    raise AssertionError(x_token)


def wants_a_body(numbers: Annotated[dict[str, int], Body()]) -> None:
    raise AssertionError(numbers)


def takes_any_body(body: Annotated[dict[str, object], Body()]) -> None:
    assert body["event"] == "invoice.created"


def behind(dependency: Callable[..., object]) -> FastAPI:
    app = FastAPI(dependencies=[Depends(dependency)])
    app.include_router(webhook_router(Target().receiver))
    return app


@pytest.mark.parametrize("dependency", [reads, takes_any_body])
def test_body_read_by_a_dependency_is_verified_unchanged(
    board: Switchboard, dependency: Callable[..., object]
) -> None:
    board.connect(behind(dependency))
    assert board.ask(PATH).outcome == "processed"


def test_body_streamed_by_a_dependency_is_unavailable_and_logged(
    board: Switchboard, caplog: pytest.LogCaptureFixture
) -> None:
    board.connect(behind(streams))
    answer = board.ask(PATH)
    assert (answer.outcome, answer.status) == ("body-unavailable", 500)
    ((_, line),) = lines(caplog)
    assert "Content-Length 169, 0 bytes arrived" in line


@pytest.mark.parametrize(
    ("dependency", "status", "refusal"),
    [
        (refuses, 401, "HTTPException 401 at test_dependencies.py:"),
        (breaks, 500, "ZeroDivisionError at test_dependencies.py:"),
        (wants_a_header, 422, "RequestValidationError: header x-token;"),
        (wants_a_body, 422, "RequestValidationError: body;"),
    ],
)
def test_refusing_dependency_is_logged_once(
    board: Switchboard,
    caplog: pytest.LogCaptureFixture,
    dependency: Callable[..., object],
    status: int,
    refusal: str,
) -> None:
    board.connect(behind(dependency))
    assert [board.ask(PATH).status for _ in range(3)] == [status] * 3
    ((level, line),) = lines(caplog)
    assert level == "ERROR"
    assert f"before its signature was verified: {refusal}" in line


def test_log_of_a_refusal_holds_nothing_of_the_request(
    board: Switchboard, caplog: pytest.LogCaptureFixture
) -> None:
    board.connect(behind(wants_a_body))
    board.ask(PATH)
    assert "invoice" not in str(lines(caplog))


def test_dependency_of_another_router_does_not_run(board: Switchboard) -> None:
    app = FastAPI()
    app.include_router(
        webhook_router(Target().receiver, "/closed"), dependencies=[Depends(refuses)]
    )
    app.include_router(webhook_router(Target().receiver))
    board.connect(app)
    assert (board.ask(PATH).status, board.ask("/closed").status) == (200, 401)


def test_background_task_of_a_dependency_runs(board: Switchboard) -> None:
    done: list[str] = []

    def leaves_work(tasks: BackgroundTasks) -> None:
        tasks.add_task(done.append, "counted")

    board.connect(behind(leaves_work))
    assert board.ask(PATH).outcome == "processed"
    eventually(lambda: done)  # It is done after the answer.
    assert done == ["counted"]
