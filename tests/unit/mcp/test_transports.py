"""The tools over HTTP: behind a token, and under known names only."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Any, cast

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from florentin_webhooks import MemoryStore, Receiver
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.mcp.server import build_server
from florentin_webhooks.mcp.transports import PATH, build_app, diverted_output, serve_stdio
from tests.support.agents import desk_of
from tests.support.server import under_uvicorn

TOKEN = "a-token-of-the-agents-tests"
SERVER = build_server(
    desk_of(Receiver("whsec_0123456789abcdef0123456789abcdef", store=MemoryStore()))
)
CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
HEADERS = {"accept": "application/json, text/event-stream", "authorization": f"Bearer {TOKEN}"}


def test_client_with_the_token_calls_tools() -> None:
    async def ask(port: int) -> bool:
        url = f"http://127.0.0.1:{port}{PATH}"
        async with (
            httpx2.AsyncClient(headers={"authorization": f"Bearer {TOKEN}"}) as http,
            Client(streamable_http_client(url, http_client=http)) as client,
        ):
            return (await client.call_tool("list_deliveries", {})).is_error

    with under_uvicorn(build_app(SERVER, TOKEN), lifespan="on") as port:
        assert asyncio.run(ask(port)) is False
        base = f"http://127.0.0.1:{port}"
        assert refused(base, {"authorization": "Bearer wrong"}) == 401
        assert refused(base, {"host": "rebound.example"}) == 421
        assert refused(base, {"host": "hooks.example"}) == 421
        assert refused(base, {"origin": "https://elsewhere.example"}) == 403
        assert refused(base, {"origin": base}) == 200


def refused(base: str, headers: dict[str, str]) -> int:
    return httpx2.post(f"{base}{PATH}", json=CALL, headers=HEADERS | headers).status_code


@pytest.mark.anyio
@pytest.mark.parametrize(
    "sent", ["", "Bearer", f"bearer {TOKEN}", f"Bearer {TOKEN} ", f"Bearer {TOKEN}x", "Bearer é"]
)
async def test_request_with_another_token_is_refused(sent: str) -> None:
    transport = httpx2.ASGITransport(build_app(SERVER, TOKEN))
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        headers = [(b"authorization", sent.encode())] if sent else []
        answer = await client.post(PATH, json=CALL, headers=headers)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert answer.json() == {"error": {"message": "invalid or missing bearer token"}}


@pytest.mark.anyio
async def test_request_with_two_tokens_is_refused() -> None:
    transport = httpx2.ASGITransport(build_app(SERVER, TOKEN))
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        twice = [("authorization", f"Bearer {TOKEN}"), ("authorization", "Bearer other")]
        assert (await client.post(PATH, json=CALL, headers=twice)).status_code == 401


def test_named_host_is_known() -> None:
    app = build_app(SERVER, TOKEN, ["hooks.example"])
    with under_uvicorn(app, lifespan="on") as port:
        assert refused(f"http://127.0.0.1:{port}", {"host": "hooks.example"}) == 200


@pytest.mark.parametrize("token", ["", "kP3f9c", "a-token-with-a-newline\n", "ä" * 20])
def test_token_that_cannot_protect_is_refused(token: str) -> None:
    with pytest.raises(ConfigurationError, match="The token for agents") as caught:
        build_app(SERVER, token)
    assert not token or token not in str(caught.value)


def test_output_of_a_block_goes_to_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    with diverted_output():
        os.write(1, b"diverted")
    os.write(1, b"protocol")
    assert capfd.readouterr() == ("protocol", "diverted")


def test_input_that_waits_can_be_interrupted() -> None:
    found: list[object] = []

    class Server:
        def run(self, _: str) -> None:
            found.append(signal.getsignal(signal.SIGINT))

    before = signal.getsignal(signal.SIGINT)
    try:
        serve_stdio(cast("Any", Server()))
    finally:
        signal.signal(signal.SIGINT, before)
    assert found == [signal.SIG_DFL]
