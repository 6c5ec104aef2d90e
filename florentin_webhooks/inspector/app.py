"""The mount for ASGI: an application for any prefix, with or without a framework."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Generic, ParamSpec, Protocol, TypeVar

from florentin_webhooks.inspector.access import Access
from florentin_webhooks.inspector.request import MAX_FORM, PageRequest
from florentin_webhooks.inspector.response import Changes, PageResponse, text
from florentin_webhooks.inspector.site import Site
from florentin_webhooks.inspector.sources import Sources
from florentin_webhooks.protocol.headers import HeaderMap
from florentin_webhooks.protocol.preconditions import without_root

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from starlette.types import ASGIApp, Receive, Scope, Send

    from florentin_webhooks.core.receiver import Receiver
    from florentin_webhooks.core.replay import Run
    from florentin_webhooks.inspector.access import Auth
    from florentin_webhooks.inspector.simulation import Simulation
    from florentin_webhooks.protocol.delivery import Delivery, Reply

__all__ = ["Inspector", "PageApp", "PageSite", "mount_inspector"]

P = ParamSpec("P")
T = TypeVar("T")

_READ_SECONDS = 10.0
_LONGEST_STREAM = 10.0
"""Seconds after which a stream of events ends by itself, and the page asks for the next."""
_PULSE, _PULSES = 0.25, 4
"""How often a stream looks whether it must end, and whether there is something new."""
_MOST_STREAMS = 50
_THREADS = 8
"""Threads of the pages. A replay waits in one for handlers that may need the loop's own threads."""


class PageSite(Protocol):
    """Pages: a request in, a response out."""

    def respond(
        self, request: PageRequest, runs: Callable[[Receiver[object]], Run], /
    ) -> PageResponse:
        """Return the response to *request*; *runs* returns how a receiver runs replays."""
        ...


SiteT = TypeVar("SiteT", bound=PageSite)


