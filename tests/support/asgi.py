"""Be an ASGI server inside the test: one request in, one answer out, no socket between."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, MutableMapping
from typing import Any

from starlette.types import ASGIApp

from tests.support.http import Answer
from tests.support.vectors import Request

__all__ = ["call", "scope_of"]

Message = MutableMapping[str, Any]  # Any: what ASGI says.


def scope_of(request: Request, path: str, *, root_path: str = "") -> dict[str, Any]:
    """The scope of *request*, with header names in lower case as servers give them."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": root_path,
        "query_string": b"",
        "headers": [(name.lower(), value) for name, value in request.headers],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
    }


async def call(
    app: ASGIApp, scope: dict[str, Any], chunks: Iterable[bytes] = (b"",)
) -> Answer | None:
    """Give *app* a request with a body of *chunks*; None where it sent no answer."""
    given = list(chunks)
    incoming: list[Message] = [
        {"type": "http.request", "body": chunk, "more_body": number < len(given)}
        for number, chunk in enumerate(given, 1)
    ]
    sent: list[Message] = []

    async def receive() -> Message:
        if not incoming:
            await asyncio.Event().wait()  # As a server waits for a client that waits for it.
        return incoming.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    if not sent:
        return None
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return Answer(sent[0]["status"], headers, b"".join(m.get("body", b"") for m in sent[1:]))
