"""Senders that give up while a handler runs, over TCP: the handler runs once, and ends."""

from __future__ import annotations

import asyncio
import threading

import pytest

from florentin_webhooks.asgi import WebhookApp
from florentin_webhooks.events import Event
from tests.support.http import Connection, ask, raw
from tests.support.receivers import Target
from tests.support.server import under_uvicorn
from tests.support.vectors import delivery
from tests.support.waiting import eventually

PATH = "/webhooks/florentin"


class Slow:
    """A receiver whose handler ends when a test says so."""

    def __init__(self, *, plain: bool) -> None:
        self.receiver = Target(handled=False).receiver
        self.go_on = threading.Event()
        self.started: list[Event] = []
        self.ended: list[Event] = []
        self.receiver.on(Event)(self.plain if plain else self.coroutine)

    def plain(self, event: Event) -> None:
        """Wait in a thread."""
        self.started.append(event)
        assert self.go_on.wait(60)
        self.ended.append(event)

    async def coroutine(self, event: Event) -> None:
        """Wait in the event loop."""
        self.started.append(event)
        assert await asyncio.to_thread(self.go_on.wait, 60)
        self.ended.append(event)


def outcome(port: int) -> str:
    answer = ask(port, delivery(), PATH)
    assert answer is not None
    return answer.outcome


@pytest.mark.answers("RPL-14")
@pytest.mark.parametrize("reader", ["h11", "httptools"])
@pytest.mark.parametrize("plain", [True, False], ids=["def", "async def"])
def test_handler_outlives_its_sender_and_the_retry_waits(reader: str, plain: bool) -> None:
    slow = Slow(plain=plain)
    with under_uvicorn(WebhookApp(slow.receiver), reader) as port:
        with Connection(port) as connection:
            connection.send(raw(delivery(), PATH))
            eventually(lambda: slow.started)
        assert outcome(port) == "in-progress"
        slow.go_on.set()
        eventually(lambda: slow.ended)
        eventually(lambda: outcome(port) == "duplicate")
    assert len(slow.started) == 1
