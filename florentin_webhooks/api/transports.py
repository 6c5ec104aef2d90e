"""The two transports over httpx2: blocking, and for asyncio. Only this module imports httpx2."""

from __future__ import annotations

import asyncio
import os
import time
from asyncio import AbstractEventLoop
from collections.abc import AsyncIterator, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    aclosing,
    closing,
    nullcontext,
)
from dataclasses import dataclass
from ssl import SSLContext
from threading import Lock
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import httpx2

from florentin_webhooks.api.exchange import NoReply
from florentin_webhooks.api.request import APIReply
from florentin_webhooks.api.settings import LONGEST_REPLY
from florentin_webhooks.errors import APIError

if TYPE_CHECKING:
    from florentin_webhooks.api.request import APIRequest, ModelT
    from florentin_webhooks.api.settings import Settings

__all__ = ["AsyncioTransport", "BlockingTransport"]

_UNSENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
_LONGEST_CONNECT = 5.0
_LONGEST_REASON = 200
_TOO_SLOW = "it took longer than {:g} s"


class BlockingTransport:
    """A pool of connections that threads share; a forked process opens its own."""

    def __init__(self, settings: Settings, transport: httpx2.BaseTransport | None) -> None:
        self._settings = settings
        self._transport = transport
        self._lock = Lock()
        self._client: httpx2.Client | None = None
        self._process = 0
        self._is_closed = False

    async def send(self, request: APIRequest[ModelT], seconds: float) -> APIReply:
        """Send *request*; between two parts of the reply, the time is checked."""
        end = self.now() + seconds
        client = self._open()
        built = _build(client, request, self._settings, seconds)
        try:
            with closing(client.send(built, stream=True)) as response:
                return _reply(response, self._read(_plain(response).iter_bytes(), end, seconds))
        except httpx2.TransportError as error:
            reason, was_sent = _describe(error), not isinstance(error, _UNSENT)
        # Not chained: the cause holds the request, and so the token.
        raise NoReply(reason, was_sent=was_sent)

    async def pause(self, seconds: float) -> None:
        """Wait, with the thread."""
        time.sleep(seconds)  # noqa: ASYNC251 - a flow that never suspends runs it.

    def now(self) -> float:
        """Return monotonic seconds."""
        return time.monotonic()

    def close(self) -> None:
        """Close the connections of this process; nothing is sent any more."""
        with self._lock:
            self._is_closed = True
            client, self._client = self._client, None
        if client is not None and self._process == os.getpid():
            client.close()

    def _open(self) -> httpx2.Client:
        """Return the client of this process: two must not write to one connection."""
        with self._lock:
            _check_open(is_closed=self._is_closed)
            if self._client is None or self._process != os.getpid():
                self._client = httpx2.Client(
                    headers=self._settings.headers, transport=self._transport
                )
                self._process = os.getpid()
            return self._client

    def _read(self, chunks: Iterator[bytes], end: float, seconds: float) -> bytes:
        body = bytearray()
        for chunk in chunks:
            body += chunk
            _check_size(len(body))
            if self.now() > end:
                raise NoReply(_TOO_SLOW.format(seconds))
        return bytes(body)


