"""The router for FastAPI: how a program shows it, late bodies, refusals at start."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from types import FrameType
from typing import Any

import pytest
from fastapi import APIRouter, Depends, FastAPI
from fastapi import Request as FastAPIRequest
from starlette.requests import ClientDisconnect

from florentin_webhooks import Receiver, RedisStore, RQQueue
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.fastapi import webhook_router
from florentin_webhooks.protocol import replies
from florentin_webhooks.protocol.delivery import Outcome
from tests.support.http import Message, call, scope_of
from tests.support.openapi import JSON, fits, operation
from tests.support.receivers import Target
from tests.support.vectors import SECRET, Request, delivery

PATH = "/webhooks/florentin"


def program(receiver: Receiver, **options: Any) -> FastAPI:  # Any: of include_router.
    app = FastAPI()
    app.include_router(webhook_router(receiver, PATH), **options)
    return app


def test_openapi_is_served() -> None:
    app = program(Target().receiver)
    request = Request(((b"Host", b"localhost"),), b"", "GET")
    answer = asyncio.run(call(app, scope_of(request, "/openapi.json")))
    assert answer is not None
    assert json.loads(answer.body) == app.openapi()


def test_operation_has_the_prefix_and_tags_of_the_program() -> None:
    app = program(Target().receiver, prefix="/api", tags=["billing"])
    assert operation(app, f"/api{PATH}")["tags"] == ["billing"]


def test_router_can_hide_the_operation() -> None:
    app = FastAPI()
    app.include_router(webhook_router(Target().receiver, include_in_schema=False))
    assert app.openapi()["paths"] == {}
    assert "components" not in app.openapi()


def test_include_router_can_hide_the_operation() -> None:
    app = program(Target().receiver, include_in_schema=False)
    assert app.openapi()["paths"] == {}


def test_url_is_found_by_name() -> None:
    assert program(Target().receiver).url_path_for("florentin_webhook") == PATH


# --- the replies in the OpenAPI ---


def outcomes(app: FastAPI) -> dict[str, int]:
    """The outcomes that are shown, with their status."""
    return {
        outcome: int(status)
        for status, response in operation(app)["responses"].items()
        for outcome in _codes(response["content"]["application/json"]["schema"])
    }


def _codes(schema: JSON) -> list[str]:
    (inner,) = (each for each in schema["properties"].values() if "properties" in each)
    (codes,) = (each["enum"] for each in inner["properties"].values() if "enum" in each)
    return list(codes)


def test_every_outcome_is_shown_with_its_status() -> None:
    elsewhere = {Outcome.METHOD_NOT_ALLOWED, Outcome.ACCEPTED}
    assert outcomes(program(Target().receiver)) == {
        each.value: each.status for each in Outcome if each not in elsewhere
    }


def test_receiver_with_queue_shows_accepted() -> None:
    receiver = Receiver(SECRET, store=RedisStore("redis://localhost"), queue=RQQueue())
    assert outcomes(program(receiver))["accepted"] == 202


@pytest.mark.parametrize("outcome", [each for each in Outcome if each.status not in (202, 405)])
def test_reply_fits_the_schema_of_its_status(outcome: Outcome) -> None:
    app = program(Target().receiver)
    response = operation(app)["responses"][str(outcome.status)]
    settled = outcome.status == 200
    reply = replies.success(outcome, "0" * 32) if settled else replies.error(outcome)
    schema = response["content"]["application/json"]["schema"]
    assert fits(app.openapi(), schema, json.loads(reply.body))
    assert not fits(app.openapi(), schema, {"error": {"code": "other", "message": ""}})


@pytest.mark.parametrize("status", ["409", "500", "503"])
def test_retryable_responses_show_retry_after(status: str) -> None:
    response = operation(program(Target().receiver))["responses"][status]
    assert response["headers"]["Retry-After"]["schema"] == {"type": "integer"}


# --- requests ---


def test_sender_that_disconnects_gets_no_reply(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    incoming: list[Message] = [
        {"type": "http.request", "body": b"{", "more_body": True},
        {"type": "http.disconnect"},
    ]
    sent: list[Message] = []

    async def receive() -> Message:
        return incoming.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    app = program(Target().receiver)
    asyncio.run(app(scope_of(delivery(), PATH), receive, send))
    assert sent == []
    assert caplog.messages == ["The sender disconnected after 1 bytes."]


def test_disconnect_is_not_logged_as_a_refusal(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def reads(request: FastAPIRequest) -> None:
        await request.body()

    async def leaves() -> Message:
        return {"type": "http.disconnect"}

    async def send(_: Message) -> None: ...

    app = program(Target().receiver, dependencies=[Depends(reads)])
    with pytest.raises(ClientDisconnect):
        asyncio.run(app(scope_of(delivery(), PATH), leaves, send))
    assert caplog.messages == []


def test_late_body_is_a_read_timeout_in_time() -> None:
    async def never() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    app = FastAPI()
    app.include_router(webhook_router(Target().receiver, read_timeout=0.01))
    asyncio.run(app(scope_of(delivery(), PATH), never, send))
    assert sent[0]["status"] == 408


@pytest.mark.parametrize("dependencies", [[], [Depends(lambda: None)]])
def test_fastapi_searches_only_for_dependencies_that_exist(dependencies: list[Any]) -> None:
    calls: list[str] = []

    def record(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call":
            calls.append(frame.f_code.co_name)

    async def answer() -> int:
        app, made = program(Target().receiver, dependencies=dependencies), delivery()
        sys.setprofile(record)
        try:
            answered = await call(app, scope_of(made, PATH), [made.body])
        finally:
            sys.setprofile(None)
        assert answered is not None
        return answered.status

    assert asyncio.run(answer()) == 200
    # It takes as long as the rest of a delivery.
    assert ("solve_dependencies" in calls) is bool(dependencies)


# --- refusals at start ---


@pytest.mark.parametrize("path", ["webhooks", ""])
def test_path_without_leading_slash_is_refused(path: str) -> None:
    with pytest.raises(ConfigurationError, match="Begin it with a slash"):
        webhook_router(Target().receiver, path)


def test_empty_path_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="empty without its slashes"):
        webhook_router(Target().receiver, "/")


def test_router_is_an_api_router() -> None:
    assert isinstance(webhook_router(Target().receiver), APIRouter)


@pytest.mark.parametrize(
    ("absent", "said"),
    [
        (
            "fastapi",
            'FastAPI is not installed. Install it: pip install "florentin-webhooks[fastapi]"',
        ),
        ("starlette", "import of starlette halted; None in sys.modules"),
    ],
)
def test_missing_package_is_named(absent: str, said: str) -> None:
    program = (
        f"import sys; sys.modules[{absent!r}] = None\n"
        "try: import florentin_webhooks.fastapi\n"
        "except ModuleNotFoundError as error: print(error.name, error)"
    )
    reported = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert reported.stdout.decode().strip() == f"{absent} {said}"