class PageApp(Generic[SiteT]):
    """An ASGI application for any prefix that serves the pages of *site*, in threads."""

    def __init__(self, site: SiteT, is_stopping: Callable[[], bool]) -> None:
        self.site = site
        self._is_stopping = is_stopping
        self._streams = 0
        self._threads = ThreadPoolExecutor(_THREADS, "florentin-inspector")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, and the lifespan protocol where this is the whole program."""
        if scope["type"] == "http":
            await self._serve(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
        else:
            await _serve_lifespan(receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = without_root(scope["path"], scope.get("root_path", ""))
        if path in ("", scope.get("root_path", "")):
            # Relative links need the slash.
            name = scope["path"].rpartition("/")[2]
            await _send(send, PageResponse(307, added=(("Location", f"{name}/"),)), scope)
            return
        body = await _read(receive) if scope["method"] == "POST" else b""
        if body is None:
            await _send(send, text(413, "The form is too large, or came too slowly."), scope)
            return
        request = _to_request(scope, path, body)
        loop = asyncio.get_running_loop()
        response = await self._in_thread(self.site.respond, request, _runs_in(loop))
        if response.changes is None or scope["method"] == "HEAD":
            await _send(send, response, scope)
        else:
            known = request.header("last-event-id") or ""
            await self._stream(receive, send, response, Changes(response.changes, known))

    def _in_thread(self, work: Callable[P, T], *args: P.args, **options: P.kwargs) -> Awaitable[T]:
        run = partial(copy_context().run, work, *args, **options)
        return asyncio.get_running_loop().run_in_executor(self._threads, run)

    async def _stream(
        self, receive: Receive, send: Send, response: PageResponse, changes: Changes
    ) -> None:
        """Send an event for each change, until the client leaves, the time or the program ends."""
        if self._streams >= _MOST_STREAMS:
            await _send(send, text(503, "Too many pages are open.", ("Retry-After", "15")), None)
            return
        self._streams += 1
        left = asyncio.ensure_future(_disconnected(receive))
        try:
            await send(_start(response, ("X-Accel-Buffering", "no")))
            await send(_chunk("retry: 1000\n\n"))
            await self._send_changes(send, changes, left)
            await send({"type": "http.response.body", "body": b""})
        finally:
            left.cancel()
            self._streams -= 1

    async def _send_changes(self, send: Send, changes: Changes, left: asyncio.Future[None]) -> None:
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + _LONGEST_STREAM
        while loop.time() < ends_at:
            if event := await self._in_thread(changes.next_event):
                await send(_chunk(event))
            for _ in range(_PULSES):
                if left.done() or self._is_stopping():
                    return
                await asyncio.wait({left}, timeout=_PULSE)


class Inspector(PageApp[Site]):
    """An ASGI application that shows the deliveries of *receivers*, and replays them.

    Mount it at a prefix: ``Mount("/webhooks-inspector", Inspector(hooks, auth=...))``. *auth* is a
    function of the :class:`PageRequest` that returns whether it may see the pages, or a user with a
    password. Without it only programs on this machine may. *hosts* are the names under which it is
    reached, beside those of this machine; None: any. *show_bodies*: bodies are personal data, and
    not shown by default; nor are the texts of errors, *show_errors*, which may quote them.

    Raises :class:`ConfigurationError` without a receiver or Jinja2, and for an invalid *auth*.
    """

    def __init__(
        self,
        *receivers: Receiver[object],
        auth: Auth | None = None,
        hosts: Sequence[str] | None = (),
        show_bodies: bool = False,
        show_errors: bool = False,
        simulation: Simulation | None = None,
        is_stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        site = Site(
            Sources(receivers),
            Access(auth, hosts),
            show_bodies=show_bodies,
            show_errors=show_errors,
            simulation=simulation,
            is_live=True,
        )
        super().__init__(site, is_stopping)


def mount_inspector(app: ASGIApp, inspector: ASGIApp, prefix: str) -> ASGIApp:
    """Return *app* with *inspector* in front of it, at *prefix*."""

    below = f"{prefix}/"

    async def mounted(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not f"{scope['path']}/".startswith(below):
            await app(scope, receive, send)
        else:
            inner = {**scope, "root_path": scope.get("root_path", "") + prefix}
            await inspector(inner, receive, send)

    return mounted


def _runs_in(loop: asyncio.AbstractEventLoop) -> Callable[[Receiver[object]], Run]:
    """Return a function that runs replays in *loop*, where the handlers' connections live."""

    def of(hooks: Receiver[object]) -> Run:
        def run(delivery: Delivery, envelope: Mapping[str, object]) -> Reply:
            return asyncio.run_coroutine_threadsafe(
                hooks.aprocess(delivery, envelope), loop
            ).result()

        return run

    return of


def _to_request(scope: Scope, path: str, body: bytes) -> PageRequest:
    client = scope.get("client")
    return PageRequest(
        method=scope["method"],
        path=path,
        query_string=scope.get("query_string", b"").decode("latin-1"),
        headers=HeaderMap(scope["headers"]),
        body=body,
        client=client[0] if client else None,
        is_secure=scope.get("scheme") == "https",
        native=scope,
    )


async def _read(receive: Receive) -> bytes | None:
    """Return the body, or None for one that is too large or too slow."""
    body = bytearray()
    try:
        async with asyncio.timeout(_READ_SECONDS):
            while True:
                message = await receive()
                body += message.get("body", b"")
                if len(body) > MAX_FORM or message["type"] == "http.disconnect":
                    return None
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        return None


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send(send: Send, response: PageResponse, scope: Scope | None) -> None:
    is_head = scope is not None and scope["method"] == "HEAD"
    await send(_start(response, ("Content-Length", str(len(response.body)))))
    await send({"type": "http.response.body", "body": b"" if is_head else response.body})


def _start(response: PageResponse, *added: tuple[str, str]) -> dict[str, object]:
    headers = [
        (name.lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in (*response.headers, *added)
    ]
    return {"type": "http.response.start", "status": int(response.status), "headers": headers}


def _chunk(content: str) -> dict[str, object]:
    return {"type": "http.response.body", "body": content.encode(), "more_body": True}


async def _serve_lifespan(receive: Receive, send: Send) -> None:
    while (await receive())["type"] != "lifespan.shutdown":
        await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})
