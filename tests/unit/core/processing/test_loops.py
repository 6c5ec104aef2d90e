"""Whether an event loop runs in this thread or greenlet, and new loops beside it."""

from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar

import pytest

from florentin_webhooks.asgi import WebhookApp, WebhookMiddleware
from florentin_webhooks.core import wsgi
from florentin_webhooks.core.processing.loops import has_running_loop, run_in_new_loop
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.events import InvoiceCreated
from tests.support.http import environ_of
from tests.support.receivers import Target
from tests.support.vectors import delivery

PLACE = ContextVar("PLACE", default="elsewhere")


async def seen() -> tuple[asyncio.AbstractEventLoop, str]:
    return asyncio.get_running_loop(), PLACE.get()


def test_loop_runs_only_inside_it() -> None:
    async def inside() -> tuple[bool, bool]:
        return has_running_loop(), await asyncio.to_thread(has_running_loop)

    assert not has_running_loop()
    assert asyncio.run(inside()) == (True, False)


def test_loop_of_another_greenlet_is_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    async def beside() -> bool:
        monkeypatch.setattr(threading, "get_ident", lambda: 1)  # As gevent replaces it.
        return has_running_loop()

    # Not uvloop, which uvicorn 0.35 makes the loop of a whole process.
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        assert not runner.run(beside())


def test_new_loop_runs_beside_a_running_one_in_its_context() -> None:
    async def outside() -> None:
        PLACE.set("here")
        loop, place = run_in_new_loop(seen)
        assert loop is not asyncio.get_running_loop()
        assert place == "here"

    asyncio.run(outside())


def test_blocking_mount_runs_every_handler_below_a_running_loop() -> None:
    ran: list[str] = []
    target = Target()

    @target.receiver.on(InvoiceCreated)
    async def wait(event: InvoiceCreated) -> None:
        await asyncio.sleep(0)
        ran.append(event.data.invoice.id)

    @target.receiver.on(InvoiceCreated)
    def note(event: InvoiceCreated) -> None:
        ran.append(event.data.invoice.id)

    async def program() -> str:
        return wsgi.answer(target.receiver, environ_of(delivery(), "/")).outcome

    assert asyncio.run(program()) == "processed"
    assert len(ran) == 2


def test_receiver_outside_asyncio_fails_with_a_clear_sentence() -> None:
    flow = Target().receiver.areceive([], b"")
    with pytest.raises(ConfigurationError, match=r"runs in trio .* asyncio worker"):
        flow.send(None)


def test_mount_outside_asyncio_fails_before_the_first_request() -> None:
    async def unused(*_: object) -> None:
        raise AssertionError

    for mount in (
        WebhookApp(Target().receiver),
        WebhookMiddleware(unused, receiver=Target().receiver),
    ):
        with pytest.raises(ConfigurationError, match="runs in trio"):
            mount({"type": "lifespan"}, unused, unused).send(None)  # type: ignore[arg-type]
