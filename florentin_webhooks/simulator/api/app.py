"""The API as an ASGI application: Starlette reads requests, and writes JSON."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

from florentin_webhooks.errors import Unavailable
from florentin_webhooks.simulator.api.endpoint import Call
from florentin_webhooks.simulator.api.openapi import document
from florentin_webhooks.simulator.api.operations import by_path
from florentin_webhooks.simulator.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.types import ASGIApp

    from florentin_webhooks.simulator.api.endpoint import Endpoint
    from florentin_webhooks.simulator.api.operations import Operation

__all__ = ["PREFIX", "build_api"]

PREFIX = "/api/v1"
_LARGEST = 65_536
_READ_SECONDS = 10.0


def build_api(endpoint: Endpoint, fallback: ASGIApp) -> Starlette:
    """Return the application; everything that is not below ``/api/v1`` goes to *fallback*."""
    routes = [Route("/openapi.json", _describe)]
    routes += [_route(endpoint, path, methods) for path, methods in by_path().items()]
    return Starlette(
        routes=[Mount(PREFIX, routes=routes), Mount("/", fallback)],
        exception_handlers={HTTPException: _answer_http, Refusal: _refuse, Unavailable: _fail},
    )


def _route(endpoint: Endpoint, path: str, methods: Mapping[str, Operation]) -> Route:
    async def respond(request: Request) -> JSONResponse:
        operation = methods["GET" if request.method == "HEAD" else request.method]
        call = Call(
            request.headers.get("authorization"),
            request.path_params.get("id", ""),
            request.query_params.multi_items(),
            await _read(request),
        )
        reply = await run_in_threadpool(endpoint.respond, operation, call)
        return JSONResponse(reply.content, reply.status)

    return Route(path, respond, methods=list(methods))


async def _read(request: Request) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(_READ_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > _LARGEST:
                    raise Refusal(413, f"the body is larger than {_LARGEST} bytes")
    except TimeoutError:
        raise Refusal(408, "the body came too slowly") from None
    return bytes(body)


async def _describe(_: Request) -> JSONResponse:
    return JSONResponse(document())


def _error(status: int, message: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"error": {"message": message}}, status, headers)


async def _refuse(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Refusal)  # noqa: S101 - Starlette's type is wider.
    headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else None  # noqa: PLR2004
    return _error(error.status, error.message, headers)


async def _answer_http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101
    return _error(error.status_code, error.detail.lower(), error.headers)


async def _fail(_: Request, error: Exception) -> JSONResponse:
    return _error(503, str(error), {"Retry-After": "1"})
