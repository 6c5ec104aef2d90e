"""Answer a delivery from Django's request: blocking under WSGI, in the event loop under ASGI.

Reads the body, bounded in size, past Django's own limits and parsers; decides nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from asgiref.sync import markcoroutinefunction, sync_to_async
from django.http import HttpResponse

from florentin_webhooks import wsgi
from florentin_webhooks.django import conf
from florentin_webhooks.django.connections import use_fresh_connections
from florentin_webhooks.protocol.delivery import Outcome
from florentin_webhooks.protocol.headers import HeaderMap
from florentin_webhooks.protocol.preconditions import reliable_content_length

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from django.core.handlers.asgi import ASGIRequest
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

    from florentin_webhooks.core.receiver import Receiver
    from florentin_webhooks.protocol.delivery import Reply

__all__ = ["WebhookView", "webhook_view"]


def webhook_view(hooks: Receiver | None = None) -> Callable[..., HttpResponseBase]:
    """Give the view that serves *hooks*, or else the receiver of ``settings.FLORENTIN_WEBHOOKS``.

    It runs without an event loop under WSGI, and in it under ASGI, without a thread. It needs no
    CSRF token and no login, and is never inside ``ATOMIC_REQUESTS``. ``webhook_path`` serves it at
    both forms of a path; a pattern of your own has to do that, too.
    """
    return cast("Callable[..., HttpResponseBase]", WebhookView(hooks))


class WebhookView:
    """Be the view; Django takes it for a coroutine function wherever an event loop runs."""

    def __init__(self, hooks: Receiver | None) -> None:
        self._hooks = hooks
        # Attributes of the object, since decorators around it copy those to their wrappers.
        self.csrf_exempt = True
        self.login_required = False
        self._non_atomic_requests = _EveryDatabase()
        if hooks is not None:
            use_fresh_connections(hooks)

    @property
    def is_of_settings(self) -> bool:
        """Whether the receiver is that of the settings."""
        return self._hooks is None

    @property
    def hooks(self) -> Receiver:
        """The receiver that is served."""
        return conf.receiver() if self._hooks is None else self._hooks

    def __call__(
        self, request: HttpRequest, *_: object, **__: object
    ) -> HttpResponse | Coroutine[None, None, HttpResponse]:
        """Answer *request*, whatever else its URL pattern has captured."""
        if _in_event_loop():
            return _answer_async(self.hooks, request)
        return _response(_answer(self.hooks, request))

    def __getattr__(self, name: str) -> object:
        """Give the mark of a coroutine function, in an event loop only."""
        if name in _MARK and _in_event_loop():
            return _MARK[name]
        message = f"{type(self).__name__!r} object has no attribute {name!r}"
        raise AttributeError(message)


class _EveryDatabase(set[str]):
    """Hold every alias, without asking the settings, which need not be there yet."""

    def __contains__(self, _: object) -> bool:
        return True


def _in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _unmarked() -> None: ...


_MARK: dict[str, object] = vars(markcoroutinefunction(_unmarked))
"""What tells Django that a view is a coroutine function: an attribute, by its name."""


def _answer(hooks: Receiver, request: HttpRequest) -> Reply:
    if _is_asgi(request):  # A wrapper without async around the view, in a thread.
        return wsgi.answer(hooks, request.META, kept=_buffered(request, hooks.max_body))
    # Of a body in chunks Django itself reads nothing, and keeps that: it is still to be read.
    kept: bytes | None = getattr(request, "_body", None)
    parsed = kept is None and bool(getattr(request, "_read_started", False))
    return wsgi.answer(hooks, request.META, kept=kept or None, consumed=parsed)


def _is_asgi(request: HttpRequest) -> bool:
    return hasattr(request, "scope")  # No isinstance(), since middlewares wrap requests.


async def _answer_async(hooks: Receiver, request: HttpRequest) -> HttpResponse:
    if not _is_asgi(request):  # A wrapper with async around the view, under WSGI.
        return _response(await sync_to_async(_answer)(hooks, request))
    scope = cast("ASGIRequest", request).scope
    headers = HeaderMap(scope["headers"])
    reply = hooks.screen(scope["method"], headers)
    if reply is None:
        reply = await _receive(hooks, headers, _buffered(request, hooks.max_body))
    return _response(reply)


async def _receive(hooks: Receiver, headers: HeaderMap, body: bytes) -> Reply:
    if not body and (promised := reliable_content_length(headers)):
        reason = f"Content-Length {promised}, 0 bytes arrived: a middleware read the body"
        return hooks.reject(Outcome.BODY_UNAVAILABLE, reason)
    return await hooks.areceive(headers, body)


def _buffered(request: HttpRequest, limit: int) -> bytes:
    """Give the body that Django has taken before, and one byte more than *limit* at most.

    It is whole, whatever a middleware has read of it.
    """
    stream = cast("Any", request)._stream  # noqa: SLF001 - there is no public way around the limits.
    if not stream.seekable():  # That of Django's test client, which tolerates no longer reads.
        return cast("bytes", stream.read())
    stream.seek(0)
    return cast("bytes", stream.read(limit + 1))


def _response(reply: Reply) -> HttpResponse:
    headers = {**dict(reply.headers), "Content-Length": str(len(reply.body))}
    return HttpResponse(reply.body, status=reply.status, headers=headers)
