"""Programs that show what a server passes on: ``asgi``, ``wsgi``, and bridges between them."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.deliveries import PATH, SECRET
from florentin_webhooks import MemoryStore, Receiver, events
from florentin_webhooks.asgi import WebhookMiddleware
from florentin_webhooks.core.wsgi import answer

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

__all__ = ["HANG_UP", "NOTES", "PROBE", "SLOW", "asgi", "wsgi"]

NOTES = "PROBE_NOTES"
"""The variable that names the file in which the slow handler writes when it was cancelled."""

PROBE = "/probe"
"""The path that replies with the root path and the path of the request."""

SLOW = "user.login"
HANG_UP = 5.0
"""The event whose handler takes long, and how many seconds."""

hooks = Receiver(SECRET, store=MemoryStore())
hooks.on("invoice.created")(lambda _: None)


@hooks.on(SLOW)
async def wait(_: events.UserLogin) -> None:
    """Wait, and write down whether that was cancelled."""
    ended = "finished"
    try:
        await asyncio.sleep(HANG_UP)
    except asyncio.CancelledError:
        ended = str(time.time())
        raise
    finally:
        _note(ended)


def _note(text: str) -> None:
    Path(os.environ[NOTES]).write_text(text)


async def _reply_to_probe(scope: Scope, _: Receive, send: Send) -> None:
    if scope["type"] != "http":
        return
    content = json.dumps([scope.get("root_path", ""), scope["path"]]).encode()
    headers = [(b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": content})


asgi = WebhookMiddleware(_reply_to_probe, receiver=hooks, path=PATH)
"""The program that receives deliveries, and replies to a probe at any other path."""


def wsgi(
    environ: Mapping[str, Any],  # Any: as PEP 3333 has it, here and below.
    start_response: Callable[..., Any],
) -> Iterable[bytes]:
    """Reply to a probe, and receive deliveries at any other path."""
    if not environ["PATH_INFO"].endswith(PROBE):
        reply = answer(hooks, environ)
        length = ("Content-Length", str(len(reply.body)))
        start_response(f"{reply.status} {reply.outcome}", [*reply.headers, length])
        return [reply.body]
    content = json.dumps([environ.get("SCRIPT_NAME"), environ["PATH_INFO"]]).encode()
    start_response("200 OK", [("Content-Length", str(len(content)))])
    return [content]


def build_a2wsgi() -> object:
    """Return ``wsgi`` in an ASGI server, by a2wsgi."""
    from a2wsgi import WSGIMiddleware  # noqa: PLC0415 - one of the servers that may be missing.

    return WSGIMiddleware(wsgi)


def build_asgiref() -> object:
    """Return ``wsgi`` in an ASGI server, by asgiref."""
    from asgiref.wsgi import WsgiToAsgi  # noqa: PLC0415 - the same.

    return WsgiToAsgi(wsgi)
