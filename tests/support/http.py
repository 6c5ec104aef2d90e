"""HTTP in three forms: bytes on a connection, an ASGI scope, a WSGI environment.

An HTTP client would refuse to send most of what the tests send.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterable, MutableMapping
from contextlib import suppress
from io import BytesIO
from multiprocessing.connection import wait
from typing import Any, NamedTuple, Self
from wsgiref.util import setup_testing_defaults

from starlette.types import ASGIApp

from tests.support.vectors import Request

Message = MutableMapping[str, Any]  # Any: as ASGI has it.


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def outcome(self) -> str:
        """The outcome in a reply of the receiver; empty for any other response."""
        try:
            reported = json.loads(self.body)
            return str(
                reported["data"]["outcome"] if "data" in reported else reported["error"]["code"]
            )
        except (ValueError, KeyError, TypeError):
            return ""


class Connection:
    """A connection to a port of this machine that sends any bytes."""

    def __init__(self, port: int, *, timeout: float = 30) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout)
        self._read = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, data: bytes) -> bool:
        """Send *data*; return False where the other side has hung up."""
        try:
            self._socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            return False
        return True

    def end(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def answer(self) -> Answer | None:
        """Return the next response, or None where the other side hangs up instead."""
        head = self._until(b"\r\n\r\n")
        if head is None:
            return None
        first, *fields = head.decode("latin-1").split("\r\n")
        status = int(first.split()[1])
        headers = {name.lower(): value for name, _, value in (f.partition(": ") for f in fields)}
        if status == 100:
            return self.answer()
        return Answer(status, headers, self._content(headers))

    def told_to_go_on(self) -> bool:
        """Check for a 100 Continue, which is sent once the program reads."""
        head = self._until(b"\r\n\r\n")
        return head is not None and b" 100 " in head

    def arrives(self, piece: bytes) -> bool:
        """Check that *piece* comes, at any place."""
        while piece not in self._read:
            if not self._more():
                return False
        return True

    def has_input(self, seconds: float) -> bool:
        """Check whether the other side sends or hangs up within *seconds*."""
        return bool(wait([self._socket], seconds))

    def closed(self) -> bool:
        """Check that the other side hangs up without another byte."""
        return not self._read and not self._more()

    def _content(self, headers: dict[str, str]) -> bytes:
        if "content-length" not in headers and headers.get("connection") == "close":
            while self._more():
                pass
            content, self._read = self._read, b""
            return content
        size = int(headers.get("content-length", 0))
        while len(self._read) < size and self._more():
            pass
        content, self._read = self._read[:size], self._read[size:]
        return content

    def _until(self, mark: bytes) -> bytes | None:
        if not self.arrives(mark):
            return None
        found, _, self._read = self._read.partition(mark)
        return found

    def _more(self) -> bool:
        try:
            chunk = self._socket.recv(65_536)
        except ConnectionResetError:
            return False
        self._read += chunk
        return bool(chunk)


def raw(request: Request, path: str, *, length: bool = True) -> bytes:
    """Return the bytes of *request* as they are: nothing is checked, folded or added."""
    if request.raw is not None:
        return request.raw.replace(b"/webhooks/florentin", path.encode(), 1)
    lines = [f"{request.method} {path} HTTP/1.1".encode("latin-1"), b"Host: localhost"]
    lines += [name + b": " + value for name, value in request.headers]
    if length:
        lines.append(b"Content-Length: %d" % len(request.body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + request.body


def ask(port: int, request: Request, path: str) -> Answer | None:
    """Send *request* on a connection of its own and return the answer."""
    with Connection(port) as connection:
        connection.send(raw(request, path))
        return connection.answer()


def scope_of(request: Request, path: str, *, root_path: str = "") -> dict[str, Any]:
    """Return the ASGI scope of *request*, with header names in lower case."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": root_path,
        "query_string": b"",
        "headers": [(name.lower(), value) for name, value in request.headers],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
    }


async def call(
    app: ASGIApp, scope: dict[str, Any], chunks: Iterable[bytes] = (b"",)
) -> Answer | None:
    """Send *app* a request with a body of *chunks*; return None where it sent no answer."""
    given = list(chunks)
    incoming: list[Message] = [
        {"type": "http.request", "body": chunk, "more_body": number < len(given)}
        for number, chunk in enumerate(given, 1)
    ]
    sent: list[Message] = []

    async def receive() -> Message:
        if not incoming:
            await asyncio.Event().wait()  # A server waits for a client that waits for it.
        return incoming.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    if not sent:
        return None
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return Answer(sent[0]["status"], headers, b"".join(m.get("body", b"") for m in sent[1:]))


def environ_of(request: Request, path: str, *, terminated: bool = True) -> dict[str, Any]:
    """Return the environment that gunicorn makes of *request*.

    *terminated*: the server ends the stream itself.
    """
    environ: dict[str, Any] = {"REQUEST_METHOD": request.method, "PATH_INFO": path}
    environ |= {"wsgi.input": BytesIO(request.body), "wsgi.input_terminated": terminated}
    for name, value in request.headers:
        if b"_" in name:
            continue  # The header with a hyphen would have the same key, so gunicorn drops it.
        key = name.decode("latin-1").upper().replace("-", "_")
        key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
        reported = value.decode("latin-1")
        environ[key] = f"{environ[key]},{reported}" if key in environ else reported
    if "HTTP_TRANSFER_ENCODING" not in environ:
        environ.setdefault("CONTENT_LENGTH", str(len(request.body)))
    setup_testing_defaults(environ)
    return environ
