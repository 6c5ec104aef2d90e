"""Mount a receiver in FastAPI: a router whose OpenAPI shows the events.

Hands the request to the ASGI mount, which verifies the bytes as they came; FastAPI parses nothing.
Annotations are evaluated here, since FastAPI reads those of its endpoints.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from traceback import walk_tb
from typing import Annotated, Any

from florentin_webhooks import asgi
from florentin_webhooks.core.log import logger
from florentin_webhooks.core.receiver import Receiver
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.fastapi.openapi import OPERATION, EventSchema, responses
from florentin_webhooks.protocol.preconditions import path_variants

try:
    from fastapi import APIRouter, Body, Request, Response
except ModuleNotFoundError as missing:
    if missing.name != "fastapi":
        raise
    message = 'FastAPI is not installed; pip install "florentin-webhooks[fastapi]"'
    raise ModuleNotFoundError(message, name="fastapi") from None

from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

__all__ = ["webhook_router"]

_NAME = "florentin_webhook"


def webhook_router(
    hooks: Receiver,
    path: str = "/webhooks/florentin",
    *,
    read_timeout: float = asgi.READ_TIMEOUT,
    include_in_schema: bool = True,
) -> APIRouter:
    """Give a router that serves *hooks* at *path*, with and without a slash at its end.

    ``app.include_router(webhook_router(hooks))``. A body that has not arrived after *read_timeout*
    seconds is answered with 408. The OpenAPI shows the events by the receiver's own models, unless
    *include_in_schema* is False. Dependencies of the app and of ``include_router`` run before
    anything is verified. The receiver is closed when the app shuts down.

    Raises :class:`ConfigurationError` for a path that has not both forms.
    """
    app = asgi.WebhookApp(hooks, read_timeout=read_timeout)
    router = APIRouter(
        lifespan=_closing(hooks), route_class=AuditedRoute, include_in_schema=include_in_schema
    )
    forms = _forms(path)
    for form in forms:
        router.add_api_route(
            form, _serving(app), methods=["POST"], name=_NAME, include_in_schema=False
        )
    for form in forms:
        # Takes every other method, since an endpoint that is no function is served as it is.
        router.routes.append(Route(form, app, name=_NAME, include_in_schema=False))
    _show(router, forms[0], hooks)
    return router


def _forms(path: str) -> tuple[str, str]:
    forms = path_variants(path)
    if not forms[0]:
        refusal = (
            f"the path {path!r} has no form without a slash at its end; give the place here, as in "
            'webhook_router(hooks, "/webhooks/florentin"), and not as a prefix'
        )
        raise ConfigurationError(refusal)
    return forms


def _closing(hooks: Receiver) -> Callable[[object], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def closing(_: object) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            await hooks.aclose()

    return closing


def _serving(app: asgi.WebhookApp) -> Callable[[Request], Awaitable[Response]]:
    async def florentin_webhook(request: Request) -> Response:
        return DelegatingResponse(app, request)

    return florentin_webhook


def _show(router: APIRouter, path: str, hooks: Receiver) -> None:
    """Add a route for the OpenAPI alone: the ones before it take every request."""
    events = EventSchema(lambda: tuple(hooks.models.values()))

    async def florentin_webhook(event: Annotated[object, Body(), events]) -> None:
        """Take an event that Florentin has signed.

        Types of events that are not listed here are taken, too.
        """

    router.add_api_route(
        path,
        florentin_webhook,
        methods=["POST"],
        name=_NAME,
        responses=responses(queue=hooks.queue is not None),
        openapi_extra=OPERATION,
    )


class DelegatingResponse(Response):
    """Let the ASGI mount answer, once FastAPI has run the dependencies."""

    def __init__(self, app: asgi.WebhookApp, request: Request) -> None:
        super().__init__()
        self._app = app
        self._request = request

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - the request has it.
        async with aclosing(self._request.stream()) as chunks:
            await self._app(scope, _receiving(chunks), send)
        if self.background is not None:  # A dependency's.
            await self.background()


def _receiving(chunks: AsyncGenerator[bytes, None]) -> Receive:
    """Receive from the request that the dependencies saw, which keeps a body that they read."""

    async def receive() -> Message:
        try:
            chunk = await anext(chunks, b"")
        except ClientDisconnect:
            return {"type": "http.disconnect"}
        except RuntimeError:  # A dependency consumed the stream.
            chunk = b""
        return {"type": "http.request", "body": chunk, "more_body": bool(chunk)}

    return receive


class AuditedRoute(APIRoute):
    """Tell the log where a dependency refuses a delivery, of which the receiver never hears."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Give what FastAPI calls for a request."""
        handle = super().get_route_handler()
        told: set[str] = set()

        async def handle_or_tell(request: Request) -> Response:
            try:
                return await handle(request)
            except ClientDisconnect:
                raise
            except Exception as error:
                culprit = _culprit(error)
                if culprit not in told:  # Each of them once, since anybody can cause this line.
                    told.add(culprit)
                    logger.error(_REFUSED, culprit)
                raise

        return handle_or_tell


_REFUSED = (
    "a delivery was refused before it was verified, by a dependency of the program around the "
    "receiver: %s; this is told once"
)


def _culprit(error: Exception) -> str:
    """Name what refused and where, by nothing that a request can choose."""
    name = type(error).__name__
    if isinstance(error, RequestValidationError):
        return f"{name}: {', '.join(sorted({_place(each) for each in error.errors()}))}"
    *_, (frame, line) = walk_tb(error.__traceback__)
    where = f"{frame.f_code.co_filename.rpartition('/')[2]}:{line}"
    status = f" {error.status_code}" if isinstance(error, HTTPException) else ""
    return f"{name}{status} at {where}"


def _place(problem: Mapping[str, Any]) -> str:  # Any: pydantic's.
    kind, *names = problem["loc"]
    # What is missing bears the program's name for it; all others may be the sender's.
    declared = problem["type"] == "missing" and kind != "body"
    return f"{kind} {names[0]}" if declared else str(kind)