class AsyncioTransport:
    """Connections of an event loop: kept in ``async with``, else opened for each request.

    A connection belongs to its loop, and a worker may run each handler in a loop of its own.
    """

    def __init__(self, settings: Settings, transport: httpx2.AsyncBaseTransport | None) -> None:
        self._settings = settings
        self._transport = transport
        self._tls: SSLContext | None = None
        self._kept: WeakKeyDictionary[AbstractEventLoop, _Kept] = WeakKeyDictionary()
        self._is_closed = False

    async def send(self, request: APIRequest[ModelT], seconds: float) -> APIReply:
        """Send *request*, for *seconds* at most in all."""
        try:
            async with asyncio.timeout(seconds), self._opened() as client:
                built = _build(client, request, self._settings, seconds)
                response = await client.send(built, stream=True)
                async with aclosing(response):
                    return _reply(response, await _read(_plain(response).aiter_bytes()))
        except TimeoutError:
            reason, was_sent = _TOO_SLOW.format(seconds), True
        except httpx2.TransportError as error:
            reason, was_sent = _describe(error), not isinstance(error, _UNSENT)
        # Not chained: the cause holds the request, and so the token.
        raise NoReply(reason, was_sent=was_sent)

    async def pause(self, seconds: float) -> None:
        """Wait; other tasks run."""
        await asyncio.sleep(seconds)

    def now(self) -> float:
        """Return monotonic seconds."""
        return time.monotonic()

    async def keep(self) -> None:
        """Keep connections in this event loop, until each ``keep`` has had its ``release``."""
        _check_open(is_closed=self._is_closed)
        loop = asyncio.get_running_loop()
        if loop not in self._kept:
            self._kept[loop] = _Kept(self._new())
        self._kept[loop].blocks += 1

    async def release(self) -> None:
        """Close the connections of this event loop, after the last block that keeps them."""
        kept = self._kept.get(asyncio.get_running_loop())
        if kept is not None:
            kept.blocks -= 1
            if not kept.blocks:
                await self._drop()

    async def close(self) -> None:
        """Close the connections of this event loop; nothing is sent any more."""
        self._is_closed = True
        await self._drop()

    async def _drop(self) -> None:
        kept = self._kept.pop(asyncio.get_running_loop(), None)
        if kept is not None:
            await kept.client.aclose()

    def _opened(self) -> AbstractAsyncContextManager[httpx2.AsyncClient]:
        _check_open(is_closed=self._is_closed)
        kept = self._kept.get(asyncio.get_running_loop())
        return self._new() if kept is None else nullcontext(kept.client)

    def _new(self) -> httpx2.AsyncClient:
        headers = self._settings.headers
        if self._transport is not None:
            return httpx2.AsyncClient(headers=headers, transport=self._transport)
        if self._tls is None:  # Reading the certificates takes longer than a request.
            self._tls = httpx2.create_ssl_context()
        return httpx2.AsyncClient(headers=headers, verify=self._tls)


@dataclass(slots=True)
class _Kept:
    """A client of an event loop, and the number of blocks that use it."""

    client: httpx2.AsyncClient
    blocks: int = 0


def _check_open(*, is_closed: bool) -> None:
    if is_closed:
        raise APIError(
            "This client of the API is closed.",
            "Close it after the last call, or create another one.",
        )


def _build(
    client: httpx2.Client | httpx2.AsyncClient,
    request: APIRequest[ModelT],
    settings: Settings,
    seconds: float,
) -> httpx2.Request:
    return client.build_request(
        request.method,
        settings.base_url + request.path,
        params=request.query or None,
        content=request.content or None,
        headers={"Content-Type": "application/json"} if request.content else None,
        timeout=httpx2.Timeout(seconds, connect=min(seconds, _LONGEST_CONNECT)),
    )


async def _read(chunks: AsyncIterator[bytes]) -> bytes:
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        _check_size(len(body))
    return bytes(body)


def _plain(response: httpx2.Response) -> httpx2.Response:
    """Return *response*, if it is not compressed: a small one could become a large one."""
    if response.headers.get("content-encoding", "identity") == "identity":
        return response
    raise APIError(
        "The reply of the API is compressed, though the request forbids it.",
        "Turn compression off in the proxy in front of the API.",
        status_code=response.status_code,
    )


def _check_size(size: int) -> None:
    if size > LONGEST_REPLY:
        raise APIError(
            f"The reply of the API is longer than {LONGEST_REPLY} bytes.",
            "Check base_url: lists of the API come in pages.",
        )


def _reply(response: httpx2.Response, body: bytes) -> APIReply:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return APIReply(response.status_code, headers, body)


def _describe(error: httpx2.TransportError) -> str:
    text = str(error)[:_LONGEST_REASON].encode("unicode_escape").decode()
    return f"{type(error).__name__}{f' ({text})' if text else ''}"
