"""Tools for agents without a process: the SDK's own client talks to a server in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import lru_cache, partial
from typing import Any, cast

from mcp import Client
from mcp.types import CallToolResult

from florentin_webhooks import Receiver
from florentin_webhooks.cli.agent.desk import verifier
from florentin_webhooks.core.replay import try_replay
from florentin_webhooks.mcp.answers import Finding
from florentin_webhooks.mcp.desk import Desk, Rights
from florentin_webhooks.mcp.server import build_server

FINDINGS = (Finding("redis", "ok", "It answers.", ""), Finding("worker", "warn", "None.", "Run."))


_server = lru_cache(maxsize=4)(build_server)
"""A server for several calls: building one takes longer than a call."""


def desk_of(
    hooks: Receiver[object],
    *,
    findings: Iterable[Finding] = FINDINGS,
    **rights: Any,  # Any: those of Rights.
) -> Desk:
    replay = partial(try_replay, hooks)
    return Desk(hooks, verifier(hooks), lambda: findings, replay, Rights(**rights))


def call(desk: Desk, tool: str, **arguments: object) -> dict[str, Any]:
    """Return what *tool* answers; its error as ``{"error": ...}``."""

    async def ask() -> CallToolResult:
        async with Client(_server(desk)) as client:
            return await client.call_tool(tool, arguments)

    result = asyncio.run(ask())
    if result.is_error:
        return {"error": cast("Any", result.content[0]).text}
    return cast("dict[str, Any]", result.structured_content)
