"""Transports of the test kit: straight to the receiver, or through a framework's test client."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, Protocol, cast

from florentin_webhooks.core.processing.loops import has_running_loop
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.testing.transport import Response, read_outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from florentin_webhooks.core.receiver import Receiver
    from florentin_webhooks.testing.delivery import SignedDelivery

__all__ = ["DEFAULT_PATH", "Transport", "client_transport", "direct_transport", "is_async_client"]

DEFAULT_PATH = "/webhooks/florentin"

_NOT_FOUND = 404


class Transport(Protocol):
    """A way to send a delivery."""

    def __call__(self, made: SignedDelivery, /) -> Awaitable[Response]:
        """Return the response to *made*."""
        ...


def direct_transport(receiver: Receiver[object], url: str | None, *, blocking: bool) -> Transport:
    """Return a transport to *receiver* itself, which the sender calls at *url*."""

    async def send(made: SignedDelivery) -> Response:
        if blocking:
            _ensure_no_running_loop()
            reply = receiver.receive(made.headers, made.body, url)
        else:
            reply = await receiver.areceive(made.headers, made.body, url)
        return Response(reply.status, reply.outcome.value, dict(reply.headers), reply.body)

    return send


def _ensure_no_running_loop() -> None:
    if has_running_loop():
        raise ConfigurationError(
            "webhooks delivers inside a running event loop, as async tests have one.",
            "Use the fixture async_webhooks, or open_async_webhooks, and await what sends.",
        )


def client_transport(client: object, path: str) -> Transport:
    """Return a transport through the test client of a framework, to *path*."""
    post = _posting(client)

    async def send(made: SignedDelivery) -> Response:
        answer = post(path, made.headers, made.body)
        response = _read(await answer if inspect.isawaitable(answer) else answer)
        if response.status == _NOT_FOUND and not response.outcome:
            raise ConfigurationError(
                f"The program serves nothing at {path}: its status is 404.",
                'Pass the path of your mount: webhooks.through(client, "/hooks").',
            )
        return response

    return send


def is_async_client(client: object) -> bool:
    """Return whether requests through *client* must be awaited."""
    return inspect.iscoroutinefunction(getattr(client, "post", None))


def _posting(client: object) -> Callable[[str, Mapping[str, str], bytes], Any]:
    """Return a function that posts, by the framework that *client* belongs to."""
    if not callable(getattr(client, "post", None)):
        raise ConfigurationError(
            f"{type(client).__name__} is not a test client: it has no post().",
            "Pass the test client of Starlette, FastAPI, Flask or Django.",
        )
    post = cast("Any", client).post  # Any: the frameworks' types are not known here.
    rooms = {each.__module__.partition(".")[0] for each in type(client).__mro__}
    if "django" in rooms:
        return lambda path, headers, body: post(path, headers=headers, **_django(headers, body))
    if rooms & {"werkzeug", "flask"}:
        return lambda path, headers, body: post(path, headers=dict(headers), data=body)
    return lambda path, headers, body: post(path, headers=dict(headers), content=body)


def _django(headers: Mapping[str, str], body: bytes) -> dict[str, object]:
    return {"data": body, "content_type": headers.get("Content-Type", "application/json")}


def _read(answer: Any) -> Response:  # Any: a response of any framework.
    body = answer.content if hasattr(answer, "content") else answer.data
    headers = {str(name): str(value) for name, value in dict(answer.headers).items()}
    return Response(answer.status_code, read_outcome(body), headers, body)
