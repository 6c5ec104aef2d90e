"""The view of Django programs: one object, blocking or in the event loop, past every guard."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import partial, wraps
from tempfile import SpooledTemporaryFile
from typing import Any, cast

import pytest
from asgiref.sync import async_to_sync, iscoroutinefunction
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client
from django.urls import URLPattern, path
from pydantic import SecretStr

from florentin_webhooks import MemoryStore, Receiver
from florentin_webhooks.django import conf, webhook_path, webhook_view
from florentin_webhooks.events import Event
from tests.support.django_settings import configure, described
from tests.support.http import Answer, environ_of, scope_of
from tests.support.receivers import Target
from tests.support.vectors import CANONICAL, SECRET, T0, Request, delivery

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
PASSWORD = "pa55word"
MULTIPART = "multipart/form-data; boundary=x"
View = Callable[..., Any]  # Any: blocking or not.


@pytest.fixture(autouse=True)
def _django() -> None:
    configure()


def sent(kind: str) -> Request:
    return delivery().with_headers(("Content-Type", kind))


def asgi_request(kind: str) -> ASGIRequest:
    """A request whose body Django has taken, as it does under ASGI."""
    scope = scope_of(sent(kind).with_headers(("Content-Length", str(len(CANONICAL)))), "/")
    body = SpooledTemporaryFile(max_size=10)  # noqa: SIM115 - the request's to close.
    body.write(CANONICAL)
    body.seek(0)
    return ASGIRequest(scope, body)


def reported(response: Any) -> Answer:
    return Answer(response.status_code, dict(response.headers), response.content)


def blocking(view: View, kind: str = JSON, before: Callable[[HttpRequest], object] = id) -> Answer:
    """The answer of *view* under WSGI, after a middleware has done *before*."""
    request = WSGIRequest(environ_of(sent(kind), "/"))
    before(request)
    return reported(view(request))


def in_loop(view: View, kind: str = JSON, before: Callable[[HttpRequest], object] = id) -> Answer:
    """The answer of *view* under ASGI."""

    async def answer() -> HttpResponse:
        assert iscoroutinefunction(view)
        return cast("HttpResponse", await view(request))

    with closing(asgi_request(kind)) as request:
        before(request)
        return reported(asyncio.run(answer()))


def read_one(request: HttpRequest) -> None:
    request.read(1)


def touch_post(request: HttpRequest) -> None:
    request.POST  # noqa: B018 - as a middleware that looks for a field.


def touch_body(request: HttpRequest) -> None:
    request.body  # noqa: B018 - as a middleware that logs it.


def test_view_is_synchronous_outside_an_event_loop() -> None:
    view = webhook_view(Target().receiver)
    assert not iscoroutinefunction(view)
    assert blocking(view).outcome == "processed"


def test_view_is_a_coroutine_function_in_an_event_loop() -> None:
    assert in_loop(webhook_view(Target().receiver)).outcome == "processed"


def test_synchronous_wrapper_works_under_asgi() -> None:
    view = webhook_view(Target().receiver)
    with closing(asgi_request(JSON)) as request:
        assert reported(cast("HttpResponse", view(request))).outcome == "processed"


def test_async_wrapper_works_under_wsgi() -> None:
    view = webhook_view(Target().receiver)

    async def wrapper(request: HttpRequest) -> HttpResponse:
        return cast("HttpResponse", await cast("Any", view(request)))

    request = WSGIRequest(environ_of(sent(JSON), "/"))
    assert reported(async_to_sync(wrapper)(request)).outcome == "processed"


def test_wrapped_request_is_recognised() -> None:
    class Wrapped:
        def __init__(self, request: HttpRequest) -> None:
            self._inside = request

        def __getattr__(self, name: str) -> object:
            return getattr(self._inside, name)

    view = webhook_view(Target().receiver)
    with closing(asgi_request(JSON)) as request:
        assert reported(view(cast("HttpRequest", Wrapped(request)))).outcome == "processed"


def test_captured_url_arguments_are_ignored() -> None:
    view = webhook_view(Target().receiver)
    assert blocking(partial(view, tenant="ada")).outcome == "processed"


@pytest.mark.parametrize("before", [touch_body, touch_post])
@pytest.mark.parametrize("kind", [JSON, FORM])
@pytest.mark.parametrize("server", [blocking, in_loop])
def test_body_buffered_by_django_is_used(
    server: Callable[..., Answer], kind: str, before: Callable[[HttpRequest], object]
) -> None:
    assert server(webhook_view(Target().receiver), kind, before).outcome == "processed"


@pytest.mark.parametrize(("kind", "before"), [(MULTIPART, touch_post), (JSON, read_one)])
def test_body_read_by_a_middleware_is_unavailable_under_wsgi(
    kind: str, before: Callable[[HttpRequest], object], caplog: pytest.LogCaptureFixture
) -> None:
    answer = blocking(webhook_view(Target().receiver), kind, before)
    assert (answer.status, answer.outcome) == (500, "body-unavailable")
    assert "a middleware read the body" in caplog.text


@pytest.mark.parametrize(("kind", "before"), [(MULTIPART, touch_post), (JSON, read_one)])
def test_body_read_by_a_middleware_is_available_under_asgi(
    kind: str, before: Callable[[HttpRequest], object]
) -> None:
    assert in_loop(webhook_view(Target().receiver), kind, before).outcome == "processed"


def test_body_read_before_django_is_unavailable_under_asgi(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def drain(request: HttpRequest) -> None:
        cast("Any", request)._stream.truncate(0)

    answer = in_loop(webhook_view(Target().receiver), JSON, drain)
    assert (answer.status, answer.outcome) == (500, "body-unavailable")
    assert f"Content-Length {len(CANONICAL)}, 0 bytes arrived" in caplog.text


def test_reply_has_the_receivers_headers_and_a_length() -> None:
    answer = blocking(webhook_view(Target().receiver))
    assert answer.headers == {"Content-Type": JSON, "Content-Length": str(len(answer.body))}


def test_wrappers_keep_the_exemptions() -> None:
    view = webhook_view(Target().receiver)

    @wraps(view)
    def wrapper(request: HttpRequest) -> Any: ...  # Any: as the view.

    marks = cast("Any", wrapper)
    assert marks.csrf_exempt is True
    assert marks.login_required is False
    assert "any database" in marks._non_atomic_requests


@pytest.mark.parametrize("server", [blocking, in_loop])
def test_view_without_receiver_serves_that_of_the_settings(
    server: Callable[..., Answer],
) -> None:
    with described({"SECRETS": SECRET, "STORE": "memory"}):
        assert server(webhook_view()).outcome == "stale"  # Its date is in 2026.


def test_invalid_settings_are_improperly_configured() -> None:
    with described({"SECRETS": "short"}), pytest.raises(ImproperlyConfigured, match="5 bytes"):
        blocking(webhook_view())


def test_django_test_clients_send_deliveries() -> None:
    given = delivery().without("Content-Type").headers
    headers: dict[str, Any] = {n.decode(): v.decode() for n, v in given}  # Any: Django's **extra.
    hooks = Target().receiver
    with described({}, ROOT_URLCONF=(webhook_path("hook", hooks),)):
        first = Client(headers=headers).post("/hook", CANONICAL, JSON)
        # Early versions of 5.2 write the names in headers= in a form that ASGI requests drop.
        second = asyncio.run(AsyncClient().post("/hook", CANONICAL, JSON, **headers))
    assert [reported(first).outcome, reported(second).outcome] == ["processed", "duplicate"]


def test_disconnect_cancels_async_handler_and_retry_reruns_it() -> None:
    begun, hooks = asyncio.Event(), Receiver(SECRET, store=MemoryStore(), clock=lambda: T0)

    @hooks.on(Event)
    async def wait(_: Event) -> None:
        if not begun.is_set():
            begun.set()
            await asyncio.Event().wait()

    async def leaving() -> None:
        incoming = [{"type": "http.request", "body": CANONICAL}]

        async def receive() -> dict[str, Any]:
            if incoming:
                return incoming.pop()
            await begun.wait()
            return {"type": "http.disconnect"}

        async def send(_: object) -> None:
            raise AssertionError("the client is gone")

        await ASGIHandler()(scope_of(delivery(), "/hook"), receive, send)

    with described({}, MIDDLEWARE=[], ROOT_URLCONF=(webhook_path("hook", hooks),)):
        asyncio.run(leaving())
    assert in_loop(webhook_view(hooks)).outcome == "processed"


def page(given: Mapping[str, object], *urls: URLPattern) -> str:
    """What Django shows under DEBUG where the view at "/hook" fails."""
    with described({**given}, DEBUG=True, ROOT_URLCONF=urls):
        conf.problems()  # As when Django is set up.
        answer = Client(raise_request_exception=False).post("/hook", b"", JSON)
    assert answer.status_code == 500
    return answer.content.decode()


@pytest.mark.answers("LOG-04")
@pytest.mark.parametrize(
    "wrong", [{"SECRETS": PASSWORD}, {"STORE": SecretStr(f"redis://u:{PASSWORD}@h/?a=b")}]
)
def test_error_page_of_invalid_settings_shows_no_secret(wrong: dict[str, object]) -> None:
    shown = page({"SECRETS": [SECRET], **wrong}, webhook_path("hook"))
    assert "run: manage.py check" in shown
    assert "FLORENTIN_WEBHOOKS" in shown
    assert PASSWORD not in shown
    assert SECRET not in shown


@pytest.mark.answers("LOG-04")
def test_error_page_of_another_view_shows_no_secret() -> None:
    def fails(_: HttpRequest) -> HttpResponse:
        raise ZeroDivisionError

    url = SecretStr(f"redis://u:{PASSWORD}@localhost:1")  # Django shows a plain one.
    given = {"SECRETS": {"new": SECRET}, "STORE": url}
    shown = page(given, path("hook", fails))
    assert "SecretStr" in shown
    assert PASSWORD not in shown
    assert SECRET not in shown


def test_error_page_of_a_failed_receiver_shows_no_secret() -> None:
    hooks = Receiver(SECRET, store=MemoryStore(), queue=None)
    hooks.receive_blocking = lambda *_: 1 / 0  # type: ignore[method-assign,assignment]  # it fails.
    assert SECRET not in page({"SECRETS": SECRET}, webhook_path("hook", hooks))
