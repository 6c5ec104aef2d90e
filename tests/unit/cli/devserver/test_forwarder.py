"""What ``dev --forward`` serves: each delivery goes on to the other program, and nothing runs."""

from __future__ import annotations

import logging
import threading
from typing import Any

import httpx2
import pytest

from florentin_webhooks import Receiver
from florentin_webhooks.cli.devserver import forwarder
from florentin_webhooks.cli.devserver.forwarder import Forwarder, forwarding
from florentin_webhooks.cli.devserver.web import PATH, build_app
from florentin_webhooks.protocol.headers import HeaderMap
from florentin_webhooks.testing import Provider
from tests.support.answering import Answering
from tests.support.command_line import error, type_in

SECRET = "a-secret-of-sixteen-and-more"


def make_hooks() -> Receiver:
    hooks = Receiver(SECRET, max_body=1000)
    hooks.on("user.login")(lambda _: pytest.fail("A handler ran."))
    return hooks


@pytest.mark.anyio
async def test_delivery_and_forgery_go_on_and_replies_come_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    made = Provider(SECRET).make("user.login")
    with Answering() as program:
        transport = httpx2.ASGITransport(build_app(forwarding(make_hooks(), f"{program.url}/page")))
        async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
            reply = await client.post(PATH, content=made.body, headers=made.headers)
            await client.post(PATH, content=made.body)
            large = await client.post(PATH, content=b" " * 1001, headers=made.headers)
    assert (reply.status_code, large.status_code) == (404, 413)
    first, _ = program.requests
    assert first.body == made.body
    assert first.headers["x-florentin-signature"] == made.headers["X-Florentin-Signature"]
    messages = [record.getMessage() for record in caplog.records if "forwarded" in record.msg]
    assert messages[0].startswith("forwarded user.login ")
    assert messages[1] == "forwarded invalid-signature: 404"


@pytest.mark.anyio
async def test_program_without_a_reply_makes_the_sender_retry(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    made = Provider(SECRET).make("user.login")
    absent = Forwarder(make_hooks(), "http://127.0.0.1:9")
    assert (await absent.receive_in(HeaderMap(made.headers), made.body)).status == 503
    assert "http://127.0.0.1:9 gave no reply (ConnectionRefusedError)" in caplog.text

    is_over = threading.Event()

    def wait(*_: Any, **__: Any) -> None:  # Any: as forward().
        is_over.wait(30)

    monkeypatch.setattr(forwarder, "forward", wait)
    slow = Forwarder(make_hooks(), "http://127.0.0.1:9", seconds=0.001)
    assert (await slow.receive_in(HeaderMap(made.headers), made.body)).status == 503
    is_over.set()


def test_target_that_cannot_be_used_is_refused() -> None:
    words = ("dev", "shop.hooks:hooks", "--forward")
    assert "is not an http:// or https:// URL" in error(type_in(*words, "localhost:9000"))
    assert "Remove --reload." in error(type_in(*words, "http://localhost:9", "--reload"))
