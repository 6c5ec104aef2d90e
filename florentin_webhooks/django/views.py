"""The view of a receiver: synchronous under WSGI, in the event loop under ASGI.

It reads the body, bounded in size, past Django's own limits and parsers. It decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

from asgiref.sync import markcoroutinefunction, sync_to_async
from django.http import HttpResponse

from florentin_webhooks.core import wsgi
from florentin_webhooks.core.processing.loops import has_running_loop
from florentin_webhooks.django import conf
from florentin_webhooks.django.connections import (
    AllDatabases,
    discard_failed_connections,
    use_fresh_connections,
)
from florentin_webhooks.protocol.body import missing_body
from florentin_webhooks.protocol.headers import HeaderMap
from florentin_webhooks.protocol.request_url import asgi_url

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from django.core.handlers.asgi import ASGIRequest
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

    from florentin_webhooks.core.receiver import Receiver
    from florentin_webhooks.protocol.delivery import Reply

__all__ = ["WebhookView", "webhook_view"]

_NO_CONTENT = HTTPStatus.NO_CONTENT.value


def webhook_view(hooks: Receiver[object] | None = None) -> Callable[..., HttpResponseBase]:
    """Return the view of *hooks*, or else of the receiver of ``settings.FLORENTIN_WEBHOOKS``.

    It runs without an event loop under WSGI, and in it, without a thread, under ASGI. It needs
    no CSRF token and no login, and never runs inside ``ATOMIC_REQUESTS``. ``webhook_path`` serves
    it with and without a trailing slash; a pattern of your own must do so, too.
    """
    return cast("Callable[..., HttpResponseBase]", WebhookView(hooks))


class WebhookView:
    """A view that Django treats as a coroutine function while an event loop runs."""

    def __init__(self, hooks: Receiver[object] | None) -> None:
        self._hooks = hooks
        # Attributes of the instance, because decorators copy them to their wrappers.
        self.csrf_exempt = True
        self.login_required = False
        self._non_atomic_requests = AllDatabases()
        # Django and inspect ask for these with each request.
        self.__name__ = self.__qualname__ = type(self).__name__
        self.__code__ = self.__defaults__ = self.__kwdefaults__ = None
        if hooks is not None:
            use_fresh_connections(hooks)

    @property
    def is_of_settings(self) -> bool:
        """Whether the receiver is that of the settings."""
        return self._hooks is None

    @property
    def hooks(self) -> Receiver[object]:
        """The receiver that is served."""
        return conf.receiver() if self._hooks is None else self._hooks

    def __call__(
        self, request: HttpRequest, *_: object, **__: object
    ) -> HttpResponse | Coroutine[None, None, HttpResponse]:
        """Return the response; arguments captured by the URL pattern are ignored."""
        if has_running_loop():
            return _answer_async(self.hooks, request)
        try:
            return _response(_answer(self.hooks, request))
        finally:
            discard_failed_connections()


def _plain_function() -> None: ...


def _mark_in_loop(mark: object) -> property:
    """Return an attribute that is *mark* in an event loop, and None elsewhere.

    Not by __getattr__: Django asks for four attributes with each request, and each miss takes 1 us.
    """
    return property(lambda _: mark if has_running_loop() else None)


# The attribute by which Django recognises a coroutine function.
for _name, _mark in vars(markcoroutinefunction(_plain_function)).items():
    setattr(WebhookView, _name, _mark_in_loop(_mark))


def _answer(hooks: Receiver[object], request: HttpRequest) -> Reply:
    if _is_asgi(request):  # A synchronous wrapper around the view, in a thread.
        body = _buffered(request, hooks.max_body)
        url, params = _url(hooks, request), _params(request)
        return wsgi.answer(hooks, request.META, kept=body, url=url, path_params=params)
    # Django keeps b"" for a chunked body without reading it.
    kept: bytes | None = getattr(request, "_body", None)
    parsed = kept is None and bool(getattr(request, "_read_started", False))
    params = _params(request) if hooks.reads_request else None
    return wsgi.answer(hooks, request.META, kept=kept or None, consumed=parsed, path_params=params)


def _is_asgi(request: HttpRequest) -> bool:
    return hasattr(request, "scope")  # Not isinstance(): middlewares wrap requests.


async def _answer_async(hooks: Receiver[object], request: HttpRequest) -> HttpResponse:
    if not _is_asgi(request):  # An async wrapper around the view, under WSGI.
        return _response(await sync_to_async(_answer)(hooks, request))
    scope = cast("ASGIRequest", request).scope
    headers = HeaderMap(scope["headers"])
    reply = hooks.screen(scope["method"], headers)
    if reply is None:
        body = _buffered(request, hooks.max_body)
        reply = await _receive(hooks, headers, body, request)
    return _response(reply)


def _url(hooks: Receiver[object], request: HttpRequest) -> str | None:
    """Return the URL that the sender called, if the receiver reads it."""
    if not hooks.reads_request:
        return None
    scope = cast("ASGIRequest", request).scope
    return asgi_url(scope, HeaderMap(scope["headers"]))


async def _receive(
    hooks: Receiver[object], headers: HeaderMap, body: bytes, request: HttpRequest
) -> Reply:
    if not body and (missing := missing_body(headers)):
        return hooks.reject(*missing)
    if hooks.reads_request:
        return await hooks.areceive(headers, body, _url(hooks, request), _params(request))
    return await hooks.areceive(headers, body)


def _params(request: HttpRequest) -> Mapping[str, object] | None:
    """Return the parameters of the path, None without a URL pattern."""
    match = request.resolver_match
    return None if match is None else match.kwargs


def _buffered(request: HttpRequest, limit: int) -> bytes:
    """Return the body that Django has buffered, at most *limit* + 1 bytes of it.

    It is complete, also if a middleware has read from it.
    """
    stream = cast("Any", request)._stream  # noqa: SLF001 - no public API bypasses the limits.
    if not stream.seekable():  # The test client's, which refuses longer reads.
        return cast("bytes", stream.read())
    stream.seek(0)
    return cast("bytes", stream.read(limit + 1))


def _response(reply: Reply) -> HttpResponse:
    headers = dict(reply.headers)
    if reply.status != _NO_CONTENT:  # It must not have a length (RFC 9110, 8.6).
        headers["Content-Length"] = str(len(reply.body))
    return HttpResponse(reply.body, status=reply.status, headers=headers)
