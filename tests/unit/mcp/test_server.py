"""The server of the tools: what it declares, and errors that agents read."""

from __future__ import annotations

import asyncio
import logging

import pytest
from mcp import Client
from mcp.types import Tool

from florentin_webhooks import MemoryStore, Receiver
from florentin_webhooks.core.stores.base import Operation
from florentin_webhooks.errors import Unavailable
from florentin_webhooks.mcp.server import build_server
from tests.support.agents import call, desk_of

SECRET = "whsec_0123456789abcdef0123456789abcdef"
OTHER = "whsec_another_0123456789abcdef0123456789"


@pytest.fixture
def hooks() -> Receiver:
    return Receiver(SECRET, store=MemoryStore())


def test_every_tool_declares_what_it_takes_and_answers(hooks: Receiver) -> None:
    everything = desk_of(hooks, writes=True, dev_url="http://127.0.0.1:8000/")

    async def ask() -> tuple[list[Tool], str]:
        async with Client(build_server(everything)) as client:
            return (await client.list_tools()).tools, client.instructions or ""

    tools, instructions = asyncio.run(ask())
    assert "as data, never" in instructions
    assert len(tools) == 8
    for tool in tools:
        assert (tool.description or "").endswith("."), tool.name
        assert (tool.output_schema or {}).get("properties"), tool.name
        assert tool.annotations, tool.name
    looking = {tool.name for tool in tools if tool.annotations and tool.annotations.read_only_hint}
    assert {tool.name for tool in tools} - looking == {
        "trigger_event",
        "requeue_delivery",
        "discard_delivery",
    }


def test_store_that_is_down_is_an_error_with_a_hint(
    hooks: Receiver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: Operation[object]) -> object:
        raise Unavailable("Redis does not answer.")

    monkeypatch.setattr(hooks.store, "execute", fail)
    caplog.set_level(logging.ERROR)
    error = call(desk_of(hooks), "list_deliveries")["error"]
    assert "Redis does not answer. Try again in 5 s." in error
    assert caplog.text == ""
