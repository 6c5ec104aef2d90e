"""``mcp`` serves tools over a receiver: one real process, and what is refused at start."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from tests.support.command_line import environment, error, type_in
from tests.support.operated import Operated


@pytest.fixture
def shop(directory: Path, redis_url: str) -> Iterator[Operated]:
    shop = Operated(directory, redis_url)
    yield shop
    shop.close()


def edit(shop: Operated, old: str, new: str) -> None:
    path = shop.directory / f"{shop.module}.py"
    path.write_text(path.read_text().replace(old, new))


def test_agent_corrects_a_handler_and_requeues_its_delivery(shop: Operated) -> None:
    edit(shop, "from pathlib", "print('a line of the module')\nfrom pathlib")
    edit(shop, 'note("greet")', 'print("a line of a handler"); note("greet")')
    (shop.directory / "broken").touch()
    fingerprint = shop.sent("user.login")
    words = ["-m", "florentin_webhooks", "mcp", shop.app, "--allow-writes"]
    process = StdioServerParameters(
        command=sys.executable, args=words, env=environment(), cwd=shop.directory
    )

    async def correct() -> tuple[str, str]:
        async with Client(stdio_client(process, sys.stderr)) as client:
            found = await client.call_tool("explain_delivery", {"delivery": fingerprint[:8]})
            # The server has imported the module before.
            edit(shop, "raise ValueError", "pass  #")
            done = await client.call_tool("requeue_delivery", {"delivery": fingerprint})
            return str(found.structured_content), str(done.structured_content)

    found, done = asyncio.run(correct())
    assert "greet failed: ValueError" in found
    assert "'done': True, 'outcome': 'processed'" in done
    assert (shop.directory / "effects").read_text() == "greet\n"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--http"], "FLORENTIN_MCP_TOKEN is not set"),
        (["--dev-url", "https://shop.example/webhooks"], "is not an http:// URL of this machine"),
        (["--dev-url", "http://127.0.0.1.example/"], "is not an http:// URL of this machine"),
    ],
)
def test_options_that_open_too_much_are_refused(options: list[str], words: str) -> None:
    result = type_in("mcp", "shop:hooks", *options, environ={"FLORENTIN_MCP_TOKEN": None})
    assert result.exit_code == 2
    assert words in error(result)


def test_short_token_is_refused_and_not_shown(shop: Operated) -> None:
    shop.environ = {"FLORENTIN_MCP_TOKEN": "short-token"}
    result = shop.types("mcp", "--http", "--port", "0")
    assert result.exit_code == 2
    assert "shorter than 16 characters" in result.stderr
    assert "short-token" not in result.output


def test_store_of_another_process_cannot_be_served(shop: Operated) -> None:
    result = shop.types("mcp", app=shop.app.replace(":hooks", ":inline"))
    assert result.exit_code == 2
    assert "uses MemoryStore, which other processes cannot read" in result.stderr
    assert result.stdout == ""


def test_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("florentin_webhooks.cli.commands.agent.mcp.find_spec", lambda _: None)
    result = type_in("mcp", "shop:hooks")
    assert result.exit_code == 1
    assert 'pip install "florentin-webhooks[mcp]"' in error(result)
