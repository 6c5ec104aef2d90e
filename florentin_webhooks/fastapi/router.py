"""A router that serves a receiver in FastAPI and shows its events in the OpenAPI.

It passes the request to the ASGI app, which verifies the raw bytes; FastAPI parses nothing.
Annotations are evaluated in this module, because FastAPI reads those of its endpoints.
"""

import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from typing import Annotated, Any, ClassVar, cast

from florentin_webhooks.asgi.mounts import READ_TIMEOUT, WebhookApp
from florentin_webhooks.asgi.start import check_store
from florentin_webhooks.core.log import error_location, logger
from florentin_webhooks.core.receiver import Receiver
from florentin_webhooks.errors import ConfigurationError
from florentin_webhooks.fastapi.openapi import EventSchema, operation, responses
from florentin_webhooks.protocol.preconditions import path_variants
from florentin_webhooks.protocol.suggestions import missing_extra

try:
    from fastapi import APIRouter, Body, Request, Response
except ModuleNotFoundError as missing:
    raise missing_extra(missing, "fastapi", "FastAPI") from None

from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

__all__ = ["webhook_router"]

_NAME = "florentin_webhook"
_OTHER_EVENTS = "Event types that are not listed here are accepted, too."


def webhook_router(
    hooks: Receiver[object],
    path: str = "/webhooks/florentin",
    *,
    read_timeout: float = READ_TIMEOUT,
    include_in_schema: bool = True,
) -> APIRouter:
    """Return a router that serves *hooks* at *path*, with and without a trailing slash.

    ``app.include_router(webhook_router(hooks))``. A body that has not arrived after *read_timeout*
    seconds is answered with 408. The OpenAPI shows the events by the receiver's own models, unless
    *include_in_schema* is False. Dependencies of the app and of ``include_router`` run before the
    signature is verified. The receiver is closed when the app shuts down.

    Raises :class:`ConfigurationError` for a path that is empty without its slashes.
    """
    app = WebhookApp(hooks, read_timeout=read_timeout)
    router = APIRouter(
        lifespan=_start_and_close(hooks),
        route_class=type("WebhookRoute", (AuditedRoute,), {"receiving": app}),
        include_in_schema=include_in_schema,
    )
    variants = _path_variants(path)
    for variant in variants:
        router.add_api_route(
            variant, _endpoint(app), methods=["POST"], name=_NAME, include_in_schema=False
        )
    for variant in variants:
        # For all other methods: Starlette calls an endpoint that is not a function as it is.
        router.routes.append(Route(variant, app, name=_NAME, include_in_schema=False))
    _add_to_schema(router, variants[0], hooks)
    return router


def _path_variants(path: str) -> tuple[str, str]:
    variants = path_variants(path)
    if not variants[0]:
        raise ConfigurationError(
            f"The path {path!r} is empty without its slashes.",
            "Pass the whole path here, and not as a prefix: "
            'webhook_router(hooks, "/webhooks/florentin").',
        )
    return variants


def _start_and_close(
    hooks: Receiver[object],
) -> Callable[[object], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: object) -> AsyncGenerator[None]:
        await check_store(hooks)
        try:
            yield
        finally:
            await hooks.aclose()

    return lifespan


def _endpoint(app: WebhookApp) -> Callable[[Request], Awaitable[Response]]:
    async def florentin_webhook(request: Request) -> Response:
        return DelegatingResponse(app, request)

    return florentin_webhook


def _add_to_schema(router: APIRouter, path: str, hooks: Receiver[object]) -> None:
    """Add a route for the OpenAPI only: the routes before it match every request."""
    events = EventSchema(lambda: tuple(hooks.models.values()))

    async def florentin_webhook(event: Annotated[object, Body(), events]) -> None: ...

    router.add_api_route(
        path,
        florentin_webhook,
        methods=["POST"],
        name=_NAME,
        description=f"Receive an event signed by {hooks.sender.name}. {_OTHER_EVENTS}",
        responses=responses(queue=hooks.queue is not None),
        openapi_extra=operation(hooks.sender),
    )


class DelegatingResponse(Response):
    """A response written by the ASGI app, after FastAPI has run the dependencies."""

    def __init__(self, app: WebhookApp, request: Request) -> None:
        super().__init__()
        self._app = app
        self._request = request

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - the request has it.
        async with aclosing(self._request.stream()) as chunks:
            await self._app(scope, _receive_from(chunks), send)
        if self.background is not None:  # Set by a dependency.
            await self.background()


def _receive_from(chunks: AsyncGenerator[bytes, None]) -> Receive:
    """Return *chunks* as ASGI messages; the request keeps a body that dependencies have read."""

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
    """A route that logs dependencies that refuse deliveries before the receiver sees them."""

    receiving: ClassVar[WebhookApp]
    """The app that answers."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler of a request."""
        handle = super().get_route_handler()
        if not _has_dependencies(handle):
            return self._pass_on
        logged: set[str] = set()

        async def handle_and_log(request: Request) -> Response:
            try:
                return await handle(request)
            except ClientDisconnect:
                raise
            except Exception as error:
                refusal = _describe_refusal(error)
                if refusal not in logged:  # Each once, because any stranger can cause this line.
                    logged.add(refusal)
                    logger.error(_REFUSED, refusal)
                raise

        return handle_and_log

    async def _pass_on(self, _: Request) -> Response:
        """Return the app, which is the response, past FastAPI's search for dependencies.

        That and what follows it take as long as the rest of a delivery.
        """
        return cast("Response", self.receiving)


def _has_dependencies(handle: Callable[[Request], Coroutine[Any, Any, Response]]) -> bool:
    """Return whether FastAPI's *handle* does more than call the endpoint; True in doubt."""
    found = inspect.getclosurevars(handle).nonlocals.get("dependant")
    return any(getattr(found, name, None) != [] for name in _PARTS)


_PARTS = [
    "dependencies",
    "path_params",
    "query_params",
    "header_params",
    "cookie_params",
    "body_params",
]
"""The attributes of FastAPI's dependant that a request can make it compute."""

_REFUSED = (
    "a dependency of the program refused a delivery before its signature was verified: %s; "
    "logged once"
)


def _describe_refusal(error: Exception) -> str:
    """Return what refused and where, without anything that a request can choose."""
    name = type(error).__name__
    if isinstance(error, RequestValidationError):
        return f"{name}: {', '.join(sorted({_parameter(each) for each in error.errors()}))}"
    status = f" {error.status_code}" if isinstance(error, HTTPException) else ""
    return f"{name}{status} at {error_location(error)}"


def _parameter(problem: Mapping[str, Any]) -> str:  # Any: pydantic's.
    kind, *names = problem["loc"]
    # The name of a missing parameter is the program's; other names may be the sender's.
    declared = problem["type"] == "missing" and kind != "body"
    return f"{kind} {names[0]}" if declared else str(kind)
